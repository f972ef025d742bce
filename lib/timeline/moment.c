/* Sums that stay in their range. */
#include "timeline/moment.h"

int64_t moment_plus(int64_t a, int64_t b)
{
	int64_t sum;

	if (!__builtin_add_overflow(a, b, &sum))
		return sum;
	return b < 0 ? INT64_MIN : INT64_MAX;
}

int64_t moment_minus(int64_t a, int64_t b)
{
	int64_t difference;

	if (!__builtin_sub_overflow(a, b, &difference))
		return difference;
	return b > 0 ? INT64_MIN : INT64_MAX;
}
