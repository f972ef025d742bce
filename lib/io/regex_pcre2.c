/* Regular expressions for display filters, by PCRE2: bytes, not characters, because what
 * they look into is whatever the network sent. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <errno.h>
#include <pcre2.h>

#include <sonde/filter.h>

#include "base/array.h"
#include "base/limits.h"

struct expression {
	pcre2_code *code;
	pcre2_match_data *match;
	pcre2_match_context *context;
};

static void free_expression(void *compiled)
{
	struct expression *expression = compiled;

	if (!expression)
		return;
	pcre2_match_context_free(expression->context);
	pcre2_match_data_free(expression->match);
	pcre2_code_free(expression->code);
	array_free(expression);
}

static void *compile(const char *pattern, size_t n, bool ignore_case, char *reason,
		     size_t size)
{
	struct expression *expression = array_new(1, sizeof(*expression));
	int error = PCRE2_ERROR_NOMEMORY;
	PCRE2_SIZE at;

	if (expression)
		expression->code = pcre2_compile(
			(PCRE2_SPTR)pattern, n,
			PCRE2_NEVER_UTF | (ignore_case ? PCRE2_CASELESS : 0), &error, &at,
			NULL);
	if (expression && expression->code) {
		expression->match =
			pcre2_match_data_create_from_pattern(expression->code, NULL);
		expression->context = pcre2_match_context_create(NULL);
	}
	if (expression && expression->match && expression->context) {
		pcre2_set_match_limit(expression->context, LIMIT_REGEX_STEPS);
		pcre2_set_heap_limit(expression->context, LIMIT_REGEX_KILOBYTES);
		/* Faster where the machine has it; without, pcre2_match() interprets. */
		(void)pcre2_jit_compile(expression->code, PCRE2_JIT_COMPLETE);
		return expression;
	}
	if (expression && expression->code)
		error = PCRE2_ERROR_NOMEMORY;
	pcre2_get_error_message(error, (PCRE2_UCHAR *)reason, size);
	free_expression(expression);
	return NULL;
}

static int match(void *compiled, const uint8_t *bytes, size_t n)
{
	const struct expression *expression = compiled;
	int r = pcre2_match(expression->code, bytes, n, 0, 0, expression->match,
			    expression->context);

	/* The machine code has little room for ways back; without it there is more. */
	if (r == PCRE2_ERROR_JIT_STACKLIMIT)
		r = pcre2_match(expression->code, bytes, n, 0, PCRE2_NO_JIT,
				expression->match, expression->context);
	switch (r) {
	case PCRE2_ERROR_NOMATCH:
		return 0;
	case PCRE2_ERROR_MATCHLIMIT:
	case PCRE2_ERROR_HEAPLIMIT:
	case PCRE2_ERROR_DEPTHLIMIT:
		return -ELOOP;
	case PCRE2_ERROR_NOMEMORY:
		return -ENOMEM;
	default:
		return r >= 0;
	}
}

const struct sonde_regex *sonde_regex_pcre2(void)
{
	static const struct sonde_regex regex = {compile, match, free_expression};

	return &regex;
}
