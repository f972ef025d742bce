/* Where CPython keeps what the reader needs: byte offsets in its private structures, a
 * row for each range of versions whose layout is the same.
 *
 * How the versions differ, so that a row (and, where it says so, a few lines of the
 * reader) is all that another one takes:
 *
 *   3.8, 3.9   the thread state points to a PyFrameObject, whose f_lasti is an index of
 *              bytes into the code, a bytes object; line table co_lnotab; no
 *              native_thread_id: thread_id, which is pthread_self(), tells; no Py_Version
 *   3.10       f_lasti counts units of two bytes; line table co_linetable of PEP 626
 *   3.11       cframe -> current_frame -> _PyInterpreterFrame, prev_instr; the code is
 *              part of the code object; line table of PEP 657; strings with wstr
 *   3.12       current_frame at the start of _PyCFrame; a frame whose owner is 3 belongs
 *              to the C stack and is skipped, one that stands before _co_firsttraceable
 *              is skipped too (some code is the interpreter's own); strings without wstr (data at 40 and 56)
 *   3.13       no cframe; _PyRuntime begins with _Py_DebugOffsets ("xdebugpy"), which is
 *              a row that the process brings along; instr_ptr is the instruction itself
 *   from 3.14  _Py_DebugOffsets has grown in the middle: not known here
 *
 * tools/python-layout.c prints the row of a version from its headers.
 */
#ifndef TRACE_SOURCE_PYTHON_LAYOUT_H
#define TRACE_SOURCE_PYTHON_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace/source_python_lines.h"

/* How a frame tells its instruction; an index of -1 is one before the first. */
enum python_instruction {
	PYTHON_INSTRUCTION_BYTE,    /* an int: index of a byte of the code */
	PYTHON_INSTRUCTION_UNIT,    /* an int: index of two bytes */
	PYTHON_INSTRUCTION_POINTER, /* where it is in memory */
};

struct python_layout {
	uint32_t first, last; /* PY_VERSION_HEX */

	uint16_t runtime_interpreters; /* _PyRuntimeState.interpreters.head */
	uint16_t interpreter_next;
	uint16_t interpreter_threads; /* the first PyThreadState of its list */

	/* PyThreadState; all of it lies in the first thread_bytes. */
	uint16_t thread_previous, thread_next, thread_interpreter;
	uint16_t thread_frame; /* the innermost one, or with has_cframe its _PyCFrame */
	uint16_t thread_id, thread_native_id, thread_bytes; /* native: 0 there is none */
	bool has_cframe;
	uint16_t cframe_current; /* _PyCFrame.current_frame */

	/* _PyInterpreterFrame; or, where there are no owners, PyFrameObject */
	uint16_t frame_code, frame_previous, frame_instruction, frame_owner, frame_bytes;
	enum python_instruction instruction;
	uint8_t frame_owners;        /* as many kinds of owner exist */
	uint8_t frame_owner_skipped; /* 0, or whose frames are the interpreter's own */

	/* PyCodeObject */
	uint16_t code_units;        /* ob_size: of two bytes each; or else: */
	uint16_t code_code;         /* 0, or the bytes object that holds the code */
	uint16_t code_instructions; /* where in the code object the code begins */
	uint16_t code_file, code_name, code_first_line, code_line_table, code_bytes;
	/* 0, or the unit from which on the code is a statement's: a frame that stands
	 * before it is not shown by the interpreter either. */
	uint16_t code_first_traceable;
	enum python_lines lines;

	/* Every object, bytes and strings. */
	uint16_t object_type, bytes_length, bytes_data;
	uint16_t string_length, string_state, string_data_ascii, string_data;

	bool brings_offsets; /* python_layout_adopt() must find them good */
};

enum {
	PYTHON_LARGEST_STRUCT = 256, /* no ..._bytes of a row is larger */
	PYTHON_OFFSETS_BYTES = 71 * 8,
};

/* The row for a version as Py_Version has it (0x030b02f0 is 3.11.2), or NULL. */
const struct python_layout *python_layout_find(uint32_t version);

/* Changes the row by the offsets that a process of that version has at _PyRuntime.  0, or
 * -ENOTSUP, and then it is as it was: none, of another version, of a build without the
 * GIL, or such as no build has. */
int python_layout_adopt(struct python_layout *layout, uint32_t version,
			const uint8_t offsets[PYTHON_OFFSETS_BYTES]);

/* "Python 3.11.2", "Python 3.15.0a1". */
void python_version_format(uint32_t version, char ret[32]);

#endif
