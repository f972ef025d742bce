/* Read by clang-tidy before each of our sources, and by no compiler: it looks at one file
 * at a time, and would not know that what sonde_error_set() returns is the code that it got,
 * which is negative. */
#include <sonde/error.h>

#define sonde_error_set(err, kind, code, ...)                                            \
	({                                                                               \
		int tidy_code = (code);                                                  \
		sonde_error_set(err, kind, tidy_code, __VA_ARGS__);                      \
		if (tidy_code >= 0)                                                      \
			__builtin_unreachable();                                         \
		tidy_code;                                                               \
	})
