/* UTF-8 (RFC 3629), one step at a time. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>

#define UTF8_BAD 0xffffffffu
#define UTF8_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* Length of what stands at the start of bytes[0..n), 0 only where n is 0.  *ret_code is
 * its code point, or UTF8_BAD: then the length is that of the part which one U+FFFD
 * stands for (the maximal subpart of Unicode 15, 3.9, as in Python's errors="replace").
 */
size_t utf8_step(const void *bytes, size_t n, unsigned *ret_code);

/* The greatest length <= n at which chars[0..n) can be cut without parting a sequence
 * that is incomplete at n. */
size_t utf8_whole(const char *chars, size_t n);

#endif
