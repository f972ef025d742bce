/* Whether a call waited, and for what. */
#ifndef TIMELINE_VERDICT_H
#define TIMELINE_VERDICT_H

#include "timeline/candidates.h"
#include "timeline/join.h"

struct verdict {
	enum sonde_answer blocked;
	enum sonde_why why;
	uint32_t packet;
	uint32_t by_call;
	bool exact;
};

/* Of a call that waited since then, for what ready.h says. */
struct verdict verdict_reach(const struct join *join, const struct sonde_call *call,
			     int64_t since_ns, uint32_t ready);
/* One of several: whether it waited is known where it is the same for all. */
struct verdict verdict_among(const struct join *join, const struct candidates *among,
			     const struct sonde_call *call, int64_t since_ns,
			     uint32_t ready);
/* What the scheduler saw is more than what two clocks can tell. */
struct verdict verdict_heed_scheduler(const struct sonde_call *call,
				      struct verdict verdict);
/* The verdict's reason, told apart by what the call was for and how it ended. */
enum sonde_why verdict_why(const struct join *join, const struct sonde_call *call,
			   const struct verdict *verdict);

#endif
