/* A number that tells contents apart: the same for equal bytes, whoever has them.  Pure.
 * It stands in files, so that it stays the same on every machine. */
#ifndef BASE_CONTENT_H
#define BASE_CONTENT_H

#include <stddef.h>
#include <stdint.h>

/* Never 0, which means that the content is not known. */
uint64_t content_hash(const void *bytes, size_t n);

#endif
