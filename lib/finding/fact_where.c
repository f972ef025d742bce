/* Where in a program, for sentences. */
#include <stdio.h>
#include <string.h>

#include "finding/finding.h"

void fact_where(const struct finding_facts *facts, uint32_t statement, uint32_t program,
		char ret[FACT_WHERE_CHARS])
{
	const struct sonde_recording *recording = facts->recording;
	const struct sonde_place *place = NULL;
	uint32_t number = 0;
	const char *slash;

	if (statement && statement <= facts->timeline->statement_count)
		number = facts->timeline->statements[statement - 1].place;
	if (number && number <= recording->place_count)
		place = &recording->places[number - 1];
	if (!place || !place->file || place->line <= 0) {
		snprintf(ret, FACT_WHERE_CHARS, "%.128s", fact_program(facts, program));
		return;
	}
	slash = strrchr(place->file, '/');
	snprintf(ret, FACT_WHERE_CHARS, "%.128s:%d", slash ? slash + 1 : place->file,
		 place->line);
}

bool fact_loopback_turned(const struct sonde_address *address)
{
	return address->family == SONDE_FAMILY_INET && address->bytes[3] == 127 &&
	       address->bytes[0] != 127;
}
