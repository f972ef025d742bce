/* What the parts of the detector of connect() share. */
#ifndef FINDING_FINDING_CONNECT_H
#define FINDING_FINDING_CONNECT_H

#include "finding/finding.h"

/* A connect that failed.  Its packets show it, or without them what the call returned. */
struct attempt {
	const struct sonde_call *connect;
	struct sonde_address server; /* never 0.0.0.0 or :: */
	int64_t at_ns;               /* when it was under way */
	uint32_t stream;             /* 0: there are no packets of it, */
	uint32_t syn, reset;         /* and these are 0 */
};

/* What there is near an address that refuses, the more telling first. */
enum near_kind {
	NEAR_LATER = 0, /* who will listen there */
	NEAR_HEARS,     /* listens there, and yet it was refused */
	NEAR_ENDED,     /* listened there before */
	NEAR_BOUND,     /* has the address, and never listens */
	NEAR_DATAGRAMS, /* has it for UDP */
	NEAR_FAMILY,    /* listens at this port, for the other version of IP; */
	NEAR_ADDRESS,   /* at another address; */
	NEAR_SWAPPED,   /* at the port with its two bytes in the other order; */
	NEAR_DIGIT,     /* at one that a slip of the finger makes of it; */
	NEAR_PORT,      /* at another port, and nobody else listens */
	NEAR_NOTHING,
};

struct near {
	enum near_kind kind;
	uint32_t socket;              /* of a traced program; else */
	const struct sonde_call *how; /* its listen, bind or last close; NULL */
};

/* Among the traced sockets. */
struct near finding_near(const struct finding_facts *facts,
			 const struct attempt *attempt);
void finding_refused(const struct finding_facts *facts, struct finding_list *list,
		     const struct attempt *attempt);
/* The first such call on the socket that did not fail; NULL. */
const struct sonde_call *finding_find_call(const struct finding_facts *facts,
					   uint32_t socket, enum sonde_call_kind kind);

#endif
