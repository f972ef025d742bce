/* Prints the row of lib/trace/source_python_layout.c for the CPython whose headers this
 * is compiled with:
 *
 *	cc $(python3.12-config --includes) -o /tmp/python-layout tools/python-layout.c
 *	/tmp/python-layout
 *
 * The numbers are those of the compiler, not of a document.  What a row cannot say (how
 * an instruction is told, which table has the lines) is chosen below by version, with the
 * place in CPython's source where it is to be seen; a new version has to be read there
 * before its row is believed.  Then: run test/unit/trace/test_source_python* with the new
 * interpreter in SONDE_TEST_PYTHONS. */
#define Py_BUILD_CORE 1
#include <Python.h>

#include <frameobject.h>
#include <stddef.h>
#include <stdio.h>

#include "internal/pycore_pystate.h"
#if PY_VERSION_HEX >= 0x03090000
#include "internal/pycore_interp.h"
#include "internal/pycore_runtime.h"
#endif
#if PY_VERSION_HEX >= 0x030b0000
#include "internal/pycore_code.h"
#include "internal/pycore_frame.h"
#endif

#if PY_VERSION_HEX < 0x03080000
#error "older than 3.8: thread states and frames have not been looked at"
#elif PY_VERSION_HEX >= 0x030e0000
#error "newer than 3.13: read its pycore_debug_offsets.h and pycore_interpframe.h first"
#endif

static void print(const char *name, size_t value)
{
	printf("\t\t.%s = %zu,\n", name, value);
}

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

/* Include/internal/pycore_pystate.h, pycore_runtime.h, pycore_interp.h */
static void print_runtime(void)
{
	print("runtime_interpreters", offsetof(_PyRuntimeState, interpreters.head));
	print("interpreter_next", offsetof(PyInterpreterState, next));
#if PY_VERSION_HEX >= 0x030b0000
	print("interpreter_threads", offsetof(PyInterpreterState, threads.head));
#else
	print("interpreter_threads", offsetof(PyInterpreterState, tstate_head));
#endif
}

/* Include/cpython/pystate.h */
static void print_thread(void)
{
	size_t end = offsetof(PyThreadState, thread_id);

	print("thread_previous", offsetof(PyThreadState, prev));
	print("thread_next", offsetof(PyThreadState, next));
	print("thread_interpreter", offsetof(PyThreadState, interp));
#if PY_VERSION_HEX < 0x030b0000
	print("thread_frame", offsetof(PyThreadState, frame));
	end = larger(end, offsetof(PyThreadState, frame));
#elif PY_VERSION_HEX < 0x030d0000
	print("thread_frame", offsetof(PyThreadState, cframe));
	end = larger(end, offsetof(PyThreadState, cframe));
#else
	print("thread_frame", offsetof(PyThreadState, current_frame));
	end = larger(end, offsetof(PyThreadState, current_frame));
#endif
	print("thread_id", offsetof(PyThreadState, thread_id));
#if PY_VERSION_HEX >= 0x030b0000
	print("thread_native_id", offsetof(PyThreadState, native_thread_id));
	end = larger(end, offsetof(PyThreadState, native_thread_id));
#endif
	print("thread_bytes", end + sizeof(void *));
#if PY_VERSION_HEX >= 0x030b0000 && PY_VERSION_HEX < 0x030d0000
	printf("\t\t.has_cframe = true,\n");
	print("cframe_current", offsetof(_PyCFrame, current_frame));
#endif
}

/* Include/internal/pycore_frame.h; to 3.10 Include/cpython/frameobject.h, and for
 * f_lasti PyFrame_GetLineNumber() in Objects/frameobject.c. */
static void print_frame(void)
{
#if PY_VERSION_HEX < 0x030b0000
	print("frame_code", offsetof(PyFrameObject, f_code));
	print("frame_previous", offsetof(PyFrameObject, f_back));
	print("frame_instruction", offsetof(PyFrameObject, f_lasti));
	print("frame_bytes", offsetof(PyFrameObject, f_lasti) + sizeof(void *));
	printf("\t\t.instruction = PYTHON_INSTRUCTION_%s,\n",
	       PY_VERSION_HEX < 0x030a0000 ? "BYTE" : "UNIT");
#else
	size_t end = offsetof(_PyInterpreterFrame, owner) + 1;
	size_t instruction;
#if PY_VERSION_HEX < 0x030d0000
	print("frame_code", offsetof(_PyInterpreterFrame, f_code));
	instruction = offsetof(_PyInterpreterFrame, prev_instr);
#else
	print("frame_code", offsetof(_PyInterpreterFrame, f_executable));
	instruction = offsetof(_PyInterpreterFrame, instr_ptr);
#endif
	print("frame_previous", offsetof(_PyInterpreterFrame, previous));
	print("frame_instruction", instruction);
	print("frame_owner", offsetof(_PyInterpreterFrame, owner));
	end = larger(end, instruction + sizeof(void *));
	print("frame_bytes", (end + 7) / 8 * 8);
	printf("\t\t.instruction = PYTHON_INSTRUCTION_POINTER,\n");
#if PY_VERSION_HEX < 0x030c0000
	print("frame_owners", FRAME_OWNED_BY_FRAME_OBJECT + 1);
#else
	print("frame_owners", FRAME_OWNED_BY_CSTACK + 1);
	print("frame_owner_skipped", FRAME_OWNED_BY_CSTACK);
#endif
#endif
}

/* Include/cpython/code.h (3.8: Include/code.h); the tables: Objects/lnotab_notes.txt, and
 * from 3.11 Objects/locations.md. */
static void print_code(void)
{
	size_t end = larger(offsetof(PyCodeObject, co_filename),
			    offsetof(PyCodeObject, co_name));
	size_t table;

#if PY_VERSION_HEX < 0x030a0000
	table = offsetof(PyCodeObject, co_lnotab);
#else
	table = offsetof(PyCodeObject, co_linetable);
#endif
	end = larger(end, larger(table, offsetof(PyCodeObject, co_firstlineno)));
#if PY_VERSION_HEX < 0x030b0000
	print("code_code", offsetof(PyCodeObject, co_code));
	end = larger(end, offsetof(PyCodeObject, co_code));
#else
	print("code_units", offsetof(PyVarObject, ob_size));
	print("code_instructions", offsetof(PyCodeObject, co_code_adaptive));
#endif
#if PY_VERSION_HEX >= 0x030c0000 /* _PyFrame_IsIncomplete() in pycore_frame.h */
	print("code_first_traceable", offsetof(PyCodeObject, _co_firsttraceable));
	end = larger(end, offsetof(PyCodeObject, _co_firsttraceable));
#endif
	print("code_file", offsetof(PyCodeObject, co_filename));
	print("code_name", offsetof(PyCodeObject, co_name));
	print("code_first_line", offsetof(PyCodeObject, co_firstlineno));
	print("code_line_table", table);
	print("code_bytes", end + sizeof(void *));
	printf("\t\t.lines = PYTHON_LINES_%s,\n", PY_VERSION_HEX < 0x030a0000 ? "LNOTAB"
						  : PY_VERSION_HEX < 0x030b0000
							  ? "RANGES"
							  : "LOCATIONS");
}

/* Include/object.h, Include/cpython/bytesobject.h, unicodeobject.h */
static void print_objects(void)
{
	print("object_type", offsetof(PyObject, ob_type));
	print("bytes_length", offsetof(PyVarObject, ob_size));
	print("bytes_data", offsetof(PyBytesObject, ob_sval));
	print("string_length", offsetof(PyASCIIObject, length));
	print("string_state", offsetof(PyASCIIObject, state));
	print("string_data_ascii", sizeof(PyASCIIObject));
	print("string_data", sizeof(PyCompactUnicodeObject));
}

int main(void)
{
	printf("\t/* Measured with %s. */\n\t{\n", PY_VERSION);
	printf("\t\t.first = 0x%04x00f0,\n", PY_VERSION_HEX >> 16);
	printf("\t\t.last = 0x%04xffff,\n", PY_VERSION_HEX >> 16);
	print_runtime();
	print_thread();
	print_frame();
	print_code();
	print_objects();
#if PY_VERSION_HEX >= 0x030d0000
	printf("\t\t.brings_offsets = true,\n");
#endif
	printf("\t},\n");
	return 0;
}
