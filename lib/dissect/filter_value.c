/* Display filters: what stands on the right of a relation, as a value of the left side's
 * type. */
#include <errno.h>
#include <string.h>

#include <sonde/address.h>
#include <sonde/text.h>

#include "dissect/filter.h"

enum { ETHERNET_BYTES = 6, IPV6_BYTES = 16, HOST_CHARS = 64 };

bool filter_type_is_number(uint8_t type)
{
	return type == SONDE_FIELD_BOOL || type == SONDE_FIELD_UINT ||
	       type == SONDE_FIELD_INT;
}

bool filter_type_is_data(uint8_t type)
{
	return type == SONDE_FIELD_PROTOCOL || type == SONDE_FIELD_IPV6 ||
	       type == SONDE_FIELD_ETHERNET || type == SONDE_FIELD_BYTES ||
	       type == SONDE_FIELD_TEXT;
}

const char *filter_type_words(uint8_t type)
{
	switch ((enum sonde_field_type)type) {
	case SONDE_FIELD_PROTOCOL:
		return "a protocol";
	case SONDE_FIELD_BOOL:
		return "True or False";
	case SONDE_FIELD_UINT:
		return "an unsigned number";
	case SONDE_FIELD_INT:
		return "a number";
	case SONDE_FIELD_TIME:
		return "a date and time";
	case SONDE_FIELD_DURATION:
		return "a duration";
	case SONDE_FIELD_IPV4:
		return "an IPv4 address";
	case SONDE_FIELD_IPV6:
		return "an IPv6 address";
	case SONDE_FIELD_ETHERNET:
		return "an Ethernet address";
	case SONDE_FIELD_BYTES:
		return "bytes";
	case SONDE_FIELD_TEXT:
		return "text";
	case SONDE_FIELD_NOTE:
		return "a note";
	}
	return "unknown";
}

/* ---- numbers ---- */

static int digit_of(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Decimal, 0x hexadecimal, 0b binary, 0 octal.  0, -EINVAL or -ERANGE. */
static int scan_magnitude(const uint8_t *text, size_t size, uint64_t *ret)
{
	uint64_t number = 0;
	unsigned base = 10;
	size_t i = 0;

	if (size > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		base = 16;
	else if (size > 2 && text[0] == '0' && (text[1] == 'b' || text[1] == 'B'))
		base = 2;
	else if (size > 1 && text[0] == '0')
		base = 8;
	if (base == 16 || base == 2)
		i = 2;
	if (i == size)
		return -EINVAL;
	for (; i < size; i++) {
		int digit = digit_of(text[i]);
		if (digit < 0 || (unsigned)digit >= base)
			return -EINVAL;
		if (__builtin_mul_overflow(number, base, &number) ||
		    __builtin_add_overflow(number, (uint64_t)digit, &number))
			return -ERANGE;
	}
	*ret = number;
	return 0;
}

static int refuse_value(struct filter_parser *parser, const struct filter_token *token,
			const char *reason)
{
	return filter_refuse(parser, token->at, token->length, "%s", reason);
}

static bool equals_word(const struct filter_token *token, const char *word)
{
	return strlen(word) == token->size &&
	       strncasecmp(word, (const char *)token->bytes, token->size) == 0;
}

static bool find_name(const struct filter_token *token,
		      const struct sonde_field_info *info, uint64_t *ret)
{
	if (!info || !info->names)
		return false;
	for (const struct sonde_value_name *name = info->names; name->name; name++) {
		if (equals_word(token, name->name)) {
			*ret = name->value;
			return true;
		}
	}
	return false;
}

static int refuse_number(struct filter_parser *parser, const struct filter_token *token,
			 const struct sonde_field_info *info)
{
	const char *nearest = NULL;
	char word[HOST_CHARS];
	int r;

	if (info && info->names) {
		r = refuse_value(parser, token,
				 "neither a number nor a name of its values");
		if (token->size < sizeof(word)) {
			const char *names[256];
			size_t count = 0;
			for (; count < 256 && info->names[count].name; count++)
				names[count] = info->names[count].name;
			memcpy(word, token->bytes, token->size);
			word[token->size] = '\0';
			nearest = sonde_text_nearest(word, names, count);
		}
		if (nearest)
			filter_hint(parser, "did you mean \"%s\"?", nearest);
		return r;
	}
	r = refuse_value(parser, token, "no whole number");
	if (token->kind == TOKEN_STRING)
		filter_hint(parser, "numbers stand without quotes");
	return r;
}

static int parse_unsigned(struct filter_parser *parser, const struct filter_token *token,
			  const struct sonde_field_info *info, unsigned bits,
			  uint64_t *ret)
{
	bool has_sign = token->kind == TOKEN_WORD && token->size > 0 &&
			(token->bytes[0] == '-' || token->bytes[0] == '+');
	uint64_t most = bits == 0 || bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
	int r = -EINVAL;

	if (token->kind == TOKEN_CHAR) {
		*ret = token->bytes[0];
		return 0;
	}
	if (find_name(token, info, ret))
		return 0;
	if (token->kind == TOKEN_WORD)
		r = scan_magnitude(token->bytes + has_sign, token->size - has_sign, ret);
	if (r == -EINVAL)
		return refuse_number(parser, token, info);
	if (r == 0 && has_sign && token->bytes[0] == '-' && *ret > 0)
		return refuse_value(parser, token, "this field is never negative");
	if (r == -ERANGE || *ret > most)
		return filter_refuse(parser, token->at, token->length,
				     "too large: this field's maximum is %llu",
				     (unsigned long long)most);
	return 0;
}

static int parse_signed(struct filter_parser *parser, const struct filter_token *token,
			const struct sonde_field_info *info, unsigned bits, int64_t *ret)
{
	bool has_sign =
		token->size > 0 && (token->bytes[0] == '-' || token->bytes[0] == '+');
	bool is_negative = has_sign && token->bytes[0] == '-';
	unsigned shift = bits == 0 || bits > 64 ? 63 : bits - 1;
	uint64_t most = (UINT64_C(1) << shift) - !is_negative, number;
	int r = -EINVAL;

	if (token->kind == TOKEN_CHAR) {
		*ret = token->bytes[0];
		return 0;
	}
	if (find_name(token, info, &number)) {
		*ret = (int64_t)number;
		return 0;
	}
	if (token->kind == TOKEN_WORD)
		r = scan_magnitude(token->bytes + has_sign, token->size - has_sign,
				   &number);
	if (r == -EINVAL)
		return refuse_number(parser, token, info);
	if (r == -ERANGE || number > most)
		return filter_refuse(parser, token->at, token->length,
				     "does not fit into this field");
	*ret = is_negative ? (int64_t)(0 - number) : (int64_t)number;
	return 0;
}

static int parse_bool(struct filter_parser *parser, const struct filter_token *token,
		      const struct sonde_field_info *info, uint64_t *ret)
{
	const char *word = (const char *)token->bytes;
	bool has_sign = token->size > 0 && token->bytes[0] == '+';
	int r = -EINVAL;

	if (token->kind == TOKEN_CHAR) {
		*ret = token->bytes[0] != 0;
		return 0;
	}
	if (token->kind == TOKEN_WORD) {
		if ((token->size == 4 &&
		     (memcmp(word, "True", 4) == 0 || memcmp(word, "TRUE", 4) == 0)) ||
		    (token->size == 5 &&
		     (memcmp(word, "False", 5) == 0 || memcmp(word, "FALSE", 5) == 0))) {
			*ret = token->size == 4;
			return 0;
		}
		r = scan_magnitude(token->bytes + has_sign, token->size - has_sign, ret);
	}
	/* As most of Wireshark's flags are shown. */
	if (r != 0 && (equals_word(token, "Set") || equals_word(token, "Not set"))) {
		*ret = token->size == 3;
		return 0;
	}
	if (r == 0 || find_name(token, info, ret)) {
		*ret = *ret != 0;
		return 0;
	}
	r = refuse_value(parser, token, "a flag is True or False, 1 or 0");
	if (equals_word(token, "true") || equals_word(token, "yes") ||
	    equals_word(token, "on"))
		filter_hint(parser, "did you mean True?");
	else if (equals_word(token, "false") || equals_word(token, "no") ||
		 equals_word(token, "off"))
		filter_hint(parser, "did you mean False?");
	return r;
}

/* ---- addresses ---- */

static int parse_address(struct filter_parser *parser, const struct filter_token *token,
			 uint8_t type, struct filter_value *ret)
{
	bool is_v4 = type == SONDE_FIELD_IPV4;
	const uint8_t *slash = memchr(token->bytes, '/', token->size);
	size_t size = slash ? (size_t)(slash - token->bytes) : token->size;
	unsigned most = is_v4 ? 32 : 128;
	uint64_t prefix = most;
	struct sonde_address address;
	char host[HOST_CHARS];
	uint8_t *bytes;

	if (token->kind != TOKEN_WORD) {
		int r = refuse_value(parser, token,
				     is_v4 ? "no IPv4 address" : "no IPv6 address");
		filter_hint(parser, "addresses stand without quotes");
		return r;
	}
	if (size < sizeof(host)) {
		memcpy(host, token->bytes, size);
		host[size] = '\0';
	}
	if (size >= sizeof(host) || memchr(host, '[', size) ||
	    sonde_address_parse_host(host, &address) < 0 ||
	    (address.family == SONDE_FAMILY_INET) != is_v4) {
		int r = refuse_value(parser, token,
				     is_v4 ? "no IPv4 address" : "no IPv6 address");
		filter_hint(parser, "names are not looked up: give the address, as in %s",
			    is_v4 ? "192.0.2.1 or 192.0.2.0/24"
				  : "2001:db8::1 or 2001:db8::/32");
		return r;
	}
	if (slash) {
		size_t digits = token->size - size - 1;
		if (digits > 3 || scan_magnitude(slash + 1, digits, &prefix) < 0 ||
		    prefix > most)
			return filter_refuse(parser, token->at, token->length,
					     "a prefix has 0 to %u bits", most);
	}
	ret->prefix = (uint8_t)prefix;
	if (is_v4) {
		ret->u.number = (uint64_t)address.bytes[0] << 24 |
				(uint64_t)address.bytes[1] << 16 |
				(uint64_t)address.bytes[2] << 8 | address.bytes[3];
		return 0;
	}
	bytes = filter_keep(parser, IPV6_BYTES);
	if (!bytes)
		return -ENOMEM;
	memcpy(bytes, address.bytes, IPV6_BYTES);
	ret->u.data.bytes = bytes;
	ret->u.data.size = IPV6_BYTES;
	return 0;
}

/* ---- bytes ---- */

/* "41:42", "41-42", "41.42", "4142", ":41", "4".  False where it is nothing such. */
static bool scan_bytes(const uint8_t *text, size_t size, uint8_t *bytes, size_t *ret)
{
	size_t count = 0, i = 0;

	if (size > 1 && text[0] == ':')
		i = 1;
	if (size - i == 1 && digit_of(text[i]) >= 0) {
		bytes[0] = (uint8_t)digit_of(text[i]);
		*ret = 1;
		return true;
	}
	while (i < size) {
		if (size - i < 2 || digit_of(text[i]) < 0 || digit_of(text[i + 1]) < 0)
			return false;
		bytes[count++] =
			(uint8_t)(digit_of(text[i]) << 4 | digit_of(text[i + 1]));
		i += 2;
		if (i < size && (text[i] == ':' || text[i] == '-' || text[i] == '.')) {
			i++;
			if (i == size)
				return false;
		}
	}
	*ret = count;
	return count > 0;
}

static int parse_bytes(struct filter_parser *parser, const struct filter_token *token,
		       struct filter_value *ret)
{
	const uint8_t *text = token->bytes;
	size_t size = token->size, used;
	uint8_t *bytes;

	if (token->kind != TOKEN_WORD) {
		ret->u.data.bytes = text;
		ret->u.data.size = (uint32_t)size;
		return 0;
	}
	bytes = filter_keep(parser, size);
	if (!bytes)
		return -ENOMEM;
	/* 0xff is a byte; with more digits it would have to say its order. */
	if (size > 2 && size <= 4 && text[0] == '0' &&
	    (text[1] == 'x' || text[1] == 'X')) {
		text += 2;
		size -= 2;
	}
	if (!scan_bytes(text, size, bytes, &used)) {
		int r = refuse_value(parser, token, "no bytes");
		filter_hint(parser, "bytes are written as in 47:45:54 or \"GET\"");
		return r;
	}
	ret->u.data.bytes = bytes;
	ret->u.data.size = (uint32_t)used;
	return 0;
}

static int parse_ethernet(struct filter_parser *parser, const struct filter_token *token,
			  struct filter_value *ret)
{
	int r = -EINVAL;

	if (token->kind == TOKEN_WORD)
		r = parse_bytes(parser, token, ret);
	if (r == 0 && ret->u.data.size == ETHERNET_BYTES)
		return 0;
	if (r == -ENOMEM)
		return r;
	r = refuse_value(parser, token, "no Ethernet address");
	filter_hint(parser, "six bytes, as in 02:00:00:00:00:01");
	return r;
}

/* ---- times ---- */

static int parse_time(struct filter_parser *parser, const struct filter_token *token,
		      struct filter_value *ret)
{
	bool is_local;
	int64_t at_ns;
	int r;

	if (filter_parse_time((const char *)token->bytes, token->size, &at_ns,
			      &is_local) < 0) {
		r = refuse_value(parser, token, "no date and time");
		filter_hint(parser, "written as in \"2026-11-20 12:34:56.789\", with Z "
				    "behind it in UTC");
		return r;
	}
	if (is_local && parser->means && parser->means->utc_offset_s) {
		int64_t offset_ns;
		int64_t seconds = at_ns / 1000000000 - (at_ns % 1000000000 < 0);
		if (__builtin_mul_overflow(parser->means->utc_offset_s(seconds),
					   INT64_C(1000000000), &offset_ns) ||
		    __builtin_sub_overflow(at_ns, offset_ns, &at_ns))
			return refuse_value(parser, token, "too far from now");
	}
	ret->u.integer = at_ns;
	return 0;
}

static int parse_duration(struct filter_parser *parser, const struct filter_token *token,
			  struct filter_value *ret)
{
	int r;

	if (token->kind == TOKEN_WORD &&
	    filter_parse_duration((const char *)token->bytes, token->size,
				  &ret->u.integer) == 0)
		return 0;
	r = refuse_value(parser, token, "no duration");
	filter_hint(parser, "seconds as in 1.5, or with a unit as in 250ms");
	return r;
}

int filter_parse_value(struct filter_parser *parser, const struct filter_token *token,
		       uint8_t type, const struct sonde_field_info *info,
		       struct filter_value *ret)
{
	unsigned bits = info ? info->bits : 64;

	*ret = (struct filter_value){.type = type};
	switch ((enum sonde_field_type)type) {
	case SONDE_FIELD_BOOL:
		return parse_bool(parser, token, info, &ret->u.number);
	case SONDE_FIELD_UINT:
		return parse_unsigned(parser, token, info, bits, &ret->u.number);
	case SONDE_FIELD_INT:
		return parse_signed(parser, token, info, bits, &ret->u.integer);
	case SONDE_FIELD_TIME:
		return parse_time(parser, token, ret);
	case SONDE_FIELD_DURATION:
		return parse_duration(parser, token, ret);
	case SONDE_FIELD_IPV4:
	case SONDE_FIELD_IPV6:
		return parse_address(parser, token, type, ret);
	case SONDE_FIELD_ETHERNET:
		return parse_ethernet(parser, token, ret);
	case SONDE_FIELD_PROTOCOL:
	case SONDE_FIELD_BYTES:
		return parse_bytes(parser, token, ret);
	case SONDE_FIELD_TEXT:
		ret->u.data.bytes = token->bytes;
		ret->u.data.size = (uint32_t)token->size;
		return 0;
	case SONDE_FIELD_NOTE:
		break;
	}
	return refuse_value(parser, token, "a note has no value");
}
