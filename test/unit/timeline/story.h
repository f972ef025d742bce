/* A recording told by hand: calls and packets as one line each, times in microseconds.
 *
 * Two programs, the client and the server, at 10.0.0.1 and 10.0.0.2; a wire is a pair of
 * ports between them.  Sequence numbers are relative: the SYN has 0, the first byte 1.
 * Packets are told in order of time, so that their numbers stay. */
#ifndef TEST_STORY_H
#define TEST_STORY_H

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include <sonde/timeline.h>

enum { CLIENT = 1, SERVER = 2 };

#define NEVER (-1) /* the time of an exit that was not seen */
#define MARGIN_US 20

struct story {
	struct sonde_recording *recording;
	struct sonde_timeline timeline;
	struct sonde_tables tables;
	struct {
		int line, inner, caller;
		uint32_t stack;
	} stacks[64];
	unsigned stack_count;
};

struct wire {
	struct sonde_address client, server;
	uint32_t client_isn, server_isn;
};

/* What there is to say about a call besides its name, times and result. */
struct told {
	int line;   /* of the user's statement; 0: none is known */
	int inner;  /* an instruction in the system's modules below it */
	int caller; /* the line that called the function */
	unsigned thread;
	uint32_t socket, new_socket;
	uint8_t flags;
	int how;
	uint64_t buffer, length; /* length 0: that of the result */
	const struct sonde_address *address;
	struct sonde_watched watched[4];
	int64_t timeout_ms; /* of a wait; 0: for ever, -1: none */
	uint16_t datagrams;
	uint64_t content; /* 0: it is not known */
};

void story_begin(struct story *story);
/* Seals the recording and builds the timeline and the tables. */
void story_end(struct story *story);
void story_done(struct story *story);

struct sonde_address story_address(const char *host, uint16_t port);
struct wire story_wire(uint16_t client_port);

/* Sockets.  The listener is at port 80 of any host. */
uint32_t story_listener(struct story *story);
uint32_t story_connecting(struct story *story, const struct wire *wire);
uint32_t story_accepted(struct story *story, const struct wire *wire);
/* Tells which call made or closed a socket. */
void story_accepted_by(struct story *story, uint32_t socket, uint32_t call);
void story_closed_by(struct story *story, uint32_t socket, uint32_t call);
uint32_t story_datagram(struct story *story, uint32_t program,
			const struct sonde_address *local,
			const struct sonde_address *peer);

uint32_t story_call(struct story *story, uint32_t program, const char *name,
		    int64_t enter_us, int64_t exit_us, int64_t result,
		    const struct told *told);
#define CALL(story, program, name, enter_us, exit_us, result, ...)                       \
	story_call(story, program, name, enter_us, exit_us, result,                      \
		   &(struct told){__VA_ARGS__})

/* way: '>' from the client, '<' from the server. */
uint32_t story_tcp(struct story *story, const struct wire *wire, int64_t at_us, char way,
		   const char *flags, uint32_t seq, uint32_t ack, uint32_t length);
/* SYN at at_us, SYN-ACK 10 us and ACK 20 us later. */
void story_handshake(struct story *story, const struct wire *wire, int64_t at_us);
uint32_t story_udp(struct story *story, int64_t at_us, const struct sonde_address *from,
		   const struct sonde_address *to, uint32_t length);
/* An ICMP error from the server about the client's packet. */
uint32_t story_icmp(struct story *story, const struct wire *wire, int64_t at_us,
		    uint8_t quote_proto);

/* A connection that both ends know: the socket, connect and accept calls and the
 * handshake, within 100 us of at_us. */
struct talk {
	struct wire wire;
	uint32_t listener, client, server;
	uint32_t connect, accept;
};
struct talk story_talk(struct story *story, uint16_t client_port, int64_t at_us);

/* What the timeline says. */
uint32_t statement_of(const struct story *story, uint32_t call);
const struct sonde_statement *statement_at(const struct story *story, uint32_t statement);
const struct sonde_packet_place *place_of(const struct story *story, uint32_t packet);
const struct sonde_edge *edge_of(const struct story *story, enum sonde_edge_kind kind,
				 uint32_t packet, uint32_t call);
unsigned count_edges(const struct story *story, enum sonde_edge_kind kind,
		     uint32_t packet);

/* The packet comes from that call, and from it alone in that role. */
void check_sent(const struct story *story, uint32_t packet, uint32_t call,
		enum sonde_carries carries);
void check_not_sent(const struct story *story, uint32_t packet, enum sonde_why why);
/* The bytes [from, to) of the packet come surely from that call. */
void check_bytes(const struct story *story, uint32_t packet, uint32_t call, uint32_t from,
		 uint32_t to);
/* The call waited until that packet came. */
void check_completed(const struct story *story, uint32_t call, uint32_t packet);
void check_verdict(const struct story *story, uint32_t call, enum sonde_answer blocked,
		   enum sonde_why why, uint32_t packet);
/* All those calls, and no others, are one statement. */
void check_together(const struct story *story, uint32_t first, uint32_t last);
void check_apart(const struct story *story, uint32_t a, uint32_t b);

#endif
