/* Addresses as text: IPv4 as four decimal numbers, IPv6 by RFC 4291, section 2.2 (read)
 * and RFC 5952 (written).  Nothing here asks the system. */
#include <sonde/address.h>

#include <errno.h>
#include <string.h>

#include <sonde/text.h>

#include "base/address_kind.h"
#include "base/hex.h"

struct run {
	int start; /* of 16-bit groups */
	int count;
};

static unsigned group_of(const uint8_t bytes[16], int i)
{
	return (unsigned)bytes[2 * i] << 8 | bytes[2 * i + 1];
}

/* The longest run of zero groups, the first of equals; one group alone is not shortened
 * (RFC 5952, section 4.2). */
static struct run find_zeros(const uint8_t bytes[16])
{
	struct run longest = {-1, 1}, run = {0, 0};

	for (int i = 0; i < 8; i++) {
		if (group_of(bytes, i)) {
			run.count = 0;
			continue;
		}
		if (run.count++ == 0)
			run.start = i;
		if (run.count > longest.count)
			longest = run;
	}
	return longest;
}

static void add_inet(struct sonde_text *text, const uint8_t bytes[4])
{
	sonde_text_add(text, "%d.%d.%d.%d", bytes[0], bytes[1], bytes[2], bytes[3]);
}

static void add_inet6(struct sonde_text *text, const struct sonde_address *address)
{
	struct run zeros = find_zeros(address->bytes);

	if (address_is_mapped(address->bytes)) { /* RFC 5952, section 5 */
		sonde_text_add(text, "::ffff:");
		add_inet(text, address->bytes + 12);
		return;
	}
	for (int i = 0; i < 8; i++) {
		if (i == zeros.start) {
			sonde_text_add(text, "::");
			i += zeros.count - 1;
			continue;
		}
		sonde_text_add(text, "%s%x",
			       i == 0 || i == zeros.start + zeros.count ? "" : ":",
			       group_of(address->bytes, i));
	}
	if (address->scope_id)
		sonde_text_add(text, "%%%u", address->scope_id);
}

static void add_host(struct sonde_text *text, const struct sonde_address *address)
{
	switch (address->family) {
	case SONDE_FAMILY_INET:
		add_inet(text, address->bytes);
		break;
	case SONDE_FAMILY_INET6:
		add_inet6(text, address);
		break;
	case SONDE_FAMILY_UNIX:
		sonde_text_add(text, "unix");
		break;
	default:
		sonde_text_add(text, "?");
		break;
	}
}

void sonde_address_format(const struct sonde_address *address,
			  char ret[SONDE_ADDRESS_CHARS])
{
	bool bracketed = address->family == SONDE_FAMILY_INET6;
	struct sonde_text text;

	sonde_text_init(&text, ret, SONDE_ADDRESS_CHARS);
	if (sonde_address_is_any(address)) {
		sonde_text_add(&text, "*");
	} else {
		sonde_text_add(&text, "%s", bracketed ? "[" : "");
		add_host(&text, address);
		sonde_text_add(&text, "%s", bracketed ? "]" : "");
	}
	if (bracketed || address->family == SONDE_FAMILY_INET)
		sonde_text_add(&text, ":%d", address->port);
}

void sonde_address_format_host(const struct sonde_address *address,
			       char ret[SONDE_ADDRESS_CHARS])
{
	struct sonde_text text;

	sonde_text_init(&text, ret, SONDE_ADDRESS_CHARS);
	add_host(&text, address);
}

/* A decimal number of at most `most` at *at, moved behind it; -1 where there is none.  A
 * leading 0 is refused: some read it as octal, and 010.0.0.1 must not mean two hosts. */
static int64_t take_decimal(const char **at, int64_t most)
{
	const char *start = *at;
	int64_t value = 0;

	while (**at >= '0' && **at <= '9') {
		value = value * 10 + (**at - '0');
		if (value > most)
			return -1;
		(*at)++;
	}
	if (*at == start || (*start == '0' && *at - start > 1))
		return -1;
	return value;
}

/* Reads four numbers at *at, moved behind them. */
static bool take_inet(const char **at, uint8_t ret[4])
{
	for (int i = 0; i < 4; i++) {
		int64_t value;

		if (i > 0 && *(*at)++ != '.')
			return false;
		value = take_decimal(at, 255);
		if (value < 0)
			return false;
		ret[i] = (uint8_t)value;
	}
	return true;
}

/* One to four hexadecimal digits at *at, moved behind them; -1 where there are none. */
static int take_group(const char **at)
{
	int value = 0, digits = 0;

	for (; digits < 4 && hex_digit(**at) >= 0; digits++)
		value = value << 4 | hex_digit(*(*at)++);
	return digits ? value : -1;
}

/* How many bytes the groups from *at on have, moved behind the last; -1 where they are
 * malformed.  The last four bytes may be written as IPv4. */
static int take_groups(const char **at, uint8_t *ret, int room)
{
	int n = 0;

	if (hex_digit(**at) < 0)
		return 0;
	for (;;) {
		const char *start = *at;
		int value = take_group(at);

		if (value < 0)
			return -1;
		if (**at == '.') {
			*at = start;
			return n + 4 <= room && take_inet(at, ret + n) ? n + 4 : -1;
		}
		if (n + 2 > room)
			return -1;
		ret[n++] = (uint8_t)(value >> 8);
		ret[n++] = (uint8_t)value;
		if (**at != ':' || (*at)[1] == ':')
			return n;
		(*at)++;
	}
}

/* Reads an IPv6 address at *at, moved behind it. */
static bool take_inet6(const char **at, uint8_t ret[16])
{
	const char *start = *at;
	uint8_t tail[16];
	int head_bytes, tail_bytes;

	memset(ret, 0, 16);
	head_bytes = take_groups(at, ret, 16);
	if (head_bytes < 0)
		return false;
	if ((*at)[0] != ':' || (*at)[1] != ':')
		return head_bytes == 16;
	if (memchr(start, '.', *at - start)) /* IPv4 stands at the end only */
		return false;
	*at += 2;
	/* "::" stands for one group at least. */
	tail_bytes = take_groups(at, tail, 14 - head_bytes);
	if (tail_bytes < 0 || head_bytes > 14)
		return false;
	memcpy(ret + 16 - tail_bytes, tail, tail_bytes);
	return true;
}

int sonde_address_parse_host(const char *text, struct sonde_address *ret)
{
	struct sonde_address address = {.family = SONDE_FAMILY_INET};
	const char *at = text;
	bool bracketed = *text == '[';

	if (take_inet(&at, address.bytes) && !*at) {
		*ret = address;
		return 0;
	}

	address = (struct sonde_address){.family = SONDE_FAMILY_INET6};
	at = text + bracketed;
	if (!take_inet6(&at, address.bytes))
		return -EINVAL;
	if (*at == '%') {
		int64_t scope;

		at++;
		scope = take_decimal(&at, UINT32_MAX);
		if (scope < 0 || !address_is_link_local(address.bytes))
			return -EINVAL;
		address.scope_id = (uint32_t)scope;
	}
	if (bracketed && *at++ != ']')
		return -EINVAL;
	if (*at)
		return -EINVAL;
	*ret = address;
	return 0;
}
