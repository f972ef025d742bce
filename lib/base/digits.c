/* Decimal digits, a million packets a second with a dozen numbers each: two digits for each
 * division, and no loop where one or two are all. */
#include <sonde/text.h>

#include <string.h>

static const char pairs[] = "00010203040506070809101112131415161718192021222324"
			    "25262728293031323334353637383940414243444546474849"
			    "50515253545556575859606162636465666768697071727374"
			    "75767778798081828384858687888990919293949596979899";

enum { EIGHT_DIGITS = 100000000 };

static unsigned count_digits(uint32_t number)
{
	static const uint32_t powers[] = {1,         10,        100,     1000,
					  10000,     100000,    1000000, 10000000,
					  100000000, 1000000000};
	/* log10(2) is a little less than 1233 / 4096. */
	unsigned guess = (32 - (unsigned)__builtin_clz(number | 1)) * 1233 >> 12;

	return guess + (number >= powers[guess]);
}

/* The last `n` digits of number, zeros in front. */
static inline void put_digits(uint32_t number, char *to, unsigned n)
{
	for (; n >= 2; n -= 2, number /= 100)
		__builtin_memcpy(to + n - 2, pairs + 2 * (size_t)(number % 100), 2);
	if (n)
		to[0] = (char)('0' + number % 10);
}

size_t sonde_text_put_number(uint64_t number, char *to)
{
	unsigned n;

	if (number < 10) {
		to[0] = (char)('0' + number);
		return 1;
	}
	if (number < 100) {
		__builtin_memcpy(to, pairs + 2 * number, 2);
		return 2;
	}
	if (number <= UINT32_MAX) {
		n = count_digits((uint32_t)number);
		put_digits((uint32_t)number, to, n);
		return n;
	}
	n = (unsigned)sonde_text_put_number(number / EIGHT_DIGITS, to);
	put_digits((uint32_t)(number % EIGHT_DIGITS), to + n, 8);
	return n + 8;
}

void sonde_text_put_digits(uint32_t number, char *to, unsigned digits)
{
	put_digits(number, to, digits);
}
