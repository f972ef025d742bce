/* Display filters: a program and the fields of a frame to an answer. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "dissect/filter_cursor.h"

/* ---- relations ---- */

/* Wireshark has the longer bytes be the greater ones, whatever they are; but a protocol
 * and text go as in a dictionary. */
static int compare_bytes(const struct filter_value *a, const struct filter_value *b)
{
	bool is_dictionary =
		a->type == SONDE_FIELD_PROTOCOL || a->type == SONDE_FIELD_TEXT;
	int longer =
		(a->u.data.size > b->u.data.size) - (a->u.data.size < b->u.data.size);
	uint32_t size = longer < 0 ? a->u.data.size : b->u.data.size;
	int r;

	if (longer != 0 && !is_dictionary)
		return longer;
	r = size ? memcmp(a->u.data.bytes, b->u.data.bytes, size) : 0;
	return r ? r : longer;
}

/* Under the shorter of the two prefixes. */
static int compare_ipv6(const struct filter_value *a, const struct filter_value *b)
{
	unsigned bits = a->prefix < b->prefix ? a->prefix : b->prefix;

	if (bits > 8 * a->u.data.size || bits > 8 * b->u.data.size)
		return compare_bytes(a, b);
	int r = bits / 8 ? memcmp(a->u.data.bytes, b->u.data.bytes, bits / 8) : 0;
	if (r != 0 || bits % 8 == 0)
		return r;
	return (a->u.data.bytes[bits / 8] >> (8 - bits % 8)) -
	       (b->u.data.bytes[bits / 8] >> (8 - bits % 8));
}

static int compare_numbers(const struct filter_value *a, const struct filter_value *b)
{
	bool is_below_a = a->type == SONDE_FIELD_INT && a->u.integer < 0;
	bool is_below_b = b->type == SONDE_FIELD_INT && b->u.integer < 0;

	if (is_below_a != is_below_b)
		return is_below_a ? -1 : 1;
	return (a->u.number > b->u.number) - (a->u.number < b->u.number);
}

static int compare(const struct filter_value *a, const struct filter_value *b)
{
	unsigned bits;
	uint64_t left, right;

	switch ((enum sonde_field_type)a->type) {
	case SONDE_FIELD_BOOL:
	case SONDE_FIELD_UINT:
	case SONDE_FIELD_INT:
		return compare_numbers(a, b);
	case SONDE_FIELD_TIME:
	case SONDE_FIELD_DURATION:
		return (a->u.integer > b->u.integer) - (a->u.integer < b->u.integer);
	case SONDE_FIELD_IPV4:
		bits = a->prefix < b->prefix ? a->prefix : b->prefix;
		left = (a->u.number & UINT32_MAX) >> (32 - bits);
		right = (b->u.number & UINT32_MAX) >> (32 - bits);
		return (left > right) - (left < right);
	case SONDE_FIELD_IPV6:
		return compare_ipv6(a, b);
	case SONDE_FIELD_PROTOCOL:
	case SONDE_FIELD_ETHERNET:
	case SONDE_FIELD_BYTES:
	case SONDE_FIELD_TEXT:
		return compare_bytes(a, b);
	case SONDE_FIELD_NOTE:
		break;
	}
	return 0;
}

static bool contains(const struct filter_value *a, const struct filter_value *b)
{
	if (b->u.data.size == 0)
		return true;
	return a->u.data.size >= b->u.data.size &&
	       memmem(a->u.data.bytes, a->u.data.size, b->u.data.bytes, b->u.data.size) !=
		       NULL;
}

static int relate(const struct sonde_filter *filter, const struct filter_test *test,
		  const struct filter_value *a, const struct filter_value *b)
{
	static const uint8_t nothing[1];

	switch ((enum filter_relation)test->relation) {
	case RELATION_EQUAL:
		return compare(a, b) == 0;
	case RELATION_NOT_EQUAL:
		return compare(a, b) != 0;
	case RELATION_LESS:
		return compare(a, b) < 0;
	case RELATION_GREATER:
		return compare(a, b) > 0;
	case RELATION_AT_MOST:
		return compare(a, b) <= 0;
	case RELATION_AT_LEAST:
		return compare(a, b) >= 0;
	case RELATION_CONTAINS:
		return contains(a, b);
	case RELATION_MATCHES:
		return filter->regex->match(test->regex,
					    a->u.data.size ? a->u.data.bytes : nothing,
					    a->u.data.size);
	case RELATION_EXISTS:
	case RELATION_IN:
		break;
	}
	return false;
}

static bool is_something(const struct cursor *cursor, const struct filter_value *value)
{
	const struct filter_operand *operand = cursor->operand;
	const struct filter_step *last;
	uint8_t bits = 0;

	if (operand->step_count == 0)
		return true;
	last = &cursor->filter->steps[operand->first_step + operand->step_count - 1];
	if (last->kind == STEP_SLICE)
		return value->u.data.size > 0;
	if (!filter_type_is_data(value->type))
		return value->u.number != 0;
	for (uint32_t i = 0; i < value->u.data.size; i++)
		bits |= value->u.data.bytes[i];
	return bits != 0;
}

static int test_exists(struct sonde_filter *filter, const struct filter_test *test,
		       const struct sonde_dissection *dissection)
{
	struct filter_value value;
	struct cursor cursor;
	int r;

	filter_cursor_begin(&cursor, filter, test->left, dissection, 0);
	while ((r = filter_cursor_next(&cursor, &value)) > 0) {
		if (is_something(&cursor, &value))
			return 1;
	}
	return r;
}

/* Any pair, or all of them and at least one. */
static int test_relation(struct sonde_filter *filter, const struct filter_test *test,
			 const struct sonde_dissection *dissection)
{
	struct filter_value a, b;
	struct cursor left, right;
	bool is_seen = false;
	int r, r_right;

	filter_cursor_begin(&left, filter, test->left, dissection, 0);
	while ((r = filter_cursor_next(&left, &a)) > 0) {
		filter_cursor_begin(&right, filter, test->right, dissection, 1);
		while ((r_right = filter_cursor_next(&right, &b)) > 0) {
			int holds = relate(filter, test, &a, &b);
			if (holds < 0)
				filter->costly = (uint32_t)(test - filter->tests);
			if (holds < 0 || holds != test->is_all)
				return holds;
			is_seen = true;
		}
		if (r_right < 0)
			return r_right;
	}
	return r < 0 ? r : (test->is_all && is_seen);
}

/* Any value between any low and any high one. */
static int is_member(struct sonde_filter *filter, const struct filter_member *member,
		     const struct filter_value *value,
		     const struct sonde_dissection *dissection)
{
	struct filter_value bound;
	struct cursor cursor;
	bool is_single = member->low == member->high, holds = false;
	int r;

	filter_cursor_begin(&cursor, filter, member->low, dissection, 1);
	while (!holds && (r = filter_cursor_next(&cursor, &bound)) != 0) {
		if (r < 0)
			return r;
		holds = is_single ? compare(value, &bound) == 0
				  : compare(value, &bound) >= 0;
	}
	if (!holds || is_single)
		return holds;
	filter_cursor_begin(&cursor, filter, member->high, dissection, 1);
	while ((r = filter_cursor_next(&cursor, &bound)) > 0) {
		if (compare(value, &bound) <= 0)
			return 1;
	}
	return r;
}

static int test_set(struct sonde_filter *filter, const struct filter_test *test,
		    const struct sonde_dissection *dissection)
{
	struct filter_value value;
	struct cursor cursor;
	bool is_seen = false;
	int r;

	filter_cursor_begin(&cursor, filter, test->left, dissection, 0);
	while ((r = filter_cursor_next(&cursor, &value)) > 0) {
		int is_in = 0;
		for (uint32_t i = 0; i < test->member_count && is_in == 0; i++)
			is_in = is_member(filter,
					  &filter->members[test->first_member + i],
					  &value, dissection);
		if (is_in < 0)
			return is_in;
		if (is_in != test->is_all)
			return is_in;
		is_seen = true;
	}
	return r < 0 ? r : (test->is_all && is_seen);
}

static int run_test(struct sonde_filter *filter, const struct filter_test *test,
		    const struct sonde_dissection *dissection)
{
	if (test->relation == RELATION_EXISTS)
		return test_exists(filter, test, dissection);
	if (test->relation == RELATION_IN)
		return test_set(filter, test, dissection);
	return test_relation(filter, test, dissection);
}

int sonde_filter_match(struct sonde_filter *filter,
		       const struct sonde_dissection *dissection)
{
	/* One answer for each xor that waits, and the last one. */
	bool answers[LIMIT_FILTER_DEPTH + 1] = {false};
	size_t used = 0;
	int r;

	if (filter->instruction_count == 0)
		return 1;
	for (size_t at = 0; at < filter->instruction_count; at++) {
		const struct filter_instruction *instruction = &filter->instructions[at];
		switch ((enum filter_op)instruction->op) {
		case OP_TEST:
			r = run_test(filter, &filter->tests[instruction->argument],
				     dissection);
			if (r < 0)
				return r;
			answers[used++] = r;
			break;
		case OP_NOT:
			assert(used > 0);
			answers[used - 1] = !answers[used - 1];
			break;
		case OP_XOR:
			assert(used > 1);
			used--;
			answers[used - 1] = answers[used - 1] != answers[used];
			break;
		case OP_SKIP_IF_FALSE:
		case OP_SKIP_IF_TRUE:
			assert(used > 0);
			if (answers[used - 1] == (instruction->op == OP_SKIP_IF_TRUE))
				at = instruction->argument - 1;
			else
				used--;
			break;
		}
	}
	return answers[0];
}

void sonde_filter_trouble(const struct sonde_filter *filter, uint32_t frame,
			  struct sonde_filter_place *ret_place, struct sonde_error *err)
{
	char subject[24];
	const struct filter_operand *right =
		&filter->operands[filter->tests[filter->costly].right];

	*ret_place = (struct sonde_filter_place){right->at, right->length};
	snprintf(subject, sizeof(subject), "frame %u", frame);
	sonde_error_set(err, SONDE_ERROR_TROUBLE, -ELOOP, "filter", subject,
			"this expression takes too many steps to be matched");
	sonde_error_hint(err, "what is repeated should not repeat itself, as in (a+)+");
}
