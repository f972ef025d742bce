/* The two halves of the detector of bind(). */
#ifndef FINDING_FINDING_BIND_H
#define FINDING_FINDING_BIND_H

#include "finding/finding.h"

/* Of a bind() or listen() that failed with EADDRINUSE. */
void finding_in_use(const struct finding_facts *facts, struct finding_list *list,
		    const struct sonde_call *failed);

#endif
