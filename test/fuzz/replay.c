/* Gives every file of a folder to a fuzz target, once whole and once cut in half, in
 * memory of exactly its size, so that a sanitizer sees a read past its end.  A target
 * states its property by ending the program where it does not hold. */
#include <dirent.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void give(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static int replay(const char *path)
{
	static uint8_t data[1 << 20];
	FILE *file = fopen(path, "rb");
	size_t size;

	if (!file)
		return -errno;
	size = fread(data, 1, sizeof(data), file);
	if (ferror(file) || !feof(file)) {
		fclose(file);
		return -EIO; /* unreadable, or larger than an input should be */
	}
	fclose(file);
	give(data, size);
	give(data, size / 2);
	return 0;
}

int main(int argc, char **argv)
{
	const char *folder = argc == 2 ? argv[1] : NULL;
	struct dirent **entries = NULL;
	int count = folder ? scandir(folder, &entries, NULL, alphasort) : -1;
	int inputs = 0, failed = 0;

	if (count < 0) {
		fprintf(stderr, "usage: %s FOLDER: %s\n", argv[0], strerror(errno));
		return 2;
	}
	for (int i = 0; i < count; i++) {
		char path[4096];
		int r;

		if (entries[i]->d_name[0] != '.') {
			snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
			inputs++;
			/* Named before it runs: who ends the program is then known. */
			printf("# %s\n", entries[i]->d_name);
			fflush(stdout);
			r = replay(path);
			if (r < 0) {
				printf("# %s: %s\n", path, strerror(-r));
				failed++;
			}
		}
		free(entries[i]);
	}
	free(entries);
	printf("%sok 1 - %d inputs replayed\n1..1\n", failed || !inputs ? "not " : "",
	       inputs);
	return failed || !inputs;
}
