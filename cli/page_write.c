/* The page with a capture in it.
 *
 * web/ makes the page, in two parts: between them stands the capture, as base64 in an
 * element that no browser runs.  Base64 has no character that could end the element, and
 * the file's name is written so, too. */
#include "page_write.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "page_parts.h"

enum { READ_BYTES = 3 << 14 }; /* a multiple of 3: pieces join without padding */

int page_check(const char *operation, struct sonde_error *err)
{
	if (page_head_size)
		return 0;
	sonde_error_set(err, SONDE_ERROR_TROUBLE, -EINVAL, operation, "",
			"this sonde was built without the page");
	sonde_error_hint(err, "meson configure -Dpage=enabled, with clang, lld and "
			      "wasi-libc");
	return -EINVAL;
}

/* How the pages of all versions begin: as this one does, up to its first hash. */
static bool begins_as_page(const char *path)
{
	static const char mark[] = "sha256-";
	const unsigned char *hash =
		memmem(page_head, page_head_size, mark, sizeof(mark) - 1);
	unsigned char bytes[1024];
	size_t wanted = hash ? (size_t)(hash - page_head) : 0, n;
	FILE *file = fopen(path, "re");

	if (!file)
		return false;
	n = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	return wanted && n >= wanted && memcmp(bytes, page_head, wanted) == 0;
}

int page_check_place(const char *operation, const char *path, struct sonde_error *err)
{
	struct stat status;

	/* Of what else stands there (a pipe, an empty file) nothing can be lost. */
	if (stat(path, &status) < 0 || !S_ISREG(status.st_mode) || !status.st_size ||
	    begins_as_page(path))
		return 0;
	sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, operation, path,
			"this file is no page, and --page would overwrite it");
	sonde_error_hint(err, "--html PAGE.html makes a page of a capture; "
			      "--page -o overwrites any file");
	return -EINVAL;
}

void page_write_empty(struct output *output)
{
	output_bytes(output, page_head, page_head_size);
	output_bytes(output, page_tail, page_tail_size);
}

static void write_base64(struct output *output, const unsigned char *bytes, size_t n)
{
	static const char signs[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789+/";
	char text[READ_BYTES / 3 * 4];
	size_t used = 0;

	for (size_t i = 0; i < n; i += 3) {
		unsigned word = (unsigned)bytes[i] << 16;

		word |= i + 1 < n ? (unsigned)bytes[i + 1] << 8 : 0;
		word |= i + 2 < n ? bytes[i + 2] : 0;
		text[used++] = signs[word >> 18];
		text[used++] = signs[word >> 12 & 63];
		text[used++] = i + 1 < n ? signs[word >> 6 & 63] : '=';
		text[used++] = i + 2 < n ? signs[word & 63] : '=';
	}
	output_bytes(output, text, used);
}

static int write_capture(struct output *output, FILE *capture)
{
	unsigned char bytes[READ_BYTES];
	size_t n;

	while ((n = fread(bytes, 1, sizeof(bytes), capture)) > 0)
		write_base64(output, bytes, n);
	return ferror(capture) ? -EIO : 0;
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static void write_name(struct output *output, const char *path)
{
	const char *name = last_part(path);
	size_t n = strlen(name);

	write_base64(output, (const unsigned char *)name,
		     n < READ_BYTES ? n : READ_BYTES);
}

int page_write(const char *path, const struct page_data *data, struct sonde_error *err)
{
	FILE *file = fopen(data->capture, "re");
	struct output output;
	int r;

	if (!file)
		return sonde_error_set(err, SONDE_ERROR_TROUBLE, -errno, "read",
				       data->name, NULL);
	output_init(&output, COLOR_NEVER);
	r = output_open(&output, path);
	if (r < 0) {
		sonde_error_set(err, SONDE_ERROR_TROUBLE, r, "open", path, NULL);
		fclose(file);
		return r;
	}
	output_bytes(&output, page_head, page_head_size);
	output_print(&output, "<script type=\"text/plain\" id=\"capture\" data-name=\"");
	write_name(&output, data->name);
	output_print(&output, "\" data-stream=\"%u\"%s>", data->stream,
		     data->shows_secrets ? " data-secrets=\"shown\"" : "");
	r = write_capture(&output, file);
	if (r < 0)
		sonde_error_set(err, SONDE_ERROR_TROUBLE, r, "read", data->name, NULL);
	fclose(file);
	output_print(&output, "</script>\n");
	output_bytes(&output, page_tail, page_tail_size);
	if (r < 0)
		output_finish(&output, NULL);
	else
		r = output_finish(&output, err);
	return r;
}
