/* Display filters: whether one lets nothing through but a single conversation. */
#include <string.h>

#include "dissect/filter.h"

/* Whether a false answer at this place is the filter's. */
static bool ends_false(const struct sonde_filter *filter, size_t at)
{
	while (at < filter->instruction_count) {
		if (filter->instructions[at].op != OP_SKIP_IF_FALSE)
			return false;
		at = filter->instructions[at].argument;
	}
	return true;
}

/* tcp.stream == 3 */
static bool is_stream(const struct sonde_filter *filter, const struct filter_test *test,
		      bool *ret_is_tcp, uint32_t *ret_number)
{
	const struct filter_operand *left, *right;

	if (test->relation != RELATION_EQUAL)
		return false;
	left = &filter->operands[test->left];
	right = &filter->operands[test->right];
	if (left->kind != OPERAND_FIELD || left->step_count > 0 ||
	    left->layer_count > 0 || right->kind != OPERAND_CONSTANT)
		return false;
	*ret_is_tcp = strcmp(left->info->name, "tcp.stream") == 0;
	*ret_number = (uint32_t)right->constant.u.number;
	return *ret_is_tcp || strcmp(left->info->name, "udp.stream") == 0;
}

bool sonde_filter_stream(const struct sonde_filter *filter, bool *ret_is_tcp,
			 uint32_t *ret_number)
{
	/* The tests at the start that must all hold. */
	for (size_t at = 0; at < filter->instruction_count; at += 2) {
		const struct filter_instruction *instruction = &filter->instructions[at];

		if (instruction->op != OP_TEST || !ends_false(filter, at + 1))
			return false;
		if (is_stream(filter, &filter->tests[instruction->argument], ret_is_tcp,
			      ret_number))
			return true;
	}
	return false;
}
