/* The filter's `matches` (web/pattern.h), with an end to what it may cost. */
#include <errno.h>

#include "base/array.h"
#include "base/limits.h"
#include "page.h"
#include "pattern.h"

enum { STEPS_A_BYTE = 32 }; /* that any expression may take, and that do not count */

struct expression {
	struct pattern pattern;
	uint64_t spent;
};

static void *compile(const char *text, size_t n, bool ignore_case, char *reason,
		     size_t size)
{
	struct expression *expression = array_new(1, sizeof(*expression));

	if (!expression)
		return NULL;
	if (pattern_parse(text, n, ignore_case, &expression->pattern, reason, size) < 0) {
		array_free(expression);
		return NULL;
	}
	return expression;
}

static int match(void *compiled, const uint8_t *bytes, size_t n)
{
	struct expression *expression = compiled;
	const uint64_t own = (uint64_t)n * STEPS_A_BYTE;
	const uint64_t given = own + LIMIT_REGEX_STEPS;
	uint64_t left = given;
	int r = pattern_match(&expression->pattern, bytes, n, &left);

	if (given - left > own)
		expression->spent += given - left - own;
	return r >= 0 && expression->spent > LIMIT_REGEX_STEPS_ALL ? -ELOOP : r;
}

static void free_one(void *compiled)
{
	struct expression *expression = compiled;

	pattern_done(&expression->pattern);
	array_free(expression);
}

const struct sonde_regex *page_regex(void)
{
	static const struct sonde_regex regex = {compile, match, free_one};

	return &regex;
}
