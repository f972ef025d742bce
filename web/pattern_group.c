/* The pieces of a pattern: bytes, places, groups, what looks around. */
#include "pattern_group.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"

static void emit_place(struct pattern_reader *reader, enum pattern_place place)
{
	pattern_emit(reader,
		     (struct pattern_step){.op = PATTERN_PLACE, .how = (uint8_t)place});
}

static bool emit_byte(struct pattern_reader *reader, uint32_t byte,
		      struct pattern_width *ret)
{
	struct pattern_set set = {0};

	pattern_add(&set, (uint8_t)byte);
	if (reader->flags.ignores_case)
		pattern_fold(&set);
	pattern_emit_set(reader, &set);
	*ret = (struct pattern_width){1, 1};
	return true;
}

static bool emit_all_but(struct pattern_reader *reader, int byte,
			 struct pattern_width *ret)
{
	struct pattern_set set;

	memset(&set, 0xff, sizeof(set));
	if (byte >= 0)
		set.bits[byte >> 5] &= ~(UINT32_C(1) << (byte & 31));
	pattern_emit_set(reader, &set);
	*ret = (struct pattern_width){1, 1};
	return true;
}

/* ---- names and references ---- */

/* Up to that sign, which is read, too. */
static bool read_name(struct pattern_reader *reader, char end, char ret[PATTERN_NAME + 1])
{
	size_t n = 0;
	int c;

	while ((c = pattern_peek(reader)) >= 0 && c != end) {
		bool is_letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
				 c == '_' || (n && c >= '0' && c <= '9');

		if (!is_letter || n == PATTERN_NAME)
			break;
		ret[n++] = (char)c;
		reader->at++;
	}
	ret[n] = '\0';
	if (!n || c != end) {
		pattern_refuse(reader,
			       "the name of a group is expected, and %c behind it", end);
		return false;
	}
	reader->at++;
	return true;
}

static bool emit_same(struct pattern_reader *reader, uint32_t group,
		      struct pattern_width *ret)
{
	if (group == 0 || group > reader->groups_in_all)
		pattern_refuse(reader, "there is no group %u", group);
	if (group > reader->referred_to)
		reader->referred_to = group;
	pattern_emit(reader, (struct pattern_step){.op = PATTERN_SAME,
						   .how = reader->flags.ignores_case,
						   .a = group});
	*ret = (struct pattern_width){0, PATTERN_ENDLESS};
	return true;
}

static bool emit_same_name(struct pattern_reader *reader, char end,
			   struct pattern_width *ret)
{
	char name[PATTERN_NAME + 1];

	if (!read_name(reader, end, name))
		return false;
	for (size_t i = 0; i < reader->name_count; i++)
		if (strcmp(reader->names[i].text, name) == 0)
			return emit_same(reader, reader->names[i].group, ret);
	pattern_refuse(reader, "no group before it has the name \"%s\"", name);
	return false;
}

static uint32_t read_decimal(struct pattern_reader *reader)
{
	uint32_t value = 0;
	int c;

	while ((c = pattern_peek(reader)) >= '0' && c <= '9') {
		value = value < 10000 ? value * 10 + (uint32_t)(c - '0') : value;
		reader->at++;
	}
	return value;
}

/* \g1, \g{1}, \g{-1}, \g{name}, behind the g. */
static bool read_g(struct pattern_reader *reader, struct pattern_width *ret)
{
	bool has_brace = pattern_peek(reader) == '{', is_back;
	uint32_t number;
	int c;

	if (pattern_peek(reader) == '<' || pattern_peek(reader) == '\'') {
		pattern_refuse(reader, "calling a group again is not for the page");
		return false;
	}
	reader->at += has_brace;
	c = pattern_peek(reader);
	if (has_brace && ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'))
		return emit_same_name(reader, '}', ret);
	is_back = c == '-';
	reader->at += is_back;
	c = pattern_peek(reader);
	if (c < '0' || c > '9') {
		pattern_refuse(reader, "\\g needs the number or name of a group");
		return false;
	}
	number = read_decimal(reader);
	if (has_brace && pattern_peek(reader) != '}') {
		pattern_refuse(reader, "\\g{ has no }");
		return false;
	}
	reader->at += has_brace;
	if (is_back)
		number = number && number <= reader->pattern->group_count
				 ? reader->pattern->group_count + 1 - number
				 : 0;
	return emit_same(reader, number, ret);
}

/* A digit from 1 on: \1 to \9 are groups, and more where there are so many. */
static bool read_digit(struct pattern_reader *reader, struct pattern_width *ret)
{
	size_t begin = reader->at;
	uint32_t number = read_decimal(reader);
	uint32_t byte = 0;

	if (number < 10 || number <= reader->groups_in_all)
		return emit_same(reader, number, ret);
	reader->at = begin;
	if (pattern_peek(reader) >= '8') {
		pattern_refuse(reader, "there is no group %u", number);
		return false;
	}
	for (int i = 0; i < 3; i++) {
		int c = pattern_peek(reader);

		if (c < '0' || c > '7')
			break;
		byte = byte * 8 + (uint32_t)(c - '0');
		reader->at++;
	}
	if (byte > 0xff)
		pattern_refuse(reader, "a byte is at most \\377");
	return emit_byte(reader, byte & 0xff, ret);
}

/* ---- escapes ---- */

/* \r\n in one piece, or any other end of a line. */
static bool emit_line_end(struct pattern_reader *reader, struct pattern_width *ret)
{
	struct pattern_set set;
	struct pattern_width width;
	uint32_t number = pattern_new_register(reader);

	pattern_emit(reader, (struct pattern_step){.op = PATTERN_HOLD, .a = number});
	pattern_emit(reader, (struct pattern_step){.op = PATTERN_SPLIT, .a = 1, .b = 4});
	emit_byte(reader, '\r', &width);
	emit_byte(reader, '\n', &width);
	pattern_emit(reader, (struct pattern_step){.op = PATTERN_JUMP, .a = 2});
	pattern_letter_class('v', &set);
	pattern_emit_set(reader, &set);
	pattern_emit(reader, (struct pattern_step){.op = PATTERN_CUT, .a = number});
	*ret = (struct pattern_width){1, 2};
	return true;
}

static bool read_escape(struct pattern_reader *reader, struct pattern_width *ret)
{
	static const struct {
		char letter;
		uint8_t place;
	} places[] = {{'A', PLACE_START},     {'G', PLACE_START},
		      {'z', PLACE_END},       {'Z', PLACE_LAST_LINE_END},
		      {'b', PLACE_WORD_EDGE}, {'B', PLACE_NO_WORD_EDGE}};
	int c = pattern_peek(reader);
	struct pattern_set set;
	uint32_t byte;

	if (c < 0) {
		pattern_refuse(reader, "a backslash stands at its end");
		return false;
	}
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (places[i].letter != c)
			continue;
		reader->at++;
		emit_place(reader, places[i].place);
		return false;
	}
	if (pattern_letter_class(c, &set)) {
		reader->at++;
		pattern_emit_set(reader, &set);
		*ret = (struct pattern_width){1, 1};
		return true;
	}
	if (c >= '1' && c <= '9')
		return read_digit(reader, ret);
	reader->at++;
	switch (c) {
	case 'R':
		return emit_line_end(reader, ret);
	case 'N':
		if (pattern_peek(reader) == '{' && !pattern_is_counted(reader))
			pattern_refuse(reader, "characters by name are not known");
		return emit_all_but(reader, '\n', ret);
	case 'C':
		return emit_all_but(reader, -1, ret);
	case 'K':
		return false;
	case 'g':
		return read_g(reader, ret);
	case 'k':
		c = pattern_peek(reader);
		reader->at++;
		if (c == '{' || c == '<' || c == '\'')
			return emit_same_name(reader,
					      c == '{'   ? '}'
					      : c == '<' ? '>'
							 : '\'',
					      ret);
		pattern_refuse(reader, "\\k needs the name of a group");
		return false;
	case 'p':
	case 'P':
	case 'X':
		pattern_refuse(reader, "\\%c is not for the page: it looks into bytes",
			       c);
		return false;
	default:
		reader->at--;
		byte = pattern_read_byte(reader, false);
		if (byte == PATTERN_NONE) {
			pattern_refuse(reader, "\\%c is nothing that is known", c);
			return false;
		}
		return emit_byte(reader, byte, ret);
	}
}

/* ---- groups ---- */

static void end_group(struct pattern_reader *reader)
{
	reader->depth--;
	if (reader->error)
		return;
	if (pattern_peek(reader) != ')')
		pattern_refuse(reader, "a ( has no ) behind it");
	reader->at++;
}

static bool read_inner(struct pattern_reader *reader, bool is_behind,
		       struct pattern_width *ret)
{
	struct pattern_flags before = reader->flags;

	if (++reader->depth > PATTERN_DEPTH)
		pattern_refuse(reader, "there are too many groups in each other");
	else
		*ret = pattern_read_alternatives(reader, is_behind);
	end_group(reader);
	reader->flags = before;
	return true;
}

static bool read_capture(struct pattern_reader *reader, const char *name,
			 struct pattern_width *ret)
{
	uint32_t group = ++reader->pattern->group_count;

	if (group > reader->groups_in_all) {
		pattern_refuse(reader, "it has too many groups");
		return false;
	}
	for (size_t i = 0; name && i < reader->name_count; i++)
		if (strcmp(reader->names[i].text, name) == 0)
			pattern_refuse(reader, "two groups have the name \"%s\"", name);
	if (name && array_reserve(&reader->names, &reader->name_room,
				  reader->name_count + 1, sizeof(reader->names[0])) < 0)
		reader->error = -ENOMEM;
	if (name && !reader->error) {
		struct pattern_name *its = &reader->names[reader->name_count++];

		memcpy(its->text, name, strlen(name) + 1);
		its->group = group;
	}
	pattern_emit(reader, (struct pattern_step){.op = PATTERN_SAVE, .a = 2 * group});
	read_inner(reader, false, ret);
	pattern_emit(reader,
		     (struct pattern_step){.op = PATTERN_SAVE, .a = 2 * group + 1});
	return true;
}

static bool read_named(struct pattern_reader *reader, char end, struct pattern_width *ret)
{
	char name[PATTERN_NAME + 1];

	return read_name(reader, end, name) && read_capture(reader, name, ret);
}

static bool read_atomic(struct pattern_reader *reader, struct pattern_width *ret)
{
	uint32_t number = pattern_new_register(reader);

	pattern_emit(reader, (struct pattern_step){.op = PATTERN_HOLD, .a = number});
	read_inner(reader, false, ret);
	pattern_emit(reader, (struct pattern_step){.op = PATTERN_CUT, .a = number});
	return true;
}

static bool read_look(struct pattern_reader *reader, bool is_behind, bool is_not)
{
	uint32_t height = pattern_new_register(reader), begin = pattern_end(reader);
	struct pattern_width width;

	if (is_not) {
		read_inner(reader, is_behind, &width);
		pattern_insert(
			reader, begin,
			(struct pattern_step){.op = PATTERN_UNLESS,
					      .a = height,
					      .b = pattern_end(reader) - begin + 2});
		pattern_emit(reader,
			     (struct pattern_step){.op = PATTERN_FORBID, .a = height});
		return true;
	}
	uint32_t place = pattern_new_register(reader);
	pattern_emit(reader, (struct pattern_step){.op = PATTERN_SAVE, .a = place});
	pattern_emit(reader, (struct pattern_step){.op = PATTERN_HOLD, .a = height});
	read_inner(reader, is_behind, &width);
	pattern_emit(reader, (struct pattern_step){
				     .op = PATTERN_LOOKED, .a = height, .b = place});
	return true;
}

/* (?i), (?-i), (?i:...), (?^...), behind the question mark. */
static bool read_flags(struct pattern_reader *reader, struct pattern_width *ret)
{
	struct pattern_flags before = reader->flags, flags = before;
	bool value = true;
	int c;

	if (pattern_peek(reader) == '^') {
		reader->at++;
		flags = (struct pattern_flags){0};
	}
	while ((c = pattern_peek(reader)) >= 0 && c != ')' && c != ':') {
		bool *flag = c == 'i'   ? &flags.ignores_case
			     : c == 'm' ? &flags.is_multiline
			     : c == 's' ? &flags.dot_is_all
			     : c == 'x' ? &flags.is_extended
			     : c == 'n' ? &flags.groups_are_plain
					: NULL;

		if (c == '-' && value)
			value = false;
		else if (flag)
			*flag = value;
		else {
			pattern_refuse(reader, "(?%c is not for the page", c);
			return false;
		}
		reader->at++;
	}
	if (c < 0) {
		pattern_refuse(reader, "a ( has no ) behind it");
		return false;
	}
	reader->at++;
	reader->flags = flags;
	if (c == ')')
		return false; /* until the end of the group that it stands in */
	read_inner(reader, false, ret);
	reader->flags = before;
	return true;
}

static bool starts(struct pattern_reader *reader, const char *word)
{
	size_t n = strlen(word);

	if (reader->size - reader->at < n ||
	    memcmp(reader->text + reader->at, word, n) != 0)
		return false;
	reader->at += n;
	return true;
}

/* Behind the bracket. */
static bool read_group(struct pattern_reader *reader, struct pattern_width *ret)
{
	if (pattern_peek(reader) == '*') {
		pattern_refuse(reader, "verbs are not for the page");
		return false;
	}
	if (!starts(reader, "?"))
		return reader->flags.groups_are_plain ? read_inner(reader, false, ret)
						      : read_capture(reader, NULL, ret);
	if (starts(reader, ":"))
		return read_inner(reader, false, ret);
	if (starts(reader, ">"))
		return read_atomic(reader, ret);
	if (starts(reader, "="))
		return read_look(reader, false, false);
	if (starts(reader, "!"))
		return read_look(reader, false, true);
	if (starts(reader, "<="))
		return read_look(reader, true, false);
	if (starts(reader, "<!"))
		return read_look(reader, true, true);
	if (starts(reader, "P="))
		return emit_same_name(reader, ')', ret);
	if (starts(reader, "P<") || starts(reader, "<"))
		return read_named(reader, '>', ret);
	if (starts(reader, "'"))
		return read_named(reader, '\'', ret);
	return read_flags(reader, ret);
}

bool pattern_read_piece(struct pattern_reader *reader, struct pattern_width *ret)
{
	int c = (unsigned char)reader->text[reader->at++];
	struct pattern_set set;

	if (reader->is_quoted)
		return emit_byte(reader, (uint32_t)c, ret);
	switch (c) {
	case '\\':
		return read_escape(reader, ret);
	case '[':
		pattern_read_class(reader, &set);
		pattern_emit_set(reader, &set);
		*ret = (struct pattern_width){1, 1};
		return true;
	case '(':
		return read_group(reader, ret);
	case '.':
		return emit_all_but(reader, reader->flags.dot_is_all ? -1 : '\n', ret);
	case '^':
		emit_place(reader,
			   reader->flags.is_multiline ? PLACE_LINE_START : PLACE_START);
		return false;
	case '$':
		emit_place(reader, reader->flags.is_multiline ? PLACE_LINE_END
							      : PLACE_LAST_LINE_END);
		return false;
	default:
		return emit_byte(reader, (uint32_t)c, ret);
	}
}
