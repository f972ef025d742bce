/* What the Info column says of a TCP segment, apart from its options. */
#include "base/put.h"
#include "dissect/dissect_tcp.h"
#include "dissect/state.h"

enum { DESCRIPTION_BYTES = 192 }; /* 54 for words, 2 ports, 48 for flags, 5 numbers */

/* In the order of enum tcp_note: where the note that is told last stands first. */
static const char *const note_texts[TCP_NOTES] = {
	"[TCP Port numbers reused] ",  "[TCP Retransmission] ",
	"[TCP Fast Retransmission] ",  "[TCP Spurious Retransmission] ",
	"[TCP Out-Of-Order] ",         "[TCP Previous segment not captured] ",
	"[TCP ACKed unseen segment] ", "[TCP Window Update] ",
	"[TCP Window Full] ",          "[TCP Keep-Alive] ",
	"[TCP Keep-Alive ACK] ",       "[TCP Dup ACK ",
	"[TCP ZeroWindowProbe] ",      "[TCP ZeroWindow] ",
	"[TCP ZeroWindowProbeAck] ",
};

static void describe_notes(struct sonde_dissector *d, const struct tcp_seen *seen)
{
	struct column *info = dissect_info(d);

	for (unsigned i = TCP_NOTES; seen->notes && i-- > 0;) {
		if (!(seen->notes & 1u << i))
			continue;
		/* A fast one is a retransmission, and says it better. */
		if (1u << i == TCP_NOTE_RETRANSMISSION &&
		    seen->notes & (TCP_NOTE_FAST_RETRANSMISSION |
				   TCP_NOTE_SPURIOUS_RETRANSMISSION))
			continue;
		column_add(info, note_texts[i]);
		if (1u << i == TCP_NOTE_DUPLICATE_ACK) {
			column_add_number(info, seen->dup_frame);
			column_add_pair(info, "#", seen->dup_number);
			column_add(info, "] ");
		}
	}
}

void tcp_describe(struct sonde_dissector *d, const struct tcp_segment *segment,
		  const struct tcp_seen *seen, const struct tcp_notes *notes,
		  int8_t scale, uint32_t urgent)
{
	uint32_t base = notes ? notes->side[!d->is_forward].base : 0;
	uint32_t other_base = notes ? notes->side[d->is_forward].base : 0;
	char text[DESCRIPTION_BYTES], words[48], *at = text;

	if (seen) {
		describe_notes(d, seen);
		column_fence(dissect_info(d));
	}
	at = put_number(at, d->src.port);
	at = put_text(at, " → ");
	at = put_number(at, d->dst.port);
	/* The two that most segments have, without a detour. */
	if (segment->flags == SONDE_TCP_ACK) {
		at = put_text(at, " [ACK");
	} else if (segment->flags == (SONDE_TCP_ACK | SONDE_TCP_PSH)) {
		at = put_text(at, " [PSH, ACK");
	} else {
		sonde_packet_flag_words(segment->flags, words);
		at = put_text(at, " [");
		at = put_text(at, words);
	}
	at = put_text(at, "] Seq=");
	at = put_number(at, segment->seq - base);
	if (segment->flags & SONDE_TCP_ACK) {
		at = put_text(at, " Ack=");
		at = put_number(at, segment->ack - other_base);
	}
	at = put_text(at, " Win=");
	at = put_number(at, segment->window << (scale > 0 ? scale : 0));
	if (seen && segment->flags & SONDE_TCP_URG) {
		at = put_text(at, " Urg=");
		at = put_number(at, urgent);
	}
	if (seen) {
		at = put_text(at, " Len=");
		at = put_number(at, segment->length);
	}
	column_add_bytes(dissect_info(d), text, (size_t)(at - text));
}
