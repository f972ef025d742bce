/* Fuzz target: the page's regular expressions beside PCRE2's.
 *
 * Input: a line with the pattern, whose first byte says whether case matters, and behind it
 * what is looked into.
 *
 * Properties: what the page's engine accepts PCRE2 accepts, and both say the same of the
 * bytes, unless one of them gives up; what it refuses has a reason. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "web/pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { STEPS = 200000, SUBJECT_MOST = 4096, PATTERN_MOST = 512 };

static void complain(const char *what, const uint8_t *pattern, size_t n)
{
	fprintf(stderr, "%s: %.*s\n", what, (int)n, (const char *)pattern);
	abort();
}

/* 1, 0, or -1 where it gave up. */
static int ask_pcre(const pcre2_code *code, const uint8_t *bytes, size_t n)
{
	pcre2_match_data *data = pcre2_match_data_create_from_pattern(code, NULL);
	pcre2_match_context *context = pcre2_match_context_create(NULL);
	int r;

	pcre2_set_match_limit(context, STEPS);
	pcre2_set_heap_limit(context, 16384);
	r = pcre2_match(code, bytes, n, 0, 0, data, context);
	pcre2_match_context_free(context);
	pcre2_match_data_free(data);
	return r >= 0 ? 1 : r == PCRE2_ERROR_NOMATCH ? 0 : -1;
}

/* What the two are known to see differently, none of it of use in a filter: \K within what
 * looks around, a bracket that is left open in a class, word edges in brackets. */
static bool is_odd(const uint8_t *pattern, size_t n)
{
	static const char *const odd[] = {"\\K", "[[:<", "[[:>", "(?|", "(?C"};

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		if (n && memmem(pattern, n, odd[i], strlen(odd[i])))
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	const uint8_t *end = n ? memchr(bytes, '\n', n) : NULL;
	const uint8_t *subject;
	char reason[128] = "";
	struct pattern pattern;
	uint64_t budget = STEPS;
	size_t length, subject_length;
	pcre2_code *code;
	PCRE2_SIZE at;
	bool ignores;
	int error, r, own;

	if (!end || end == bytes)
		return 0;
	ignores = bytes[0] & 1;
	bytes++;
	length = (size_t)(end - bytes);
	subject = end + 1;
	subject_length = n - length - 2;
	if (length > PATTERN_MOST || subject_length > SUBJECT_MOST ||
	    is_odd(bytes, length))
		return 0;
	r = pattern_parse((const char *)bytes, length, ignores, &pattern, reason,
			  sizeof(reason));
	if (r < 0 && !reason[0])
		complain("refused without a reason", bytes, length);
	if (r < 0)
		return 0;
	code = pcre2_compile(bytes, length,
			     PCRE2_NEVER_UTF | (ignores ? PCRE2_CASELESS : 0), &error,
			     &at, NULL);
	if (!code) {
		pcre2_get_error_message(error, (PCRE2_UCHAR *)reason, sizeof(reason));
		fprintf(stderr, "PCRE2: %s\n", reason);
		complain("only PCRE2 refuses it", bytes, length);
	}
	own = pattern_match(&pattern, subject, subject_length, &budget);
	r = ask_pcre(code, subject, subject_length);
	if (own >= 0 && r >= 0 && own != r) {
		fprintf(stderr, "PCRE2 says %d: ", r);
		complain("they differ", bytes, length);
	}
	pcre2_code_free(code);
	pattern_done(&pattern);
	return 0;
}
