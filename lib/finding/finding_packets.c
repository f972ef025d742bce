/* What packets alone show, in a capture without calls: connections that nobody accepted. */
#include "finding/finding.h"

enum { SILENCE_MS = 1000, MILLISECOND_NS = 1000000 };

/* What there is of an attempt. */
struct attempt {
	uint32_t first, last; /* SYNs */
	unsigned count;
	uint32_t reset; /* the server's answer; 0 none */
	bool is_answered;
};

static void look(const struct finding_facts *facts, uint32_t stream, struct attempt *ret)
{
	const uint32_t *packets;
	size_t count = fact_packets(facts, stream, &packets);

	*ret = (struct attempt){0};
	for (size_t i = 0; i < count; i++) {
		const struct sonde_packet *packet = fact_packet(facts, packets[i]);
		uint8_t flags = packet->decoded.tcp_flags;

		if (fact_place(facts, packets[i])->direction) {
			ret->is_answered |= !(flags & SONDE_TCP_RST);
			if ((flags & SONDE_TCP_RST) && !ret->reset)
				ret->reset = packets[i];
		} else if ((flags & SONDE_TCP_SYN) && !(flags & SONDE_TCP_ACK)) {
			if (!ret->first)
				ret->first = packets[i];
			ret->last = packets[i];
			ret->count++;
		} else if (!(flags & SONDE_TCP_RST)) {
			ret->is_answered = true; /* the SYN-ACK is not in the capture */
		}
	}
}

static void find_refused(const struct finding_facts *facts, struct finding_list *list,
			 uint32_t stream, const struct attempt *attempt)
{
	char server[SONDE_ADDRESS_CHARS];
	struct sonde_finding *finding =
		finding_add(facts, list, "connection-refused", SONDE_ERROR, stream, 0);

	sonde_address_format(&facts->timeline->streams[stream - 1].server, server);
	finding_packet(finding, attempt->first);
	finding_packet(finding, attempt->reset);
	finding_why(finding,
		    "%s answered the SYN with a reset: nothing listens there, or "
		    "something on the way refuses for it.",
		    server);
	finding_remedy(finding, "Start the server first, and compare address and port "
				"with those it listens on.");
}

static void find_filtered(const struct finding_facts *facts, struct finding_list *list,
			  uint32_t stream, const struct attempt *attempt)
{
	char server[SONDE_ADDRESS_CHARS];
	struct sonde_finding *finding;

	if (attempt->count < 2 ||
	    fact_packet(facts, attempt->last)->at_ns -
			    fact_packet(facts, attempt->first)->at_ns <
		    SILENCE_MS * (int64_t)MILLISECOND_NS)
		return;
	finding = finding_add(facts, list, "connection-filtered", SONDE_ERROR, stream, 0);
	sonde_address_format(&facts->timeline->streams[stream - 1].server, server);
	finding_packet(finding, attempt->first);
	finding_packet(finding, attempt->last);
	finding_why(finding,
		    "%u SYNs went to %s and no answer came, not even a refusal: a "
		    "firewall drops them, or the host is not there.",
		    attempt->count, server);
	finding_remedy(finding, "Check the address, and the firewalls on the way; give "
				"connect() a timeout.");
}

void finding_packets(const struct finding_facts *facts, struct finding_list *list)
{
	const struct sonde_timeline *timeline = facts->timeline;

	if (facts->recording->call_count)
		return;
	for (uint32_t i = 1; i <= timeline->stream_count; i++) {
		struct attempt attempt;

		if (timeline->streams[i - 1].kind != SONDE_SOCKET_TCP)
			continue;
		look(facts, i, &attempt);
		if (!attempt.first || attempt.is_answered)
			continue;
		if (attempt.reset)
			find_refused(facts, list, i, &attempt);
		else
			find_filtered(facts, list, i, &attempt);
	}
}
