/* The call that decided how long a statement took. */
#include "timeline/deciding.h"

uint32_t deciding_call(const struct sonde_timeline *timeline,
		       const struct sonde_statement *statement)
{
	uint32_t blocked = 0, maybe = 0, principal = statement->principal, found = 0;

	for (uint32_t call = statement->first_call; call;
	     call = timeline->next_call[call - 1]) {
		if (timeline->call_blocked[call - 1] == SONDE_YES)
			blocked = call;
		else if (timeline->call_blocked[call - 1] == SONDE_UNKNOWN)
			maybe = call;
		if (timeline->call_packet[call - 1] || timeline->call_by[call - 1])
			found = call;
	}
	if (blocked)
		return blocked;
	if (maybe)
		return maybe;
	return timeline->call_packet[principal - 1] || timeline->call_by[principal - 1] ||
			       !found
		       ? principal
		       : found;
}
