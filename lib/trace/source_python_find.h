/* Is there a CPython in a process, of which version, and where are its roots? */
#ifndef TRACE_SOURCE_PYTHON_FIND_H
#define TRACE_SOURCE_PYTHON_FIND_H

#include <sys/types.h>

#include "trace/source.h"
#include "trace/source_python_layout.h"

struct interpreter {
	struct python_layout layout;
	uint64_t runtime; /* _PyRuntime */
	uint64_t code_type, frame_type, string_type, bytes_type;
};

/* As source_python_open() answers; *ret is complete for READY only. */
enum source_found interpreter_find(pid_t pid, struct interpreter *ret, char version[32]);

#endif
