/* Probes of targets that are known to answer.  The theory is in course.c. */
#include "scan/course_parts.h"

/* What left before the rate fell says nothing about the rate now. */
static void settle(struct course *course, const struct sentinel *sentinel, bool lost)
{
	struct tally *const tallies[] = {&course->all, &course->window,
					 &course->window_kinds[sentinel->kind]};

	if (sentinel->sent_ns < course->cut_ns)
		return;
	for (unsigned i = 0; i < 3; i++) {
		tallies[i]->settled++;
		tallies[i]->lost += lost;
	}
}

/* In the order in which they left: those that are lost are known last, and a look at
 * what is known first would see none of them, or nothing else. */
void course_settle_sentinels(struct course *course, int64_t now_ns)
{
	while (course->sentinel_head != course->sentinel_tail) {
		struct sentinel *sentinel =
			&course->sentinels[course->sentinel_head % COURSE_SENTINELS];

		if (sentinel->is_pending && now_ns - sentinel->sent_ns < course->rto)
			return;
		if (!sentinel->is_unsent)
			settle(course, sentinel, sentinel->is_pending);
		sentinel->is_pending = false;
		course->sentinel_head++;
	}
}

static uint32_t sentinel_spacing(const struct course *course)
{
	if (course->was_cut || course->pass > 1)
		return SENTINEL_SPACING_SLOW;
	if ((course->first + course->later) * 20 < course->probes)
		return SENTINEL_SPACING;
	return SENTINEL_SPACING_CLEAN;
}

/* The kinds that are known take turns; an echo is only for want of ports. */
static struct responders *pick_responders(struct course *course, uint8_t *ret_kind)
{
	static const struct responders none;
	const struct responders *open = &course->responders[COURSE_OPEN];
	const struct responders *closed = &course->responders[COURSE_CLOSED];

	*ret_kind = COURSE_ECHO;
	if (course->options.spares_open && course->sentinel_opens >= OPENS_MOST)
		open = &none;
	if (open->count &&
	    (!closed->count || (!course->options.spares_open && course->kind_turn++ % 2)))
		*ret_kind = COURSE_OPEN;
	else if (closed->count)
		*ret_kind = COURSE_CLOSED;
	return &course->responders[*ret_kind];
}

bool course_next_sentinel(struct course *course, int64_t now_ns, struct course_probe *ret)
{
	struct responders *responders;
	struct sentinel *sentinel;
	uint8_t kind;

	if (course->since_sentinel < sentinel_spacing(course) ||
	    course->sentinel_tail - course->sentinel_head >= COURSE_SENTINELS)
		return false;
	responders = pick_responders(course, &kind);
	if (!responders->count)
		return false;
	course->since_sentinel = 0;
	*ret = (struct course_probe){
		.is_sentinel = true,
		.kind = kind,
		.serial = (uint16_t)(course->sentinel_tail % COURSE_SENTINELS),
		.target = responders->targets[responders->next++ % responders->count],
	};
	sentinel = &course->sentinels[ret->serial];
	*sentinel =
		(struct sentinel){.sent_ns = now_ns, .kind = kind, .is_pending = true};
	course->sentinel_tail++;
	course->sentinel_count++;
	course->sentinel_opens += kind == COURSE_OPEN;
	course->window_sent++;
	course->allowance -= 1;
	return true;
}

void course_add_responder(struct course *course, enum course_kind kind, uint64_t target,
			  uint32_t per_host)
{
	struct responders *responders = &course->responders[kind];

	if (responders->count == RESPONDERS)
		return;
	for (unsigned i = 0; i < responders->count; i++)
		if (responders->targets[i] / per_host == target / per_host)
			return;
	responders->targets[responders->count++] = target;
}

void course_add_echo(struct course *course, uint64_t host)
{
	course_add_responder(course, COURSE_ECHO, host, 1);
	course->has_answers = true;
}

void course_sentinel_answer(struct course *course, unsigned serial, int64_t now_ns)
{
	struct sentinel *sentinel = &course->sentinels[serial % COURSE_SENTINELS];

	if (!sentinel->is_pending)
		return;
	sentinel->is_pending = false;
	course_add_trip(course, now_ns - sentinel->sent_ns, now_ns);
}
