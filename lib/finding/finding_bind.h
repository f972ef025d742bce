/* The two halves of the detector of bind(), and what is said of a socket that sonde saw on
 * the machine. */
#ifndef FINDING_FINDING_BIND_H
#define FINDING_FINDING_BIND_H

#include "finding/finding.h"

/* Of a bind() or listen() that failed with EADDRINUSE. */
void finding_in_use(const struct finding_facts *facts, struct finding_list *list,
		    const struct sonde_call *failed);

enum { FINDING_HOLDER_CHARS = 160 };
/* What the tracer saw when the call failed; NULL: it did not look. */
const struct sonde_holder *finding_holder(const struct finding_facts *facts,
					  const struct sonde_call *failed);
/* "web.py (process 812, started 3 min before)", or what is known of nobody in sight. */
void finding_format_holder(const struct sonde_holder *holder,
			   char ret[FINDING_HOLDER_CHARS]);

#endif
