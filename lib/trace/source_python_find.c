/* Finding CPython.
 *
 * An interpreter is known by the dynamic symbol _PyRuntime of the program or of a library
 * whose file is called *python*; one before 3.7, which has none, by Py_GetVersion.  Names of
 * files tell no version here: they are links and copies, and a program that embeds the
 * interpreter has any.
 *
 * Py_Version (from 3.11) is the version itself.  Before that the running interpreter
 * keeps its number only among its Python objects, but what it exports tells the minor
 * version: each has brought functions into the C API that the ones before lack and those
 * after keep, and a patch release brings none.  That is enough, because a row of offsets
 * holds for a whole minor version.  Were it wrong all the same, the reader would find out
 * at the first object: frames, code, strings and tables each have to point to the type
 * that the same file exports, and where they do not there is no line.
 *
 * 3.13 brings its own offsets, and says there whether it was built without the GIL; those
 * builds have other objects and are not known. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "trace/source_elf.h"
#include "trace/source_memory.h"
#include "trace/source_python_find.h"

/* Newest first: functions of the C API, and the version that they came with. */
static const struct {
	const char *symbol;
	uint32_t version;
} marks[] = {
	{"PyIter_Send", 0x030a00f0},
	{"PyFrame_GetCode", 0x030900f0},
	{"PyCode_NewWithPosOnlyArgs", 0x030800f0},
};

struct runtime {
	uint64_t at;
	uint64_t told_version; /* where Py_Version is, or 0 */
	uint32_t mark_version; /* of the newest mark, or 0 */
	bool is_two;           /* Python 2: its strings were bytes */
};

static uint32_t find_mark(const struct elf_image *image)
{
	uint64_t ignored;

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (elf_find(image, marks[i].symbol, &ignored) == 0)
			return marks[i].version;
	return 0;
}

static bool inspect_image(struct memory *memory, uint64_t base, struct runtime *ret,
			  struct interpreter *ret_interpreter)
{
	struct interpreter found = {0};
	struct runtime runtime = {0};
	struct elf_image image;
	uint64_t ignored;

	if (elf_open(memory, base, &image) < 0)
		return false;
	if (elf_find(&image, "_PyRuntime", &runtime.at) < 0) {
		if (elf_find(&image, "Py_GetVersion", &ignored) < 0)
			return false;
		runtime.is_two = elf_find(&image, "PyString_Type", &ignored) == 0;
	}
	/* What is not there stays 0. */
	if (elf_find(&image, "Py_Version", &runtime.told_version) < 0)
		runtime.mark_version = find_mark(&image);
	elf_find(&image, "PyCode_Type", &found.code_type);
	elf_find(&image, "PyFrame_Type", &found.frame_type);
	elf_find(&image, "PyUnicode_Type", &found.string_type);
	elf_find(&image, "PyBytes_Type", &found.bytes_type);
	found.runtime = runtime.at;
	*ret = runtime;
	*ret_interpreter = found;
	return true;
}

/* The program itself, and libraries that may be libpython; not extension modules, whose
 * names have ".cpython-". */
static bool is_candidate(const char *path, const char *program)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return false;
	return strcmp(path, program) == 0 ||
	       (strstr(slash, "python") && !strstr(slash, ".cpython-"));
}

static bool find_image(struct memory *memory, pid_t pid, struct runtime *ret,
		       struct interpreter *ret_interpreter)
{
	char path[64], program[LIMIT_PATH] = "";
	char *line = NULL;
	size_t capacity = 0;
	bool is_found = false;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	ssize_t n = readlink(path, program, sizeof(program) - 1);
	program[n > 0 ? n : 0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	FILE *maps = fopen(path, "re");
	if (!maps)
		return false;
	while (!is_found && (n = getline(&line, &capacity, maps)) > 0) {
		unsigned long begin, offset;
		int at = 0;
		if (line[n - 1] == '\n')
			line[n - 1] = '\0';
		if (sscanf(line, "%lx-%*x %*s %lx %*s %*s %n", &begin, &offset, &at) ==
			    2 &&
		    at > 0 && offset == 0 && is_candidate(line + at, program))
			is_found = inspect_image(memory, begin, ret, ret_interpreter);
	}
	free(line);
	fclose(maps);
	return is_found;
}

/* Which version it is, in words too.  0: none that has a row. */
static uint32_t read_version(struct memory *memory, const struct runtime *runtime,
			     char version[32])
{
	uint64_t hex = 0;

	if (runtime->mark_version) {
		snprintf(version, 32, "Python 3.%u", runtime->mark_version >> 16 & 255);
		return runtime->mark_version;
	}
	if (!runtime->told_version) {
		snprintf(version, 32, "%s",
			 runtime->is_two ? "Python 2" : "Python before 3.8");
		return 0;
	}
	if (memory_read(memory, runtime->told_version, &hex, sizeof(hex)) < 0 ||
	    hex > UINT32_MAX) {
		snprintf(version, 32, "Python");
		return 0;
	}
	python_version_format((uint32_t)hex, version);
	return (uint32_t)hex;
}

static enum source_found choose_layout(struct memory *memory, uint32_t version,
				       struct interpreter *interpreter)
{
	const struct python_layout *row = version ? python_layout_find(version) : NULL;
	uint8_t offsets[PYTHON_OFFSETS_BYTES];

	if (!row || !interpreter->code_type || !interpreter->frame_type ||
	    !interpreter->string_type || !interpreter->bytes_type)
		return SOURCE_UNKNOWN_VERSION;
	interpreter->layout = *row;
	if (row->brings_offsets &&
	    (memory_read(memory, interpreter->runtime, offsets, sizeof(offsets)) < 0 ||
	     python_layout_adopt(&interpreter->layout, version, offsets) < 0))
		return SOURCE_UNKNOWN_VERSION;
	return SOURCE_READY;
}

enum source_found interpreter_find(pid_t pid, struct interpreter *ret, char version[32])
{
	const struct memory_spans nothing = {0};
	struct memory memory = {0};
	struct interpreter found;
	struct runtime runtime;
	enum source_found answer = SOURCE_NOT_MINE;

	memory_begin(&memory, pid, &nothing);
	if (find_image(&memory, pid, &runtime, &found)) {
		uint32_t hex = read_version(&memory, &runtime, version);
		answer = choose_layout(&memory, hex, &found);
	}
	memory_done(&memory);
	if (answer == SOURCE_READY)
		*ret = found;
	return answer;
}
