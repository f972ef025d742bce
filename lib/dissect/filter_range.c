/* Display filters: what stands in brackets behind a field, and the layers behind '#'. */
#include <stdio.h>

#include "base/array.h"
#include "dissect/filter.h"

static void skip_space(struct filter_parser *parser)
{
	while (parser->at < parser->size && filter_is_space(parser->text[parser->at]))
		parser->at++;
}

static bool skip_char(struct filter_parser *parser, char c)
{
	skip_space(parser);
	if (parser->at >= parser->size || parser->text[parser->at] != c)
		return false;
	parser->at++;
	return true;
}

/* A whole number, in decimal, 0x or 0 octal; 1 where one was read, 0 where none is here. */
static int lex_number(struct filter_parser *parser, int32_t *ret)
{
	size_t begin, base = 10, digits = 0;
	bool is_negative;
	int64_t number = 0;

	skip_space(parser);
	begin = parser->at;
	is_negative = skip_char(parser, '-');
	if (parser->at + 1 < parser->size && parser->text[parser->at] == '0') {
		base = parser->text[parser->at + 1] == 'x' ? 16 : 8;
		if (base == 16)
			parser->at += 2;
	}
	for (; parser->at < parser->size; parser->at++, digits++) {
		int digit = filter_hex_digit(parser->text[parser->at]);
		if (digit < 0 || (size_t)digit >= base)
			break;
		number = number * (int64_t)base + digit;
		if (number > INT32_MAX)
			return filter_refuse(parser, begin, parser->at - begin + 1,
					     "too large for a place");
	}
	if (digits == 0 && parser->at == begin)
		return 0;
	if (digits == 0)
		return filter_refuse(parser, begin, parser->at - begin, "no number");
	*ret = (int32_t)(is_negative ? -number : number);
	return 1;
}

static int check_range(struct filter_parser *parser, const struct filter_range *range,
		       size_t begin)
{
	size_t length = parser->at - begin;

	if (range->kind == RANGE_LENGTH && range->other <= 0)
		return filter_refuse(
			parser, begin, length,
			"a slice of %d bytes: the number after ':' is a length",
			(int)range->other);
	if (range->kind == RANGE_TO && (range->start < 0) != (range->other < 0))
		return filter_refuse(parser, begin, length,
				     "from the one end and from the other");
	if (range->kind == RANGE_TO && range->other < range->start)
		return filter_refuse(parser, begin, length,
				     "the end stands before the start");
	return 0;
}

static int lex_range(struct filter_parser *parser, struct filter_range *ret)
{
	size_t begin;
	int has_start, r = 0;

	skip_space(parser);
	begin = parser->at;
	*ret = (struct filter_range){.kind = RANGE_LENGTH, .other = 1};
	has_start = lex_number(parser, &ret->start);
	if (has_start < 0)
		return has_start;
	if (skip_char(parser, ':')) {
		r = lex_number(parser, &ret->other);
		if (r == 0 && !has_start)
			return filter_refuse(parser, begin, 1, "no number");
		if (r == 0)
			ret->kind = RANGE_REST;
	} else if (has_start && skip_char(parser, '-')) {
		ret->kind = RANGE_TO;
		r = lex_number(parser, &ret->other);
		if (r == 0)
			return filter_refuse(parser, begin, parser->at - begin,
					     "a number is missing behind '-'");
	} else if (!has_start) {
		return filter_refuse(parser, begin, begin < parser->size,
				     "a place is missing, as in [0:4], [2-3] or [-1]");
	}
	return r < 0 ? r : check_range(parser, ret, begin);
}

static int append_range(struct sonde_filter *filter, const struct filter_range *range,
			char before)
{
	char text[40];
	int n;

	if (range->kind == RANGE_REST)
		n = snprintf(text, sizeof(text), "%c%d:", before, (int)range->start);
	else
		n = snprintf(text, sizeof(text), "%c%d%c%d", before, (int)range->start,
			     range->kind == RANGE_LENGTH ? ':' : '-', (int)range->other);
	return filter_append(filter, text, (size_t)n);
}

static int add_range(struct filter_parser *parser, const struct filter_range *range,
		     char before)
{
	struct sonde_filter *filter = parser->filter;
	int r = array_reserve(&filter->ranges, &filter->range_capacity,
			      filter->range_count + 1, sizeof(*filter->ranges));

	if (r < 0)
		return r;
	filter->ranges[filter->range_count++] = *range;
	return append_range(filter, range, before);
}

int filter_lex_ranges(struct filter_parser *parser, bool is_slice, uint32_t *ret_first,
		      uint32_t *ret_count)
{
	uint32_t first = (uint32_t)parser->filter->range_count;
	char before = '[';
	struct filter_range range;
	int r;

	do {
		size_t begin = parser->at;
		r = lex_range(parser, &range);
		if (r == 0 && !is_slice && (range.start < 1 || range.other < 1))
			r = filter_refuse(parser, begin, parser->at - begin,
					  "layers count from 1");
		if (r == 0)
			r = add_range(parser, &range, before);
		if (r < 0)
			return r;
		before = ',';
	} while (skip_char(parser, ','));
	if (!skip_char(parser, ']'))
		return filter_refuse(parser, parser->at, parser->at < parser->size,
				     "a ']' is missing");
	r = filter_append(parser->filter, "]", 1);
	if (r < 0)
		return r;
	*ret_first = first;
	*ret_count = (uint32_t)parser->filter->range_count - first;
	parser->end = parser->at;
	return filter_lex(parser);
}

int filter_lex_layers(struct filter_parser *parser, uint32_t *ret_first,
		      uint32_t *ret_count)
{
	struct filter_range range = {.kind = RANGE_LENGTH, .other = 1};
	int r;

	r = filter_append(parser->filter, "#", 1);
	if (r < 0)
		return r;
	if (parser->at < parser->size && parser->text[parser->at] == '[') {
		parser->at++;
		return filter_lex_ranges(parser, false, ret_first, ret_count);
	}
	*ret_first = (uint32_t)parser->filter->range_count;
	if (parser->at >= parser->size || !filter_is_digit(parser->text[parser->at]))
		return filter_refuse(parser, parser->token.at, 1,
				     "the number of a layer is missing, as in ip.src#2");
	r = lex_number(parser, &range.start);
	if (r == 1 && range.start < 1)
		return filter_refuse(parser, parser->token.at,
				     parser->at - parser->token.at,
				     "layers count from 1");
	if (r == 1)
		r = add_range(parser, &range, '[');
	if (r == 0)
		r = filter_append(parser->filter, "]", 1);
	if (r < 0)
		return r;
	*ret_count = 1;
	parser->end = parser->at;
	return filter_lex(parser);
}
