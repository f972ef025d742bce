/* How fast a course goes, and what makes it slower.  The theory is in course.c. */
#include "scan/course_parts.h"

#include <string.h>

double course_rate(const struct course *course)
{
	double rate = course->rate;

	if (!course->has_answers && rate > course->options.blind_rate)
		rate = course->options.blind_rate;
	if (course->options.max_rate > 0 && rate > course->options.max_rate)
		rate = course->options.max_rate;
	return rate;
}

void course_fill_allowance(struct course *course, int64_t now_ns)
{
	double rate = course_rate(course);
	/* What may leave at once: a batch, or a hundredth of a second. */
	double most = rate / 100 < 1 ? 1 : rate / 100 > 512 ? 512 : rate / 100;

	course->allowance +=
		rate * (double)(now_ns - course->allowed_ns) / (double)NS_PER_S;
	if (course->allowance > most)
		course->allowance = most;
	course->allowed_ns = now_ns;
}

/* What is under way shall not count as a try. */
static void void_flights(struct course *course)
{
	for (uint32_t i = 0; i < course->flight_count; i++) {
		uint32_t at = (course->flight_head + i) % course->flight_room;
		uint64_t target = course->flights[at].target;

		if (course_state(course, target) == SONDE_SCAN_UNKNOWN &&
		    course_tries(course, target) > 0)
			course_set_tries(course, target,
					 course_tries(course, target) - 1);
	}
}

static double part(const struct tally *tally)
{
	return tally->settled ? (double)tally->lost / tally->settled : 0;
}

/* Few of them say little: 5 of 5 may be 4 of 5 in truth. */
static double likely(const struct tally *tally)
{
	return (tally->lost + 1.0) / (tally->settled + 2.0);
}

void course_cut(struct course *course, double factor, int64_t now_ns)
{
	course->cut_ns = now_ns;
	course->rate = course_rate(course) * factor;
	if (course->rate < RATE_LEAST)
		course->rate = RATE_LEAST;
	course->was_cut = true;
	void_flights(course);
	course->all = (struct tally){0};
	course->first += course->later; /* as many responders, but no more loss */
	course->later = 0;
	if (!course->extra_tries)
		course->extra_tries = 1;
}

static void congest(struct course *course, double loss, int64_t now_ns)
{
	const struct tally *open = &course->window_kinds[COURSE_OPEN];
	const struct tally *closed = &course->window_kinds[COURSE_CLOSED];
	double factor = loss > 0.5 ? (1 - likely(&course->window)) * 0.8 : 0.6;

	/* No better since the rate fell: it is the path's. */
	if (course->was_cut && course->all.settled >= 2 * SETTLED_LEAST &&
	    part(&course->all) > 0.6 * loss) {
		course->baseline = part(&course->all);
		if (course->rate < course->rate_at_cut)
			course->rate = course->rate_at_cut;
		return;
	}
	course->rate_at_cut = course_rate(course);
	/* Open ports answer, closed ones hardly: a limit of the other side. */
	if (closed->settled >= 5 && part(closed) > 0.5 && part(open) < 0.3)
		course->reset_limit = course_rate(course) * (1 - part(closed));
	if (closed->settled >= 5 && part(closed) > loss)
		factor = (1 - likely(closed)) * 0.8;
	course_cut(course, factor, now_ns);
}

/* More is lost than chance would explain. */
static bool is_above(const struct tally *tally, double limit)
{
	double excess = tally->lost - limit * tally->settled;

	return tally->settled >= SETTLED_LEAST / 2 && excess > 0 &&
	       excess * excess > 4 * limit * (1 - limit) * tally->settled;
}

void course_clear_window(struct course *course, int64_t now_ns)
{
	course->window = (struct tally){0};
	memset(course->window_kinds, 0, sizeof(course->window_kinds));
	course->window_sent = course->window_answers = 0;
	course->window_ns = now_ns;
}

void course_control(struct course *course, int64_t now_ns)
{
	int64_t least = WINDOW > course->srtt ? WINDOW : course->srtt;
	const struct tally *closed = &course->window_kinds[COURSE_CLOSED];
	double limit = course->reset_limit > 0 ? 0.15 : 0.3;
	double loss = part(&course->window);

	limit = course->baseline + limit * (1 - course->baseline);
	if (is_above(closed, limit) && part(closed) > loss)
		loss = part(closed);
	else if (!is_above(&course->window, limit))
		loss = 0;
	if (loss > 0) {
		congest(course, loss, now_ns);
		course_clear_window(course, now_ns);
		return;
	}
	if (now_ns - course->window_ns < least)
		return;
	/* Not faster than what was used, and not before anybody has answered. */
	if (course->was_cut) {
		if (course->window.settled < SETTLED_LEAST)
			return;
		course->rate *= course->rate < course->rate_at_cut / 2 ? 1.5 : 1.2;
	} else if (course->window_answers + course->window.settled >
			   course->window.lost &&
		   (double)course->window_sent * (double)NS_PER_S >=
			   0.5 * course_rate(course) *
				   (double)(now_ns - course->window_ns)) {
		course->rate *= 2;
	}
	if (course->rate > RATE_MOST)
		course->rate = RATE_MOST;
	course_clear_window(course, now_ns);
}
