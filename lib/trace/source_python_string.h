/* CPython's strings: from their code points to UTF-8.  Pure. */
#ifndef TRACE_SOURCE_PYTHON_STRING_H
#define TRACE_SOURCE_PYTHON_STRING_H

#include <stddef.h>
#include <stdint.h>

/* Bytes that `count` code points need at most, NUL included. */
#define PYTHON_STRING_BYTES(count) ((count)*4 + 1)

/* Turns `count` code points of `kind` (1, 2 or 4) bytes each, in the machine's order,
 * into NUL-terminated UTF-8; returns its length.  U+DC80..U+DCFF become the bytes 80..FF
 * that they stand for in names of files (PEP 383); what else is no character, and NUL,
 * becomes U+FFFD. */
size_t python_string_format(const uint8_t *data, size_t count, unsigned kind, char *ret);

#endif
