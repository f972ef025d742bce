/* A program that looks like a CPython from outside, and whose structures are what the
 * test asks for: sound, or broken in one way.  It calls getppid when they are ready, and
 * makes a socket, which those that trace it as a program of unknown version will see.
 *
 * Built with FAKE_VERSION as the version it claims, and with another hash style. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "trace/source_python_layout.h"

#define SHOWN __attribute__((visibility("default"), used))
#define LAYOUT_VERSION 0x030b02f0

/* The names are the interpreter's. */
extern const unsigned long Py_Version;
extern uint64_t _PyRuntime[512], PyCode_Type[8], PyUnicode_Type[8], PyBytes_Type[8],
	PyFrame_Type[8];

#ifdef FAKE_VERSION
SHOWN const unsigned long Py_Version = FAKE_VERSION;
#endif
SHOWN uint64_t _PyRuntime[512];
SHOWN uint64_t PyCode_Type[8], PyUnicode_Type[8], PyBytes_Type[8], PyFrame_Type[8];

static uint8_t interpreter[256], states[2][256], cframe[64], frames[2][128];
static uint8_t code[512], file[256], name[256], table[256];

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

/* fake.py, line 7, in f, called from the same place. */
static void make_sound(const struct python_layout *layout)
{
	const uint32_t line = 7;
	/* Four units, no columns, 0 lines further. */
	const uint8_t entry[] = {0x80 | 13 << 3 | 3, 0};

	put(_PyRuntime, layout->runtime_interpreters, interpreter);
	put(interpreter, layout->interpreter_threads, states[0]);
	put(states[0], layout->thread_next, states[1]);
	put(states[1], layout->thread_previous, states[0]);
	for (int i = 0; i < 2; i++)
		put(states[i], layout->thread_interpreter, interpreter);
	put_number(states[1], layout->thread_native_id, (uint64_t)getpid());
	put(states[1], layout->thread_frame, cframe);
	put(cframe, layout->cframe_current, frames[0]);
	put(frames[0], layout->frame_previous, frames[1]);
	for (int i = 0; i < 2; i++) {
		put(frames[i], layout->frame_code, code);
		put(frames[i], layout->frame_instruction,
		    code + layout->code_instructions + 2);
	}
	put(code, layout->object_type, PyCode_Type);
	put_number(code, layout->code_units, 4);
	memcpy(code + layout->code_first_line, &line, sizeof(line));
	put(code, layout->code_file, file);
	put(code, layout->code_name, name);
	put(code, layout->code_line_table, table);
	make_string(file, layout, "fake.py");
	make_string(name, layout, "f");
	put(table, layout->object_type, PyBytes_Type);
	put_number(table, layout->bytes_length, sizeof(entry));
	memcpy(table + layout->bytes_data, entry, sizeof(entry));
}

static void break_it(const struct python_layout *layout, const char *how)
{
	const uint32_t kind3 = 0xec, not_compact = 0xc4;
	const uint64_t huge = UINT64_C(1) << 40;
	void *gone = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (strcmp(how, "no interpreter") == 0)
		put(_PyRuntime, layout->runtime_interpreters, NULL);
	else if (strcmp(how, "interpreters in a circle") == 0)
		put(interpreter, layout->interpreter_next, interpreter);
	else if (strcmp(how, "interpreter gone") == 0)
		put(_PyRuntime, layout->runtime_interpreters, gone);
	else if (strcmp(how, "threads in a circle") == 0)
		put(states[0], layout->thread_next, states[0]);
	else if (strcmp(how, "another thread") == 0)
		put_number(states[1], layout->thread_native_id, 1);
	else if (strcmp(how, "no cframe") == 0)
		put(states[1], layout->thread_frame, NULL);
	else if (strcmp(how, "no frame") == 0)
		put(cframe, layout->cframe_current, NULL);
	else if (strcmp(how, "frames in a circle") == 0)
		put(frames[1], layout->frame_previous, frames[0]);
	else if (strcmp(how, "odd frame") == 0)
		put(cframe, layout->cframe_current, frames[0] + 1);
	else if (strcmp(how, "kernel frame") == 0)
		put_number(cframe, layout->cframe_current, UINT64_C(0xffff888000000000));
	else if (strcmp(how, "frame gone") == 0)
		put(frames[0], layout->frame_previous, gone);
	else if (strcmp(how, "owner") == 0)
		frames[0][layout->frame_owner] = 77;
	else if (strcmp(how, "code is none") == 0)
		put(code, layout->object_type, PyBytes_Type);
	else if (strcmp(how, "instruction before") == 0)
		put(frames[0], layout->frame_instruction, code);
	else if (strcmp(how, "instruction behind") == 0)
		put(frames[0], layout->frame_instruction,
		    code + layout->code_instructions + 8);
	else if (strcmp(how, "instruction odd") == 0)
		put(frames[0], layout->frame_instruction,
		    code + layout->code_instructions + 1);
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
	const struct python_layout *layout = python_layout_find(LAYOUT_VERSION);

	make_sound(layout);
	break_it(layout, argc > 1 ? argv[1] : "sound");
	syscall(SYS_getppid);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || listen(fd, 1) < 0)
		_exit(3);
	close(fd);
	_exit(0); /* without the check for leaks, which does not work while traced */
}
