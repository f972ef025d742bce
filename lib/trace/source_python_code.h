/* CPython's code objects: which file, function and line an instruction belongs to, with a
 * cache that never answers for a code object that has gone. */
#ifndef TRACE_SOURCE_PYTHON_CODE_H
#define TRACE_SOURCE_PYTHON_CODE_H

#include "base/limits.h"
#include "trace/source.h"
#include "trace/source_memory.h"
#include "trace/source_python_layout.h"
#include "trace/source_python_lines.h"

enum { PYTHON_CODE_RECENT = 4 };

/* An object as it was read, without what changes while it lives. */
struct python_copy {
	uint64_t address;
	uint8_t *bytes; /* owned */
	size_t length;
};

struct python_code {
	uint64_t address; /* 0: an empty slot */
	uint64_t code_bytes;
	int first_line;
	uint32_t first_traceable; /* byte of the code */
	struct python_copy file, name, table;
	const char *file_text, *name_text; /* borrowed from the codes' strings */
	bool is_system;
	struct python_line recent[PYTHON_CODE_RECENT];
	unsigned next_recent;
};

struct python_codes {
	const struct python_layout *layout;
	/* Where PyCode_Type, PyUnicode_Type and PyBytes_Type are. */
	uint64_t code_type, string_type, bytes_type;
	struct python_code slots[LIMIT_PYTHON_CODES];
	char **strings; /* owned, each too; a hash table, NULL is an empty place */
	size_t string_count, string_capacity;
	uint8_t *scratch; /* owned */
	size_t scratch_capacity;
};

/* The caller zeroes it and sets layout and types. */
void python_codes_done(struct python_codes *codes);

/* What an instruction of the code object stands for; it is an address in it, or where
 * frames have an index, that in bytes.  0, -EFAULT, -ENOMEM, -E2BIG where a limit is
 * passed, or -ENODATA: it is one of the interpreter's own that no source belongs to. */
int python_codes_place(struct python_codes *codes, struct memory *memory, uint64_t code,
		       uint64_t instruction, struct source_frame *ret);

/* Does this file belong to the interpreter or to installed packages? */
bool python_file_is_system(const char *file);

#endif
