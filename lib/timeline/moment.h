/* Times and sums that may hold anything: a recording can come from a file, and a time of
 * its may be any number.  What does not fit stays at the end of the range. */
#ifndef TIMELINE_MOMENT_H
#define TIMELINE_MOMENT_H

#include <stdint.h>

int64_t moment_plus(int64_t a, int64_t b);
int64_t moment_minus(int64_t a, int64_t b);

#endif
