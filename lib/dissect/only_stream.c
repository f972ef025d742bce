/* When a single conversation is asked for, packets of others need nothing but their number.
 *
 * Of half a gigabyte a few packets are wanted then, and what the others say is of interest
 * only as far as it decides how later conversations are numbered: that is, which ports were
 * used before.  What is not plainly TCP or UDP in IP (fragments, tunnels, ICMP errors that
 * quote a packet, broken headers) takes the long way. */
#include "dissect/only_stream.h"

#include "dissect/dissect_tcp.h"

void sonde_dissector_only_stream(struct sonde_dissector *d, bool is_tcp, uint32_t number)
{
	d->has_only = true;
	d->only_is_tcp = is_tcp;
	d->only_number = number;
}

static bool passes_over_tcp(struct sonde_dissector *d,
			    const struct sonde_decoded *decoded)
{
	const struct conversation *flow =
		conversation_look(&d->tcp_flows, &d->src, &d->dst, &d->is_forward);
	bool is_reused = false;

	/* It may be the one, or become it. */
	if (flow ? flow->number == d->only_number : d->tcp_flows.count == d->only_number)
		return false;
	if (flow && !(decoded->tcp_flags & SONDE_TCP_SYN)) {
		d->out->has_stream = true;
		d->out->stream = flow->number;
		return true;
	}
	if (d->tcp_flows.count == d->only_number)
		return false;
	return tcp_flow_find(d, decoded->tcp_flags, decoded->seq, &is_reused);
}

static bool passes_over_udp(struct sonde_dissector *d)
{
	const struct conversation *flow =
		conversation_look(&d->udp_flows, &d->src, &d->dst, &d->is_forward);

	if (flow ? flow->number == d->only_number : d->udp_flows.count == d->only_number)
		return false;
	return udp_flow_find(d);
}

bool only_stream_passes_over(struct sonde_dissector *d,
			     const struct sonde_decoded *decoded)
{
	bool is_tcp = decoded->proto == SONDE_PACKET_TCP;

	if (decoded->trouble || (!is_tcp && decoded->proto != SONDE_PACKET_UDP))
		return false;
	if (is_tcp != d->only_is_tcp)
		return true;
	d->src = decoded->src;
	d->dst = decoded->dst;
	return is_tcp ? passes_over_tcp(d, decoded) : passes_over_udp(d);
}
