/* Sets of bytes: classes, and escapes that stand for one byte or for several. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "pattern_part.h"

static void add_range(struct pattern_set *set, unsigned from, unsigned to)
{
	for (unsigned byte = from; byte <= to; byte++)
		pattern_add(set, (uint8_t)byte);
}

static void invert(struct pattern_set *set)
{
	for (unsigned i = 0; i < 8; i++)
		set->bits[i] = ~set->bits[i];
}

static void join(struct pattern_set *set, const struct pattern_set *other)
{
	for (unsigned i = 0; i < 8; i++)
		set->bits[i] |= other->bits[i];
}

void pattern_fold(struct pattern_set *set)
{
	for (unsigned byte = 'a'; byte <= 'z'; byte++) {
		if (pattern_has(set, (uint8_t)byte) ||
		    pattern_has(set, (uint8_t)(byte - 32))) {
			pattern_add(set, (uint8_t)byte);
			pattern_add(set, (uint8_t)(byte - 32));
		}
	}
}

bool pattern_letter_class(int letter, struct pattern_set *ret)
{
	*ret = (struct pattern_set){0};
	switch (letter | 0x20) {
	case 'd':
		add_range(ret, '0', '9');
		break;
	case 'w':
		add_range(ret, '0', '9');
		add_range(ret, 'A', 'Z');
		add_range(ret, 'a', 'z');
		pattern_add(ret, '_');
		break;
	case 's':
		add_range(ret, '\t', '\r');
		pattern_add(ret, ' ');
		break;
	case 'h':
		pattern_add(ret, '\t');
		pattern_add(ret, ' ');
		pattern_add(ret, 0xa0);
		break;
	case 'v':
		add_range(ret, '\n', '\r');
		pattern_add(ret, 0x85);
		break;
	default:
		return false;
	}
	if (letter < 'a')
		invert(ret);
	return true;
}

static int hex_digit(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Digits of that base, at most so many; *ret_count: how many there were. */
static uint32_t read_digits(struct pattern_reader *reader, int base, unsigned most,
			    unsigned *ret_count)
{
	uint32_t value = 0;
	unsigned count = 0;

	for (; count < most; count++) {
		int digit = hex_digit(pattern_peek(reader));

		if (digit < 0 || digit >= base)
			break;
		if (value < 1 << 20)
			value = value * (uint32_t)base + (uint32_t)digit;
		reader->at++;
	}
	*ret_count = count;
	return value;
}

/* {41}, behind x or o. */
static uint32_t read_braced(struct pattern_reader *reader, int base)
{
	unsigned count;
	uint32_t value;

	reader->at++;
	value = read_digits(reader, base, 32, &count);
	if (!count || pattern_peek(reader) != '}') {
		pattern_refuse(reader, "a number in braces is expected");
		return 0;
	}
	reader->at++;
	if (value > 0xff)
		pattern_refuse(reader, "a byte is at most \\xff");
	return value & 0xff;
}

static uint32_t read_number(struct pattern_reader *reader, int letter)
{
	unsigned count;

	if (letter == 'o') {
		if (pattern_peek(reader) != '{') {
			pattern_refuse(reader, "\\o needs digits in braces");
			return 0;
		}
		return read_braced(reader, 8);
	}
	if (letter == 'x')
		return pattern_peek(reader) == '{' ? read_braced(reader, 16)
						   : read_digits(reader, 16, 2, &count);
	/* The first digit is the letter itself. */
	reader->at--;
	uint32_t value = read_digits(reader, 8, 3, &count);
	if (value > 0xff)
		pattern_refuse(reader, "a byte is at most \\377");
	return value & 0xff;
}

uint32_t pattern_read_byte(struct pattern_reader *reader, bool in_class)
{
	static const char names[] = "a\ae\033f\fn\nr\rt\t";
	int c = pattern_peek(reader);

	if (c < 0)
		return PATTERN_NONE;
	for (size_t i = 0; i + 1 < sizeof(names); i += 2) {
		if (names[i] == c) {
			reader->at++;
			return (unsigned char)names[i + 1];
		}
	}
	if (in_class && c == 'b') {
		reader->at++;
		return '\b';
	}
	if (c == 'c') {
		reader->at++;
		c = pattern_peek(reader);
		if (c < 0x20 || c > 0x7e) {
			pattern_refuse(reader, "\\c needs a printable character");
			return 0;
		}
		reader->at++;
		return (uint32_t)(c >= 'a' && c <= 'z' ? c - 32 : c) ^ 0x40;
	}
	if (c == 'x' || c == 'o' || c == '0' || (in_class && c >= '1' && c <= '7')) {
		reader->at++;
		return read_number(reader, c);
	}
	if (c < 0x80 && isalnum(c))
		return PATTERN_NONE;
	reader->at++;
	return (uint32_t)c;
}

/* ---- [...] ---- */

static const struct {
	const char *name;
	int (*is)(int c);
} named[] = {
	{"alpha", isalpha},   {"digit", isdigit}, {"alnum", isalnum}, {"upper", isupper},
	{"lower", islower},   {"space", isspace}, {"blank", isblank}, {"punct", ispunct},
	{"xdigit", isxdigit}, {"cntrl", iscntrl}, {"print", isprint}, {"graph", isgraph},
};

/* Where the name in [:alpha:] ends, from its bracket on; 0: it is none. */
static size_t find_name_end(const char *rest, size_t left)
{
	size_t n = 2;

	if (left < 4 || rest[0] != '[' || !rest[1] || !strchr(":.=", rest[1]))
		return 0;
	for (; n + 1 < left; n++) {
		if (rest[n] == '\\' && (rest[n + 1] == ']' || rest[n + 1] == '\\'))
			n++;
		else if (rest[n] == ']' || (rest[n] == '[' && rest[n + 1] == rest[1]))
			return 0;
		else if (rest[n] == rest[1] && rest[n + 1] == ']')
			return n;
	}
	return 0;
}

/* [:alpha:] within a class; false: it is none. */
static bool read_named(struct pattern_reader *reader, struct pattern_set *set)
{
	const char *rest = reader->text + reader->at;
	size_t n = find_name_end(rest, reader->size - reader->at), length;
	struct pattern_set its = {0};
	bool is_not, is_known = false;

	if (!n)
		return false;
	if (rest[1] != ':') {
		pattern_refuse(reader, "collating elements are not known");
		return true;
	}
	is_not = rest[2] == '^';
	rest += 2 + is_not;
	length = n - 2 - is_not;
	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
		if (strlen(named[i].name) != length ||
		    memcmp(named[i].name, rest, length) != 0)
			continue;
		is_known = true;
		for (int byte = 0; byte < 0x80; byte++)
			if (named[i].is(byte))
				pattern_add(&its, (uint8_t)byte);
		/* Without regard to case, these two are one. */
		if (reader->flags.ignores_case &&
		    (named[i].is == isupper || named[i].is == islower))
			pattern_fold(&its);
	}
	if (length == 4 && memcmp(rest, "word", 4) == 0)
		is_known = pattern_letter_class('w', &its);
	if (length == 5 && memcmp(rest, "ascii", 5) == 0) {
		is_known = true;
		add_range(&its, 0, 0x7f);
	}
	if (!is_known)
		pattern_refuse(reader, "no class has the name \"%.*s\"",
			       length < 20 ? (int)length : 20, rest);
	if (is_not)
		invert(&its);
	join(set, &its);
	reader->at += n + 2;
	return true;
}

/* One member: the byte, or PATTERN_NONE where it was several, which are in the set. */
static uint32_t read_member(struct pattern_reader *reader, struct pattern_set *set)
{
	struct pattern_set its;
	int c = pattern_peek(reader);
	uint32_t byte;

	if (!reader->is_quoted && c == '[' && read_named(reader, set))
		return PATTERN_NONE;
	reader->at++;
	if (reader->is_quoted || c != '\\')
		return (uint32_t)c;
	c = pattern_peek(reader);
	if (c >= 0 && pattern_letter_class(c, &its)) {
		reader->at++;
		join(set, &its);
		return PATTERN_NONE;
	}
	byte = pattern_read_byte(reader, true);
	if (byte == PATTERN_NONE) {
		pattern_refuse(reader,
			       c < 0 ? "a backslash stands at its end"
				     : "\\%c is nothing in a class",
			       c);
		return 0;
	}
	return byte;
}

/* \Q and \E say how to read, and are no members. */
static bool skip_quotes(struct pattern_reader *reader)
{
	const char *rest = reader->text + reader->at;

	if (reader->size - reader->at < 2 || rest[0] != '\\' ||
	    (rest[1] != 'E' && (rest[1] != 'Q' || reader->is_quoted)))
		return false;
	reader->is_quoted = rest[1] == 'Q';
	reader->at += 2;
	return true;
}

static bool is_range(const struct pattern_reader *reader)
{
	const char *rest = reader->text + reader->at;

	return !reader->is_quoted && reader->size - reader->at >= 2 && rest[0] == '-' &&
	       rest[1] != ']';
}

static void read_members(struct pattern_reader *reader, struct pattern_set *ret)
{
	bool is_first = true;

	while (!reader->error) {
		uint32_t from, to;
		int c;

		if (skip_quotes(reader))
			continue;
		c = pattern_peek(reader);
		if (c < 0) {
			pattern_refuse(reader, "a class has no end: ] is missing");
			return;
		}
		if (c == ']' && !is_first && !reader->is_quoted) {
			reader->at++;
			return;
		}
		is_first = false;
		from = read_member(reader, ret);
		while (skip_quotes(reader))
			;
		if (!is_range(reader)) {
			if (from != PATTERN_NONE)
				pattern_add(ret, (uint8_t)from);
			continue;
		}
		reader->at++;
		while (skip_quotes(reader))
			;
		if (pattern_peek(reader) < 0)
			continue;
		to = read_member(reader, ret);
		if (from == PATTERN_NONE || to == PATTERN_NONE)
			pattern_refuse(reader, "a range ends at a byte, not at a class");
		else if (from > to)
			pattern_refuse(reader, "a range goes backwards");
		else
			add_range(ret, from, to);
	}
}

void pattern_read_class(struct pattern_reader *reader, struct pattern_set *ret)
{
	bool is_not = pattern_peek(reader) == '^';

	if (find_name_end(reader->text + reader->at - 1, reader->size - reader->at + 1))
		pattern_refuse(reader, "[:name:] stands within a class: [[:name:]]");
	*ret = (struct pattern_set){0};
	reader->at += is_not;
	read_members(reader, ret);
	if (reader->flags.ignores_case)
		pattern_fold(ret);
	if (is_not)
		invert(ret);
}
