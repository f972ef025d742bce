/* What TCP carries. */
#include "dissect/application.h"
#include "dissect/dissect_tcp.h"

void tcp_stream_take(struct sonde_dissector *d, const struct tcp_segment *segment,
		     const struct tcp_seen *seen, const struct span *payload)
{
	const struct dissector *found;

	(void)segment;
	(void)seen;
	if (!span_left(payload))
		return;
	found = application_find(d, span_bytes(payload), span_left(payload));
	if (found)
		dissect_call(d, found, payload);
	else
		dissect_rest(d, payload);
}
