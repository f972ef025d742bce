/* The filter's `matches`, lent by the page: the browser has regular expressions, and a
 * second engine would make the page half as large again.  Bytes are given as characters
 * U+0000 to U+00FF, as PCRE2 takes them without its UTF mode. */
#include "page.h"

#ifdef __wasm__
#define FROM_PAGE(name) __attribute__((import_module("page"), import_name(name)))
#else
#define FROM_PAGE(name)
#endif

/* A number from 1 on; 0: it is none, and the reason was written. */
FROM_PAGE("regex_compile")
uint32_t regex_compile(const char *pattern, uint32_t n, uint32_t ignore_case,
		       char *reason, uint32_t size);
FROM_PAGE("regex_match")
uint32_t regex_match(uint32_t number, const uint8_t *bytes, uint32_t n);
FROM_PAGE("regex_free") void regex_free(uint32_t number);

static void *compile(const char *pattern, size_t n, bool ignore_case, char *reason,
		     size_t size)
{
	uint32_t number =
		regex_compile(pattern, (uint32_t)n, ignore_case, reason, (uint32_t)size);

	return (void *)(uintptr_t)number; /* NULL where it is 0 */
}

static bool match(void *compiled, const uint8_t *bytes, size_t n)
{
	return regex_match((uint32_t)(uintptr_t)compiled, bytes, (uint32_t)n);
}

static void free_one(void *compiled)
{
	regex_free((uint32_t)(uintptr_t)compiled);
}

const struct sonde_regex *page_regex(void)
{
	static const struct sonde_regex regex = {compile, match, free_one};

	return &regex;
}
