/* The two clocks.  Not for the PURE rooms, which take time as an argument. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)

int64_t clock_realtime_ns(void);  /* what calls and packets are stamped with */
int64_t clock_monotonic_ns(void); /* what deadlines are reckoned in */

/* That long after a moment; INT64_MAX, which is never, where it cannot be added. */
static inline int64_t clock_after_ns(int64_t now_ns, int64_t duration_ns)
{
	return duration_ns > INT64_MAX - now_ns ? INT64_MAX : now_ns + duration_ns;
}

#endif
