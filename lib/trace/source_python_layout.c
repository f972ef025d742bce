/* The table of CPython's layouts; see the header.  The numbers are what offsetof() gives
 * with the headers of a build of each version for 64-bit Linux: tools/python-layout.c
 * prints a row.  Within a minor version they stay the same from its first release on. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "trace/source_python_layout.h"

static const struct python_layout layouts[] = {
	/* 3.8 and 3.9; measured with 3.8.18 and 3.9.18. */
	{
		.first = 0x030800f0,
		.last = 0x0309ffff,
		.runtime_interpreters = 32,
		.interpreter_next = 0,
		.interpreter_threads = 8,
		.thread_previous = 0,
		.thread_next = 8,
		.thread_interpreter = 16,
		.thread_frame = 24,
		.thread_id = 176,
		.thread_bytes = 184,
		.frame_code = 32,
		.frame_previous = 24,
		.frame_instruction = 104,
		.frame_bytes = 112,
		.instruction = PYTHON_INSTRUCTION_BYTE,
		.code_code = 48,
		.code_file = 104,
		.code_name = 112,
		.code_first_line = 40,
		.code_line_table = 120,
		.code_bytes = 128,
		.lines = PYTHON_LINES_LNOTAB,
		.object_type = 8,
		.bytes_length = 16,
		.bytes_data = 32,
		.string_length = 16,
		.string_state = 32,
		.string_data_ascii = 48,
		.string_data = 72,
	},
	/* Measured with 3.10.13. */
	{
		.first = 0x030a00f0,
		.last = 0x030affff,
		.runtime_interpreters = 32,
		.interpreter_next = 0,
		.interpreter_threads = 8,
		.thread_previous = 0,
		.thread_next = 8,
		.thread_interpreter = 16,
		.thread_frame = 24,
		.thread_id = 176,
		.thread_bytes = 184,
		.frame_code = 32,
		.frame_previous = 24,
		.frame_instruction = 96,
		.frame_bytes = 104,
		.instruction = PYTHON_INSTRUCTION_UNIT,
		.code_code = 48,
		.code_file = 104,
		.code_name = 112,
		.code_first_line = 40,
		.code_line_table = 120,
		.code_bytes = 128,
		.lines = PYTHON_LINES_RANGES,
		.object_type = 8,
		.bytes_length = 16,
		.bytes_data = 32,
		.string_length = 16,
		.string_state = 32,
		.string_data_ascii = 48,
		.string_data = 72,
	},
	/* Measured with 3.11.2 and 3.11.7. */
	{
		.first = 0x030b00f0,
		.last = 0x030bffff,
		.runtime_interpreters = 40,
		.interpreter_next = 0,
		.interpreter_threads = 16,
		.thread_previous = 0,
		.thread_next = 8,
		.thread_interpreter = 16,
		.thread_frame = 56,
		.thread_id = 152,
		.thread_native_id = 160,
		.thread_bytes = 168,
		.has_cframe = true,
		.cframe_current = 8,
		.frame_code = 32,
		.frame_previous = 48,
		.frame_instruction = 56,
		.frame_owner = 69,
		.frame_bytes = 72,
		.instruction = PYTHON_INSTRUCTION_POINTER,
		.frame_owners = 3,
		.code_units = 16,
		.code_instructions = 184,
		.code_file = 112,
		.code_name = 120,
		.code_first_line = 72,
		.code_line_table = 136,
		.code_bytes = 144,
		.lines = PYTHON_LINES_LOCATIONS,
		.object_type = 8,
		.bytes_length = 16,
		.bytes_data = 32,
		.string_length = 16,
		.string_state = 32,
		.string_data_ascii = 48,
		.string_data = 72,
	},
	/* Measured with 3.12.1. */
	{
		.first = 0x030c00f0,
		.last = 0x030cffff,
		.runtime_interpreters = 40,
		.interpreter_next = 0,
		.interpreter_threads = 72,
		.thread_previous = 0,
		.thread_next = 8,
		.thread_interpreter = 16,
		.thread_frame = 56,
		.thread_id = 136,
		.thread_native_id = 144,
		.thread_bytes = 152,
		.has_cframe = true,
		.cframe_current = 0,
		.frame_code = 0,
		.frame_previous = 8,
		.frame_instruction = 56,
		.frame_owner = 70,
		.frame_bytes = 72,
		.instruction = PYTHON_INSTRUCTION_POINTER,
		.frame_owners = 4,
		.frame_owner_skipped = 3,
		.code_units = 16,
		.code_instructions = 192,
		.code_first_traceable = 176,
		.code_file = 112,
		.code_name = 120,
		.code_first_line = 68,
		.code_line_table = 136,
		.code_bytes = 184,
		.lines = PYTHON_LINES_LOCATIONS,
		.object_type = 8,
		.bytes_length = 16,
		.bytes_data = 32,
		.string_length = 16,
		.string_state = 32,
		.string_data_ascii = 40,
		.string_data = 56,
	},
	/* Measured with 3.13.0. */
	{
		.first = 0x030d00f0,
		.last = 0x030dffff,
		.runtime_interpreters = 632,
		.interpreter_next = 7264,
		.interpreter_threads = 7344,
		.thread_previous = 0,
		.thread_next = 8,
		.thread_interpreter = 16,
		.thread_frame = 72,
		.thread_id = 152,
		.thread_native_id = 160,
		.thread_bytes = 168,
		.frame_code = 0,
		.frame_previous = 8,
		.frame_instruction = 56,
		.frame_owner = 70,
		.frame_bytes = 72,
		.instruction = PYTHON_INSTRUCTION_POINTER,
		.frame_owners = 4,
		.frame_owner_skipped = 3,
		.code_units = 16,
		.code_instructions = 200,
		.code_first_traceable = 184,
		.code_file = 112,
		.code_name = 120,
		.code_first_line = 68,
		.code_line_table = 136,
		.code_bytes = 192,
		.lines = PYTHON_LINES_LOCATIONS,
		.object_type = 8,
		.bytes_length = 16,
		.bytes_data = 32,
		.string_length = 16,
		.string_state = 32,
		.string_data_ascii = 40,
		.string_data = 56,
		.brings_offsets = true,
	},
};

const struct python_layout *python_layout_find(uint32_t version)
{
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
		if (version >= layouts[i].first && version <= layouts[i].last)
			return &layouts[i];
	return NULL;
}

/* _Py_DebugOffsets of 3.13 (Include/internal/pycore_runtime.h): offsets, and first in each
 * group the size of the structure. */
struct brought {
	char cookie[8];
	uint64_t version, is_free_threaded;
	struct {
		uint64_t size, finalizing, interpreters;
	} runtime;
	struct {
		uint64_t size, id, next, threads, others[9];
	} interpreter;
	struct {
		uint64_t size, previous, next, interpreter, frame, id, native_id,
			others[2];
	} thread;
	struct {
		uint64_t size, previous, code, instruction, locals, owner;
	} frame;
	struct {
		uint64_t size, file, name, qualified_name, line_table, first_line,
			others[3], instructions;
	} code;
	struct {
		uint64_t size, type;
	} object;
	uint64_t types[4], tuples[3], lists[3], dicts[3], floats[2], longs[3];
	struct {
		uint64_t size, length, data;
	} bytes;
	struct {
		uint64_t size, state, length, ascii_size;
	} string;
};
static_assert(sizeof(struct brought) == PYTHON_OFFSETS_BYTES, "what is read of it");

/* Takes over where a field lies.  With ret_bytes the field is part of what is read of its
 * structure, which grows to hold it. */
static bool take(uint64_t offset, size_t field_bytes, uint16_t *ret, uint16_t *ret_bytes)
{
	if (offset > (ret_bytes ? PYTHON_LARGEST_STRUCT - field_bytes : UINT16_MAX))
		return false;
	*ret = (uint16_t)offset;
	if (ret_bytes && offset + field_bytes > *ret_bytes)
		*ret_bytes = (uint16_t)(offset + field_bytes);
	return true;
}

static bool take_all(struct python_layout *to, const struct brought *from)
{
	const size_t word = sizeof(uint64_t);
	uint16_t *thread = &to->thread_bytes, *frame = &to->frame_bytes,
		 *code = &to->code_bytes;

	return take(from->runtime.interpreters, word, &to->runtime_interpreters, NULL) &&
	       take(from->interpreter.next, word, &to->interpreter_next, NULL) &&
	       take(from->interpreter.threads, word, &to->interpreter_threads, NULL) &&
	       take(from->thread.previous, word, &to->thread_previous, thread) &&
	       take(from->thread.next, word, &to->thread_next, thread) &&
	       take(from->thread.interpreter, word, &to->thread_interpreter, thread) &&
	       take(from->thread.frame, word, &to->thread_frame, thread) &&
	       take(from->thread.id, word, &to->thread_id, thread) &&
	       take(from->thread.native_id, word, &to->thread_native_id, thread) &&
	       take(from->frame.previous, word, &to->frame_previous, frame) &&
	       take(from->frame.code, word, &to->frame_code, frame) &&
	       take(from->frame.instruction, word, &to->frame_instruction, frame) &&
	       take(from->frame.owner, 1, &to->frame_owner, frame) &&
	       take(from->code.file, word, &to->code_file, code) &&
	       take(from->code.name, word, &to->code_name, code) &&
	       take(from->code.line_table, word, &to->code_line_table, code) &&
	       take(from->code.first_line, word, &to->code_first_line, code);
}

int python_layout_adopt(struct python_layout *layout, uint32_t version,
			const uint8_t offsets[PYTHON_OFFSETS_BYTES])
{
	struct python_layout adopted = *layout;
	struct brought brought;

	memcpy(&brought, offsets, sizeof(brought));
	/* Without the GIL even the head of an object is another one. */
	if (memcmp(brought.cookie, "xdebugpy", sizeof(brought.cookie)) != 0 ||
	    brought.version != version || brought.is_free_threaded)
		return -ENOTSUP;
	/* Extension modules rely on objects, bytes and strings; and next to the code lies
	 * a field that no offset is brought of. */
	if (brought.code.instructions != layout->code_instructions ||
	    brought.object.type != layout->object_type ||
	    brought.bytes.length != layout->bytes_length ||
	    brought.bytes.data != layout->bytes_data ||
	    brought.string.length != layout->string_length ||
	    brought.string.state != layout->string_state ||
	    brought.string.ascii_size != layout->string_data_ascii ||
	    !take_all(&adopted, &brought))
		return -ENOTSUP;
	*layout = adopted;
	return 0;
}

void python_version_format(uint32_t version, char ret[32])
{
	unsigned level = version >> 4 & 15, serial = version & 15;
	const char *word = level == 0xa   ? "a"
			   : level == 0xb ? "b"
			   : level == 0xc ? "rc"
					  : "";
	int n = snprintf(ret, 32, "Python %u.%u.%u", version >> 24 & 255,
			 version >> 16 & 255, version >> 8 & 255);

	if (*word && n > 0 && n < 32)
		snprintf(ret + n, 32 - (size_t)n, "%s%u", word, serial);
}
