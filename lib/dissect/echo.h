/* Requests that wait for their replies, of protocols that number them: where they stand,
 * so that a reply can say which one it answers.  A table of fixed size, in which a request
 * displaces an older one. */
#ifndef DISSECT_ECHO_H
#define DISSECT_ECHO_H

#include <stdbool.h>
#include <stdint.h>

#include <sonde/address.h>

struct sonde_dissector;

struct asked {
	struct sonde_address from, to;
	uint32_t number; /* what the reply repeats */
	uint8_t protocol;
	uint32_t frame; /* 0 unused */
	int64_t at_ns;
};

enum { ASKED_ICMP = 1, ASKED_ICMP6, ASKED_DNS_UDP, ASKED_DNS_TCP };

/* This frame asks; `from` and `to` are its ends. */
void asked_add(struct sonde_dissector *d, uint8_t protocol, uint32_t number);
/* What this frame answers; NULL not known.  Of several, the last. */
const struct asked *asked_find(struct sonde_dissector *d, uint8_t protocol,
			       uint32_t number);
/* It has its answer: a second one answers nothing. */
void asked_answer(struct sonde_dissector *d, const struct asked *asked);

#endif
