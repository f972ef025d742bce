/* What time it is. */
#ifndef CLI_CLOCK_H
#define CLI_CLOCK_H

#include <stdint.h>
#include <time.h>

int64_t clock_now_ns(clockid_t clock);

#endif
