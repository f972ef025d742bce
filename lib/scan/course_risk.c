/* When to believe in silence: how long an answer is waited for, and how many tries the risk
 * of a miss wants.  The theory is in course.c. */
#include "scan/course_parts.h"

#include "base/limits.h"
#include "scan/risk.h"

static void set_rto(struct course *course)
{
	int64_t most = course->options.timeout_ns ? course->options.timeout_ns : RTO_MOST;
	int64_t longest = course->longest[0] > course->longest[1] ? course->longest[0]
								  : course->longest[1];

	if (course->srtt >= 0) {
		course->rto = course->srtt + 4 * course->rttvar;
		if (course->rto < 2 * longest)
			course->rto = 2 * longest;
		if (course->rto < RTO_LEAST)
			course->rto = RTO_LEAST;
	}
	if (course->rto > most)
		course->rto = most;
}

void course_add_trip(struct course *course, int64_t trip_ns, int64_t now_ns)
{
	int64_t off;

	if (trip_ns < 0)
		return;
	if (course->srtt < 0) {
		course->srtt = trip_ns;
		course->rttvar = trip_ns / 2;
	} else {
		off = trip_ns - course->srtt;
		course->srtt += off / 8;
		course->rttvar += ((off < 0 ? -off : off) - course->rttvar) / 4;
	}
	if (now_ns - course->longest_ns > EPOCH &&
	    course->longest_samples >= SAMPLES_EPOCH) {
		course->longest[1] = course->longest[0];
		course->longest[0] = 0;
		course->longest_ns = now_ns;
		course->longest_samples = 0;
	}
	course->longest_samples++;
	if (trip_ns > course->longest[0])
		course->longest[0] = trip_ns;
	set_rto(course);
}

/* -1 where nothing can be said. */
double course_loss(const struct course *course, double *ret_upper)
{
	double answered = (double)(course->first + course->later);
	double n = answered + course->all.settled;
	double x = (double)course->later + course->all.lost;
	double sentinel_upper = risk_upper(course->all.lost, course->all.settled);

	if (n <= 0) {
		*ret_upper = 1;
		return -1;
	}
	*ret_upper = risk_upper(x, n);
	/* Where the sentinels say something worse, they are right: they were spread over
	 * the whole time. */
	if (course->all.settled > 100 &&
	    (double)course->all.lost / course->all.settled > *ret_upper)
		*ret_upper = sentinel_upper;
	return x / n;
}

static double host_upper(const struct host_tally *host, double upper)
{
	double own = 0;

	if (host->first + host->later >= 20)
		own = risk_upper(host->later, host->first + host->later);
	/* Its own bound is loose where it has few ports; what all hosts show counts more
	 * unless its own repetitions say otherwise. */
	if (host->later > 2 && own > upper)
		return own;
	return upper;
}

static unsigned needed_tries(const struct course *course, const struct host_tally *host,
			     double upper, double loss)
{
	double responders = (double)(course->first + course->later);
	unsigned most =
		course->options.max_tries ? course->options.max_tries : LIMIT_SCAN_TRIES;
	unsigned tries = TRIES_LEAST + course->extra_tries;

	if (loss < 0)
		tries = TRIES_BLIND;
	if (responders < 1)
		responders = 1;
	upper = host_upper(host, upper);
	while (loss >= 0 && tries < most && responders * risk_power(upper, tries) > RISK)
		tries++;
	return tries < most ? tries : most;
}

void course_set_needs(struct course *course)
{
	double upper, loss = course_loss(course, &upper);

	for (uint64_t i = 0; i < course->host_count; i++)
		course->hosts[i].need =
			(uint8_t)needed_tries(course, &course->hosts[i], upper, loss);
}
