/* What findings are drawn from, sorted once for all detectors. */
#ifndef FINDING_FACTS_H
#define FINDING_FACTS_H

#include "finding/finding.h"

/* 0 or -ENOMEM. */
int facts_init(const struct sonde_timeline *timeline, struct finding_facts *ret);
/* The part that finds facts->pairs. */
int facts_pair(struct finding_facts *facts);
void facts_done(struct finding_facts *facts);

#endif
