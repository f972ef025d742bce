/* A program that looks like a CPython from outside, and whose structures are what the
 * test asks for: sound, or broken in one way.  It calls getppid when they are ready, and
 * makes a socket, which those that trace it as a program of unknown version will see.
 *
 * Built with FAKE_LAYOUT, the version whose structures it has, and with FAKE_VERSION, the
 * one that it claims, or FAKE_MARK, a function that tells the version (or neither); and
 * with another hash style. */
#include <pthread.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "trace/source_python_layout.h"

#define SHOWN __attribute__((visibility("default"), used))

/* The names are the interpreter's. */
extern const unsigned long Py_Version;
extern uint64_t _PyRuntime[512], PyCode_Type[8], PyUnicode_Type[8], PyBytes_Type[8],
	PyFrame_Type[8];

#ifdef FAKE_VERSION
SHOWN const unsigned long Py_Version = FAKE_VERSION;
#endif
#ifdef FAKE_MARK
void FAKE_MARK(void);
SHOWN void FAKE_MARK(void)
{
}
#endif
SHOWN uint64_t _PyRuntime[512];
SHOWN uint64_t PyCode_Type[8], PyUnicode_Type[8], PyBytes_Type[8], PyFrame_Type[8];

static uint8_t interpreter[8192], states[2][256], cframe[64], frames[2][128];
static uint8_t code[512], instructions[64], file[256], name[256], table[256];

static void put(void *object, size_t offset, const void *value)
{
	uint64_t bits = (uint64_t)(uintptr_t)value;

	memcpy((uint8_t *)object + offset, &bits, sizeof(bits));
}

static void put_number(void *object, size_t offset, uint64_t value)
{
	memcpy((uint8_t *)object + offset, &value, sizeof(value));
}

static void make_string(uint8_t *object, const struct python_layout *layout,
			const char *text)
{
	const uint32_t compact_ascii_ready_kind1 = 0xe4;

	put(object, layout->object_type, PyUnicode_Type);
	put_number(object, layout->string_length, strlen(text));
	memcpy(object + layout->string_state, &compact_ascii_ready_kind1, 4);
	memcpy(object + layout->string_data_ascii, text, strlen(text) + 1);
}

static void make_bytes(uint8_t *object, const struct python_layout *layout,
		       const uint8_t *bytes, size_t n)
{
	put(object, layout->object_type, PyBytes_Type);
	put_number(object, layout->bytes_length, n);
	if (n)
		memcpy(object + layout->bytes_data, bytes, n);
}

/* The frame's instruction at that byte of the code. */
static void put_instruction(uint8_t *frame, const struct python_layout *layout,
			    int offset)
{
	int32_t index =
		layout->instruction == PYTHON_INSTRUCTION_UNIT ? offset / 2 : offset;

	if (layout->instruction == PYTHON_INSTRUCTION_POINTER)
		put(frame, layout->frame_instruction,
		    code + layout->code_instructions + offset);
	else
		memcpy(frame + layout->frame_instruction, &index, sizeof(index));
}

static void put_current(const struct python_layout *layout, const void *frame)
{
	if (layout->has_cframe)
		put(cframe, layout->cframe_current, frame);
	else
		put(states[1], layout->thread_frame, frame);
}

/* 3.13's _Py_DebugOffsets; the places are those of its header. */
static void make_offsets(const struct python_layout *layout)
{
	const struct {
		unsigned at;
		uint64_t value;
	} words[] = {
		{1, FAKE_LAYOUT},
		{5, layout->runtime_interpreters},
		{8, layout->interpreter_next},
		{9, layout->interpreter_threads},
		{20, layout->thread_previous},
		{21, layout->thread_next},
		{22, layout->thread_interpreter},
		{23, layout->thread_frame},
		{24, layout->thread_id},
		{25, layout->thread_native_id},
		{29, layout->frame_previous},
		{30, layout->frame_code},
		{31, layout->frame_instruction},
		{33, layout->frame_owner},
		{35, layout->code_file},
		{36, layout->code_name},
		{38, layout->code_line_table},
		{39, layout->code_first_line},
		{43, layout->code_instructions},
		{45, layout->object_type},
		{65, layout->bytes_length},
		{66, layout->bytes_data},
		{68, layout->string_state},
		{69, layout->string_length},
		{70, layout->string_data_ascii},
	};

	memcpy(_PyRuntime, "xdebugpy", 8);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		_PyRuntime[words[i].at] = words[i].value;
}

/* fake.py, line 7, in f, called from the same place. */
static void make_sound(const struct python_layout *layout)
{
	const uint32_t line = 7;
	/* Four units: no columns, 0 lines further; or eight bytes, 0 lines further. */
	const uint8_t entry[] = {0x80 | 13 << 3 | 3, 0}, range[] = {8, 0}, none[8] = {0};

	put(_PyRuntime, layout->runtime_interpreters, interpreter);
	put(interpreter, layout->interpreter_threads, states[0]);
	put(states[0], layout->thread_next, states[1]);
	put(states[1], layout->thread_previous, states[0]);
	for (int i = 0; i < 2; i++)
		put(states[i], layout->thread_interpreter, interpreter);
	if (layout->thread_native_id)
		put_number(states[1], layout->thread_native_id, (uint64_t)getpid());
	else
		put_number(states[1], layout->thread_id, (uint64_t)pthread_self());
	if (layout->has_cframe)
		put(states[1], layout->thread_frame, cframe);
	put_current(layout, frames[0]);
	put(frames[0], layout->frame_previous, frames[1]);
	for (int i = 0; i < 2; i++) {
		if (!layout->frame_owners)
			put(frames[i], layout->object_type, PyFrame_Type);
		put(frames[i], layout->frame_code, code);
		put_instruction(frames[i], layout, 2);
	}
	put(code, layout->object_type, PyCode_Type);
	if (layout->code_code)
		put(code, layout->code_code, instructions);
	else
		put_number(code, layout->code_units, 4);
	make_bytes(instructions, layout, none, sizeof(none));
	memcpy(code + layout->code_first_line, &line, sizeof(line));
	put(code, layout->code_file, file);
	put(code, layout->code_name, name);
	put(code, layout->code_line_table, table);
	make_string(file, layout, "fake.py");
	make_string(name, layout, "f");
	if (layout->lines == PYTHON_LINES_LOCATIONS)
		make_bytes(table, layout, entry, sizeof(entry));
	else
		make_bytes(table, layout, range,
			   layout->lines == PYTHON_LINES_RANGES ? sizeof(range) : 0);
	if (layout->brings_offsets)
		make_offsets(layout);
}

/* Only what 3.13 brings along. */
static bool break_offsets(const struct python_layout *layout, const char *how)
{
	if (strcmp(how, "no cookie") == 0)
		_PyRuntime[0] = 0;
	else if (strcmp(how, "offsets of another version") == 0)
		_PyRuntime[1] += 0x100;
	else if (strcmp(how, "no GIL") == 0)
		_PyRuntime[2] = 1;
	else if (strcmp(how, "far thread") == 0)
		_PyRuntime[23] = PYTHON_LARGEST_STRUCT - 7;
	else if (strcmp(how, "very far thread") == 0)
		_PyRuntime[23] = UINT64_MAX - 3;
	else if (strcmp(how, "far interpreter") == 0)
		_PyRuntime[9] = 1 << 16;
	else if (strcmp(how, "other objects") == 0)
		_PyRuntime[45] = 24;
	else if (strcmp(how, "other strings") == 0)
		_PyRuntime[70] = 48;
	else if (strcmp(how, "a field that moved") == 0) {
		put_number(states[1], layout->thread_native_id, 1);
		put_number(states[1], 240, (uint64_t)getpid());
		_PyRuntime[25] = 240;
	} else
		return false;
	return true;
}

static void break_it(const struct python_layout *layout, const char *how)
{
	const uint32_t kind3 = 0xec, not_compact = 0xc4;
	const uint64_t huge = UINT64_C(1) << 40;
	/* Larger than any structure, so that no field of it lies in what comes behind. */
	void *gone = mmap(NULL, 1 << 16, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (break_offsets(layout, how))
		return;
	if (strcmp(how, "no interpreter") == 0)
		put(_PyRuntime, layout->runtime_interpreters, NULL);
	else if (strcmp(how, "interpreters in a circle") == 0)
		put(interpreter, layout->interpreter_next, interpreter);
	else if (strcmp(how, "interpreter gone") == 0)
		put(_PyRuntime, layout->runtime_interpreters, gone);
	else if (strcmp(how, "threads in a circle") == 0)
		put(states[0], layout->thread_next, states[0]);
	else if (strcmp(how, "another thread") == 0)
		put_number(states[1],
			   layout->thread_native_id ? layout->thread_native_id
						    : layout->thread_id,
			   1);
	else if (strcmp(how, "number of the parent") == 0) {
		put_number(states[1], layout->thread_native_id, 1);
		put_number(states[1], layout->thread_id, (uint64_t)pthread_self());
	} else if (strcmp(how, "no cframe") == 0)
		put(states[1], layout->thread_frame, NULL);
	else if (strcmp(how, "no frame") == 0)
		put_current(layout, NULL);
	else if (strcmp(how, "frames in a circle") == 0)
		put(frames[1], layout->frame_previous, frames[0]);
	else if (strcmp(how, "odd frame") == 0)
		put_current(layout, frames[0] + 1);
	else if (strcmp(how, "kernel frame") == 0)
		put_current(layout, (void *)(uintptr_t)UINT64_C(0xffff888000000000));
	else if (strcmp(how, "frame gone") == 0)
		put(frames[0], layout->frame_previous, gone);
	else if (strcmp(how, "owner") == 0)
		frames[0][layout->frame_owner] = 77;
	else if (strcmp(how, "frame is none") == 0)
		put(frames[1], layout->object_type, PyCode_Type);
	else if (strcmp(how, "frame of the stack") == 0)
		frames[0][layout->frame_owner] = layout->frame_owner_skipped;
	else if (strcmp(how, "frames of the stack in a circle") == 0) {
		frames[1][layout->frame_owner] = layout->frame_owner_skipped;
		put(frames[1], layout->frame_previous, frames[1]);
	} else if (strcmp(how, "not traceable") == 0)
		code[layout->code_first_traceable] = 2;
	else if (strcmp(how, "code is no bytes") == 0)
		put(code, layout->code_code, file);
	else if (strcmp(how, "code gone away") == 0)
		put(code, layout->code_code, gone);
	else if (strcmp(how, "long code") == 0)
		put_number(layout->code_code ? instructions : code,
			   layout->code_code ? layout->bytes_length : layout->code_units,
			   huge);
	else if (strcmp(how, "not begun") == 0)
		put_instruction(frames[0], layout,
				layout->instruction == PYTHON_INSTRUCTION_BYTE ? -1 : -2);
	else if (strcmp(how, "code is none") == 0)
		put(code, layout->object_type, PyBytes_Type);
	else if (strcmp(how, "instruction before") == 0)
		put_instruction(frames[0], layout, -16);
	else if (strcmp(how, "instruction behind") == 0)
		put_instruction(frames[0], layout, 8);
	else if (strcmp(how, "instruction odd") == 0)
		put_instruction(frames[0], layout, 1);
	else if (strcmp(how, "instruction in no line") == 0)
		put_number(table, layout->bytes_length, 0);
	else if (strcmp(how, "first line") == 0)
		memset(code + layout->code_first_line, 0xff, 4);
	else if (strcmp(how, "file is none") == 0)
		put(file, layout->object_type, PyBytes_Type);
	else if (strcmp(how, "file gone") == 0)
		put(code, layout->code_file, gone);
	else if (strcmp(how, "long file") == 0)
		put_number(file, layout->string_length, huge);
	else if (strcmp(how, "negative file") == 0)
		put_number(file, layout->string_length, UINT64_MAX);
	else if (strcmp(how, "file of odd kind") == 0)
		memcpy(file + layout->string_state, &kind3, 4);
	else if (strcmp(how, "file elsewhere") == 0)
		memcpy(file + layout->string_state, &not_compact, 4);
	else if (strcmp(how, "table is none") == 0)
		put(table, layout->object_type, PyUnicode_Type);
	else if (strcmp(how, "long table") == 0)
		put_number(table, layout->bytes_length, huge);
	else if (strcmp(how, "table of garbage") == 0)
		memset(table + layout->bytes_data, 0x7f, 2);
	else if (strcmp(how, "sound") != 0)
		_exit(2);
}

int main(int argc, char **argv)
{
	const struct python_layout *layout = python_layout_find(FAKE_LAYOUT);

	make_sound(layout);
	break_it(layout, argc > 1 ? argv[1] : "sound");
	syscall(SYS_getppid);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || listen(fd, 1) < 0)
		_exit(3);
	close(fd);
	_exit(0); /* without the check for leaks, which does not work while traced */
}
