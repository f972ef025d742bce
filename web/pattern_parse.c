/* A pattern into a program: alternatives, pieces, what is repeated how often. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "pattern_group.h"

#define NOTHING "there is nothing before it that could be repeated"

int pattern_refuse(struct pattern_reader *reader, const char *format, ...)
{
	va_list list;

	if (reader->error)
		return reader->error;
	va_start(list, format);
	vsnprintf(reader->reason, reader->reason_size, format, list);
	va_end(list);
	reader->error = -EINVAL;
	return -EINVAL;
}

/* ---- the program ---- */

uint32_t pattern_end(const struct pattern_reader *reader)
{
	return (uint32_t)reader->pattern->step_count;
}

static bool make_room(struct pattern_reader *reader, uint32_t count)
{
	struct pattern *pattern = reader->pattern;

	if (reader->error)
		return false;
	if (pattern->step_count + count > PATTERN_STEPS) {
		pattern_refuse(reader, "it is too large");
		return false;
	}
	if (array_reserve(&pattern->steps, &pattern->step_room,
			  pattern->step_count + count, sizeof(pattern->steps[0])) < 0) {
		reader->error = -ENOMEM;
		return false;
	}
	return true;
}

void pattern_emit(struct pattern_reader *reader, struct pattern_step step)
{
	if (make_room(reader, 1))
		reader->pattern->steps[reader->pattern->step_count++] = step;
}

/* Before what stands at `at` and behind it, which moves in one piece. */
void pattern_insert(struct pattern_reader *reader, uint32_t at, struct pattern_step step)
{
	struct pattern *pattern = reader->pattern;

	if (!make_room(reader, 1))
		return;
	memmove(pattern->steps + at + 1, pattern->steps + at,
		(pattern->step_count - at) * sizeof(step));
	pattern->steps[at] = step;
	pattern->step_count++;
}

/* Once more what is between. */
static void copy(struct pattern_reader *reader, uint32_t from, uint32_t to)
{
	struct pattern *pattern = reader->pattern;

	if (from == to || !make_room(reader, to - from))
		return;
	memcpy(pattern->steps + pattern->step_count, pattern->steps + from,
	       (to - from) * sizeof(pattern->steps[0]));
	pattern->step_count += to - from;
}

uint32_t pattern_new_register(struct pattern_reader *reader)
{
	return reader->pattern->register_count++;
}

void pattern_emit_set(struct pattern_reader *reader, const struct pattern_set *set)
{
	struct pattern *pattern = reader->pattern;

	if (reader->error)
		return;
	if (array_reserve(&pattern->sets, &pattern->set_room, pattern->set_count + 1,
			  sizeof(*set)) < 0) {
		reader->error = -ENOMEM;
		return;
	}
	pattern->sets[pattern->set_count] = *set;
	pattern_emit(reader, (struct pattern_step){.op = PATTERN_BYTES,
						   .a = (uint32_t)pattern->set_count++});
}

static uint32_t add_widths(uint32_t a, uint32_t b)
{
	return a > PATTERN_ENDLESS - 1 - b || b == PATTERN_ENDLESS ? PATTERN_ENDLESS
								   : a + b;
}

static uint32_t multiply(uint32_t width, uint32_t count)
{
	if (width == 0 || count == 0)
		return 0;
	return width == PATTERN_ENDLESS || count == PATTERN_ENDLESS ||
			       width > (PATTERN_ENDLESS - 1) / count
		       ? PATTERN_ENDLESS
		       : width * count;
}

/* ---- how often ---- */

struct count {
	uint32_t least, most;
	enum pattern_how how;
};

static bool read_count(struct pattern_reader *reader, size_t *at, uint32_t *ret)
{
	size_t begin = *at;
	uint32_t value = 0;

	for (; *at < reader->size && reader->text[*at] >= '0' && reader->text[*at] <= '9';
	     ++*at) {
		value = value * 10 + (uint32_t)(reader->text[*at] - '0');
		if (value > PATTERN_COUNT) {
			pattern_refuse(reader, "a number in braces is at most %d",
				       PATTERN_COUNT);
			value = PATTERN_COUNT;
		}
	}
	*ret = value;
	return *at > begin;
}

/* {2}, {2,}, {2,3}; what is not written so is text. */
static bool read_braces(struct pattern_reader *reader, struct count *ret)
{
	const char *text = reader->text;
	size_t at = reader->at + 1;
	struct pattern_reader probe = *reader;

	probe.reason_size = 0;
	if (!read_count(&probe, &at, &ret->least))
		return false;
	ret->most = ret->least;
	if (at < reader->size && text[at] == ',') {
		at++;
		if (!read_count(&probe, &at, &ret->most))
			ret->most = PATTERN_ENDLESS;
	}
	if (at >= reader->size || text[at] != '}')
		return false;
	if (probe.error)
		pattern_refuse(reader, "a number in braces is at most %d", PATTERN_COUNT);
	else if (ret->least > ret->most)
		pattern_refuse(reader, "the numbers in braces are in the wrong order");
	reader->at = at + 1;
	return true;
}

bool pattern_is_counted(const struct pattern_reader *reader)
{
	struct pattern_reader probe = *reader;
	struct count count;

	probe.reason_size = 0;
	return pattern_peek(reader) == '{' && read_braces(&probe, &count);
}

static bool is_quantifier(const struct pattern_reader *reader, struct count *ret)
{
	switch (reader->is_quoted ? -1 : pattern_peek(reader)) {
	case '*':
		*ret = (struct count){0, PATTERN_ENDLESS, PATTERN_GREEDY};
		return true;
	case '+':
		*ret = (struct count){1, PATTERN_ENDLESS, PATTERN_GREEDY};
		return true;
	case '?':
		*ret = (struct count){0, 1, PATTERN_GREEDY};
		return true;
	default:
		return false;
	}
}

static bool read_quantifier(struct pattern_reader *reader, struct count *ret)
{
	if (is_quantifier(reader, ret)) {
		reader->at++;
	} else if (reader->is_quoted || pattern_peek(reader) != '{' ||
		   !read_braces(reader, ret)) {
		return false;
	}
	ret->how = PATTERN_GREEDY;
	if (pattern_peek(reader) == '?' || pattern_peek(reader) == '+')
		ret->how = reader->text[reader->at++] == '?' ? PATTERN_LAZY
							     : PATTERN_POSSESSIVE;
	return true;
}

/* SPLIT that prefers what follows, or what comes after it. */
static struct pattern_step split(enum pattern_how how, uint32_t over)
{
	return how == PATTERN_LAZY
		       ? (struct pattern_step){.op = PATTERN_SPLIT, .a = over, .b = 1}
		       : (struct pattern_step){.op = PATTERN_SPLIT, .a = 1, .b = over};
}

/* The piece at `begin` so often.  It is taken away, and comes back as many times. */
static void repeat(struct pattern_reader *reader, uint32_t begin,
		   const struct count *count)
{
	struct pattern *pattern = reader->pattern;
	uint32_t length = pattern_end(reader) - begin, turn;

	if (reader->error)
		return;
	if (length == 1 && pattern->steps[begin].op == PATTERN_BYTES) {
		pattern->steps[begin] = (struct pattern_step){
			.op = PATTERN_REPEAT,
			.how = (uint8_t)count->how,
			.a = pattern->steps[begin].a,
			.b = count->least,
			.c = count->most,
		};
		return;
	}
	if (count->most == 0) {
		pattern->step_count = begin;
		return;
	}
	/* least times */
	for (uint32_t i = 1; i < count->least && !reader->error; i++)
		copy(reader, begin, begin + length);
	if (count->most == PATTERN_ENDLESS) {
		if (count->least)
			copy(reader, begin, begin + length);
		if (reader->error)
			return;
		turn = pattern_end(reader) - length;
		pattern_insert(reader, turn,
			       (struct pattern_step){.op = PATTERN_SAVE,
						     .a = pattern->register_count});
		pattern_insert(reader, turn, split(count->how, length + 3));
		pattern_emit(reader, (struct pattern_step){
					     .op = PATTERN_AGAIN,
					     .a = (uint32_t) - (int32_t)(length + 2),
					     .b = pattern_new_register(reader)});
		return;
	}
	/* and up to so many times more: each only behind the one before */
	for (uint32_t i = count->least; i < count->most && !reader->error; i++) {
		uint32_t over = (count->most - i) * (length + 1);

		if (i == 0) {
			pattern_insert(reader, begin, split(count->how, over));
			continue;
		}
		pattern_emit(reader, split(count->how, over));
		copy(reader, begin + (count->least == 0),
		     begin + (count->least == 0) + length);
	}
}

static void hold(struct pattern_reader *reader, uint32_t begin)
{
	uint32_t number = pattern_new_register(reader);

	pattern_insert(reader, begin,
		       (struct pattern_step){.op = PATTERN_HOLD, .a = number});
	pattern_emit(reader, (struct pattern_step){.op = PATTERN_CUT, .a = number});
}

static void quantify(struct pattern_reader *reader, uint32_t begin, bool is_repeatable,
		     struct pattern_width *width)
{
	struct count count;

	pattern_skip_blanks(reader);
	if (!read_quantifier(reader, &count))
		return;
	if (!is_repeatable) {
		pattern_refuse(reader, NOTHING);
		return;
	}
	repeat(reader, begin, &count);
	if (count.how == PATTERN_POSSESSIVE)
		hold(reader, begin);
	width->least = multiply(width->least, count.least);
	width->most = multiply(width->most, count.most);
}

/* ---- sequences and alternatives ---- */

void pattern_skip_blanks(struct pattern_reader *reader)
{
	for (;;) {
		const char *rest = reader->text + reader->at;
		size_t left = reader->size - reader->at;

		/* Comments, and the white space of (?x). */
		if (left >= 3 && !reader->is_quoted && memcmp(rest, "(?#", 3) == 0) {
			const char *end = memchr(rest, ')', left);

			if (!end) {
				pattern_refuse(reader,
					       "a comment has no end: ) is missing");
				return;
			}
			reader->at += (size_t)(end - rest) + 1;
		} else if (left >= 2 && rest[0] == '\\' &&
			   (rest[1] == 'E' || (rest[1] == 'Q' && !reader->is_quoted))) {
			reader->is_quoted = rest[1] == 'Q';
			reader->at += 2;
		} else if (reader->flags.is_extended && !reader->is_quoted && left &&
			   strchr(" \t\n\v\f\r", rest[0]) && rest[0]) {
			reader->at++;
		} else if (reader->flags.is_extended && !reader->is_quoted && left &&
			   rest[0] == '#') {
			const char *end = memchr(rest, '\n', left);

			reader->at += end ? (size_t)(end - rest) + 1 : left;
		} else {
			return;
		}
	}
}

static struct pattern_width read_sequence(struct pattern_reader *reader)
{
	struct pattern_width width = {0, 0};

	for (;;) {
		struct pattern_width its = {0, 0};
		struct count count;
		uint32_t begin = pattern_end(reader);
		bool is_repeatable;
		int c;

		pattern_skip_blanks(reader);
		c = pattern_peek(reader);
		if (reader->error || c < 0 ||
		    (!reader->is_quoted && (c == '|' || c == ')')))
			return width;
		if (read_quantifier(reader, &count))
			pattern_refuse(reader, NOTHING);
		if (reader->error)
			return width;
		is_repeatable = pattern_read_piece(reader, &its);
		if (reader->error)
			return width;
		quantify(reader, begin, is_repeatable, &its);
		width.least = add_widths(width.least, its.least);
		width.most = add_widths(width.most, its.most);
	}
}

struct pattern_width pattern_read_alternatives(struct pattern_reader *reader,
					       bool is_behind)
{
	struct pattern_width all = {0, 0};
	uint32_t jump = 0; /* the last one, from 1; each holds the one before */

	for (bool is_first = true;; is_first = false) {
		uint32_t begin = pattern_end(reader);
		struct pattern_width its = read_sequence(reader);

		if (is_behind && its.least != its.most)
			pattern_refuse(reader,
				       "what is looked for behind must have one length");
		if (is_behind)
			pattern_insert(reader, begin,
				       (struct pattern_step){.op = PATTERN_BACK,
							     .a = its.least});
		all.least = is_first || its.least < all.least ? its.least : all.least;
		all.most = its.most > all.most ? its.most : all.most;
		if (reader->error || pattern_peek(reader) != '|' || reader->is_quoted)
			break;
		reader->at++;
		pattern_insert(reader, begin,
			       split(PATTERN_GREEDY, pattern_end(reader) - begin + 2));
		pattern_emit(reader,
			     (struct pattern_step){.op = PATTERN_JUMP, .a = jump});
		jump = pattern_end(reader);
	}
	while (jump && !reader->error) {
		uint32_t before = reader->pattern->steps[jump - 1].a;

		reader->pattern->steps[jump - 1].a = pattern_end(reader) - (jump - 1);
		jump = before;
	}
	return all;
}

/* ---- the whole ---- */

/* So many there can be, at most: it tells \12 from an octal number. */
static uint32_t count_groups(const char *text, size_t n)
{
	uint32_t count = 0;

	for (size_t i = 0; i < n; i++) {
		if (text[i] == '\\')
			i++;
		else if (text[i] == '(')
			count += i + 1 == n || text[i + 1] != '?' ||
				 (i + 3 < n && strchr("<'P", text[i + 2]) &&
				  text[i + 3] != '=' && text[i + 3] != '!');
	}
	return count;
}

static void read_all(struct pattern_reader *reader)
{
	pattern_read_alternatives(reader, false);
	if (!reader->error && reader->at < reader->size)
		pattern_refuse(reader, "a ) has no ( before it");
	if (!reader->error && reader->referred_to > reader->pattern->group_count)
		pattern_refuse(reader, "there is no group %u", reader->referred_to);
	pattern_emit(reader, (struct pattern_step){.op = PATTERN_MATCHED});
}

int pattern_parse(const char *text, size_t n, bool ignore_case, struct pattern *ret,
		  char *reason, size_t size)
{
	struct pattern pattern = {.register_count = 2 * (PATTERN_GROUPS + 1)};
	struct pattern_reader reader = {
		.pattern = &pattern,
		.text = text,
		.size = n,
		.flags.ignores_case = ignore_case,
		.groups_in_all = count_groups(text, n),
		.reason = reason,
		.reason_size = size,
	};

	if (size)
		reason[0] = '\0';
	if (reader.groups_in_all > PATTERN_GROUPS)
		pattern_refuse(&reader, "it has more than %d groups", PATTERN_GROUPS);
	else
		pattern.register_count = 2 * (reader.groups_in_all + 1);
	if (!reader.error)
		read_all(&reader);
	if (!reader.error) {
		pattern.registers =
			array_new(pattern.register_count, sizeof(pattern.registers[0]));
		if (!pattern.registers)
			reader.error = -ENOMEM;
	}
	array_free(reader.names);
	if (reader.error) {
		pattern_done(&pattern);
		return reader.error;
	}
	pattern_find_first(&pattern);
	*ret = pattern;
	return 0;
}

void pattern_done(struct pattern *pattern)
{
	array_free(pattern->steps);
	array_free(pattern->sets);
	array_free(pattern->registers);
	array_free(pattern->ways);
	*pattern = (struct pattern){0};
}
