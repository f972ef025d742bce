/* Where CPython keeps what the reader needs: byte offsets in its private structures, a
 * row for each range of versions whose layout is the same.
 *
 * How the versions differ, so that a row (and, where it says so, a few lines of the
 * reader) is all that another one takes:
 *
 *   to 3.10    the thread state points to a PyFrameObject, whose f_lasti is an index
 *              (3.10: of two-byte units, before: of bytes); the line table is co_lnotab,
 *              or in 3.10 co_linetable of PEP 626; no native_thread_id: thread_id, which
 *              is the thread pointer, tells; no Py_Version: 3.10 and older have to be
 *              told apart by other means
 *   3.11       cframe -> current_frame -> _PyInterpreterFrame, prev_instr; line table of
 *              PEP 657; strings with wstr
 *   3.12       current_frame at the start of _PyCFrame; a frame whose owner is 3 belongs
 *              to the C stack and is skipped; strings without wstr (data at 40 and 56)
 *   from 3.13  no cframe; _PyRuntime begins with _Py_DebugOffsets ("xdebugpy"), which is
 *              a row that the process brings along; instr_ptr is the instruction itself
 */
#ifndef TRACE_SOURCE_PYTHON_LAYOUT_H
#define TRACE_SOURCE_PYTHON_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

struct python_layout {
	uint32_t first, last; /* PY_VERSION_HEX */

	uint16_t runtime_interpreters; /* _PyRuntimeState.interpreters.head */
	uint16_t interpreter_next;
	uint16_t interpreter_threads; /* PyInterpreterState.threads.head */

	/* PyThreadState; all of it lies in the first thread_bytes. */
	uint16_t thread_previous, thread_next, thread_interpreter;
	uint16_t thread_cframe, thread_id, thread_native_id, thread_bytes;
	uint16_t cframe_current; /* _PyCFrame.current_frame */

	/* _PyInterpreterFrame */
	uint16_t frame_code, frame_previous, frame_instruction, frame_owner, frame_bytes;
	uint8_t frame_owners; /* as many kinds of owner exist */

	/* PyCodeObject */
	uint16_t code_units; /* ob_size: of two bytes each */
	uint16_t code_file, code_name, code_first_line, code_line_table, code_bytes;
	uint16_t code_instructions;

	/* Every object, bytes and strings. */
	uint16_t object_type, bytes_length, bytes_data;
	uint16_t string_length, string_state, string_data_ascii, string_data;
};

enum { PYTHON_LARGEST_STRUCT = 256 }; /* no ..._bytes of a row is larger */

/* The row for a version as Py_Version has it (0x030b02f0 is 3.11.2), or NULL. */
const struct python_layout *python_layout_find(uint32_t version);

/* "Python 3.11.2", "Python 3.15.0a1". */
void python_version_format(uint32_t version, char ret[32]);

#endif
