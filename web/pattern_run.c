/* The machine that matches. */
#include "pattern.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/limits.h"

enum way_kind {
	WAY_STEP, /* go on at step, at */
	WAY_GIVE, /* a greedy repetition: one byte less, down to `more` */
	WAY_TAKE, /* a lazy one: one byte more, `more` of them at the most */
	WAY_PUT,  /* register `step` had the value `at` */
};

struct machine {
	struct pattern *pattern;
	const uint8_t *bytes;
	uint32_t size;
	size_t height;
	int error; /* sticky */
};

static void push(struct machine *machine, uint32_t kind, uint32_t step, uint32_t at,
		 uint32_t more)
{
	struct pattern *pattern = machine->pattern;
	const size_t most =
		((size_t)LIMIT_REGEX_KILOBYTES << 10) / sizeof(pattern->ways[0]);

	if (machine->height >= most) {
		machine->error = -ELOOP;
		return;
	}
	if (array_reserve(&pattern->ways, &pattern->way_room, machine->height + 1,
			  sizeof(pattern->ways[0])) < 0) {
		machine->error = -ENOMEM;
		return;
	}
	pattern->ways[machine->height++] = (struct pattern_way){kind, step, at, more};
}

static void set_register(struct machine *machine, uint32_t number, uint32_t value)
{
	push(machine, WAY_PUT, number, machine->pattern->registers[number], 0);
	machine->pattern->registers[number] = value;
}

/* Leaves of what was pushed since then only what registers held. */
static void cut(struct machine *machine, uint32_t height)
{
	struct pattern_way *ways = machine->pattern->ways;
	size_t to = height;

	for (size_t from = height; from < machine->height; from++)
		if (ways[from].kind == WAY_PUT)
			ways[to++] = ways[from];
	machine->height = to;
}

/* As if nothing had been tried since then. */
static void undo(struct machine *machine, uint32_t height)
{
	while (machine->height > height) {
		const struct pattern_way *way =
			&machine->pattern->ways[--machine->height];

		if (way->kind == WAY_PUT)
			machine->pattern->registers[way->step] = way->at;
	}
}

static bool is_word(const struct machine *machine, uint32_t at)
{
	uint8_t byte;

	if (at >= machine->size)
		return false;
	byte = machine->bytes[at];
	return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= 'a' && byte <= 'z') || byte == '_';
}

static bool is_place(const struct machine *machine, uint32_t at, uint8_t place)
{
	bool is_end = at == machine->size;
	bool is_edge = is_word(machine, at) != (at > 0 && is_word(machine, at - 1));

	switch ((enum pattern_place)place) {
	case PLACE_START:
		return at == 0;
	case PLACE_END:
		return is_end;
	case PLACE_LAST_LINE_END:
		return is_end || (at + 1 == machine->size && machine->bytes[at] == '\n');
	case PLACE_LINE_START:
		return at == 0 || (machine->bytes[at - 1] == '\n' && !is_end);
	case PLACE_LINE_END:
		return is_end || machine->bytes[at] == '\n';
	case PLACE_WORD_EDGE:
		return is_edge;
	case PLACE_NO_WORD_EDGE:
		return !is_edge;
	}
	return false;
}

static uint8_t folded(uint8_t byte)
{
	return byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte;
}

/* How long what the group matched is, where it stands again; PATTERN_NONE: not. */
static uint32_t same_length(const struct machine *machine, uint32_t group, bool ignores,
			    uint32_t at)
{
	const uint32_t *registers = machine->pattern->registers;
	uint32_t from = registers[2 * group], to = registers[2 * group + 1];

	if (from == PATTERN_NONE || to == PATTERN_NONE || to < from ||
	    to - from > machine->size - at)
		return PATTERN_NONE;
	for (uint32_t i = 0; i < to - from; i++) {
		uint8_t a = machine->bytes[from + i], b = machine->bytes[at + i];

		if (a != b && (!ignores || folded(a) != folded(b)))
			return PATTERN_NONE;
	}
	return to - from;
}

/* From *at on, *at moves.  false: not even the least number. */
static bool repeat(struct machine *machine, const struct pattern_step *step,
		   uint32_t number, uint32_t *at, uint64_t *budget)
{
	const struct pattern_set *set = &machine->pattern->sets[step->a];
	uint32_t least = step->b, most = step->c, begin = *at, count = 0;
	uint32_t room = machine->size - begin;
	uint32_t wanted = step->how == PATTERN_LAZY ? least : most < room ? most : room;

	if (least > room)
		return false;
	while (count < wanted && pattern_has(set, machine->bytes[begin + count]))
		count++;
	*budget -= count / 8 < *budget ? count / 8 : *budget;
	if (count < least)
		return false;
	*at = begin + count;
	if (step->how == PATTERN_GREEDY && count > least)
		push(machine, WAY_GIVE, number, *at, begin + least);
	else if (step->how == PATTERN_LAZY && most > least)
		push(machine, WAY_TAKE, number, *at,
		     most == PATTERN_ENDLESS ? PATTERN_ENDLESS : most - least);
	return true;
}

/* The next way: false where there is none. */
static bool go_back(struct machine *machine, uint32_t *number, uint32_t *at)
{
	struct pattern *pattern = machine->pattern;

	while (machine->height > 0) {
		struct pattern_way *way = &pattern->ways[machine->height - 1];

		*number = way->step;
		*at = way->at;
		switch ((enum way_kind)way->kind) {
		case WAY_PUT:
			pattern->registers[way->step] = way->at;
			machine->height--;
			break;
		case WAY_STEP:
			machine->height--;
			return true;
		case WAY_GIVE:
			*number = way->step + 1;
			*at = --way->at;
			if (way->at == way->more)
				machine->height--;
			return true;
		case WAY_TAKE:
			if (way->at >= machine->size ||
			    !pattern_has(&pattern->sets[pattern->steps[way->step].a],
					 machine->bytes[way->at])) {
				machine->height--;
				break;
			}
			*number = way->step + 1;
			*at = ++way->at;
			if (way->more != PATTERN_ENDLESS && --way->more == 0)
				machine->height--;
			return true;
		}
	}
	return false;
}

/* One step; false: this way has ended. */
static bool take_step(struct machine *machine, uint32_t *number, uint32_t *at,
		      uint64_t *budget)
{
	struct pattern *pattern = machine->pattern;
	const struct pattern_step *step = &pattern->steps[*number];
	uint32_t next = *number + 1, length;

	switch ((enum pattern_op)step->op) {
	case PATTERN_BYTES:
		if (*at >= machine->size ||
		    !pattern_has(&pattern->sets[step->a], machine->bytes[*at]))
			return false;
		++*at;
		break;
	case PATTERN_REPEAT:
		if (!repeat(machine, step, *number, at, budget))
			return false;
		break;
	case PATTERN_SPLIT:
		push(machine, WAY_STEP, *number + step->b, *at, 0);
		next = *number + step->a;
		break;
	case PATTERN_JUMP:
		next = *number + step->a;
		break;
	case PATTERN_SAVE:
		set_register(machine, step->a, *at);
		break;
	case PATTERN_AGAIN:
		if (pattern->registers[step->b] != *at)
			next = *number + step->a;
		break;
	case PATTERN_PLACE:
		if (!is_place(machine, *at, step->how))
			return false;
		break;
	case PATTERN_BACK:
		if (*at < step->a)
			return false;
		*at -= step->a;
		break;
	case PATTERN_SAME:
		length = same_length(machine, step->a, step->how, *at);
		if (length == PATTERN_NONE)
			return false;
		*budget -= length / 8 < *budget ? length / 8 : *budget;
		*at += length;
		break;
	case PATTERN_HOLD:
		set_register(machine, step->a, (uint32_t)machine->height + 1);
		break;
	case PATTERN_CUT:
		cut(machine, pattern->registers[step->a]);
		break;
	case PATTERN_LOOKED:
		*at = pattern->registers[step->b];
		cut(machine, pattern->registers[step->a]);
		break;
	case PATTERN_UNLESS:
		set_register(machine, step->a, (uint32_t)machine->height + 1);
		push(machine, WAY_STEP, *number + step->b, *at, 0);
		break;
	case PATTERN_FORBID:
		undo(machine, pattern->registers[step->a]);
		return false;
	case PATTERN_NEVER:
	case PATTERN_MATCHED:
		return false;
	}
	*number = next;
	return true;
}

static int match_at(struct machine *machine, uint32_t at, uint64_t *budget)
{
	struct pattern *pattern = machine->pattern;
	uint32_t number = 0;

	machine->height = 0;
	for (uint32_t i = 0; i < pattern->register_count; i++)
		pattern->registers[i] = PATTERN_NONE;
	for (;;) {
		if (*budget == 0)
			return -ELOOP;
		--*budget;
		if (pattern->steps[number].op == PATTERN_MATCHED)
			return 1;
		if (!take_step(machine, &number, &at, budget) &&
		    !go_back(machine, &number, &at))
			return machine->error;
		if (machine->error < 0)
			return machine->error;
	}
}

int pattern_match(struct pattern *pattern, const uint8_t *bytes, size_t n,
		  uint64_t *budget)
{
	struct machine machine = {.pattern = pattern, .bytes = bytes};
	int r = 0;

	if (n >= PATTERN_NONE)
		return -ELOOP;
	machine.size = (uint32_t)n;
	for (uint32_t at = 0; at <= machine.size && r == 0; at++) {
		while (pattern->has_first && at < machine.size &&
		       !pattern_has(&pattern->first, bytes[at]))
			at++;
		if (pattern->has_first && at == machine.size)
			break;
		if (pattern->is_anchored && at > 0)
			break;
		r = match_at(&machine, at, budget);
	}
	return r;
}
