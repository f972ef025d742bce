/* What detectors share: the facts, put in the orders that they ask for, and the list that
 * they fill.
 *
 * A detector is a function in finding_<subject>.c and a line in the table of finding.c.  It
 * sees everything that was observed and concluded, and must be right: where the facts fit
 * a correct program as well, it says nothing. */
#ifndef FINDING_FINDING_H
#define FINDING_FINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/finding.h>

#include "timeline/calls.h"

struct fact_connection {
	uint32_t stream;         /* 0: without packets */
	uint8_t kind;            /* enum sonde_socket_kind */
	uint32_t client, server; /* sockets; 0 not traced */
};

struct finding_facts {
	const struct sonde_timeline *timeline;
	const struct sonde_recording *recording;
	struct call_index calls;  /* by time of entering, and of each socket */
	uint32_t *of_stream;      /* packet numbers, stream by stream, in order of time */
	uint32_t *stream_begin;   /* [stream]: of_stream[begin[s]..begin[s + 1]) */
	uint32_t *side_of_socket; /* [socket]: 2 * stream + side of its latest; 0 none */
	uint32_t *next_of_thread; /* [call]: the next call of its thread; 0 none */
	/* Few of many, so that nobody has to look through all again. */
	uint32_t *listeners; /* TCP sockets that listen */
	uint32_t *pending;   /* calls that never came back, or only to be ended */
	uint32_t *waits;     /* polls, selects and their kin */
	uint32_t *errors;    /* packets: ICMP with a quote */
	uint32_t listener_count, pending_count, wait_count, error_count;
	/* TCP connections between traced sockets that have no stream, because no packets were
	 * captured; peer[socket]: the other end of one; 0 none. */
	struct fact_connection *pairs;
	uint32_t *peer;
	uint32_t pair_count;
	bool shows_secrets;
	uint32_t *edge_begin; /* [packet]: edges of that packet, begin[p]..begin[p + 1] */
};

struct finding_list {
	struct sonde_finding *findings;
	size_t count, room;
	int error; /* sticky: -ENOMEM */
};

/* The finding of that name at that statement's place (or, without one, of that stream):
 * the one that is there already, counted once more, or a new one, empty but for these.
 * statement 0: none.  NULL without memory, or where there are too many; the functions
 * below accept that. */
struct sonde_finding *finding_add(const struct finding_facts *facts,
				  struct finding_list *list, const char *name,
				  enum sonde_severity severity, uint32_t stream,
				  uint32_t statement);
/* Evidence: only that of the first time is kept; 0 is passed over. */
void finding_packet(struct sonde_finding *finding, uint32_t packet);
void finding_statement(struct sonde_finding *finding, uint32_t statement);
void finding_why(struct sonde_finding *finding, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void finding_remedy(struct sonde_finding *finding, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* ---- questions ---- */

/* NULL for 0 and for numbers that do not exist. */
const struct sonde_packet *fact_packet(const struct finding_facts *facts,
				       uint32_t packet);
const struct sonde_packet_place *fact_place(const struct finding_facts *facts,
					    uint32_t packet);
/* The one that the call surely got; 0: there is none, or it is one of several. */
uint32_t fact_packet_of(const struct finding_facts *facts, uint32_t call);
uint32_t fact_statement(const struct finding_facts *facts, uint32_t call); /* 0 none */
/* "client.py", for sentences; never NULL. */
const char *fact_program(const struct finding_facts *facts, uint32_t program);
/* "server.py:12", or the program's name where the line is not known; statement may be 0. */
enum { FACT_WHERE_CHARS = 160 };
void fact_where(const struct finding_facts *facts, uint32_t statement, uint32_t program,
		char ret[FACT_WHERE_CHARS]);
/* 1.0.0.127: one of loopback that lacks htonl(). */
bool fact_loopback_turned(const struct sonde_address *address);
#define FACT_TURNED_REMEDY                                                               \
	"s_addr takes htonl(INADDR_LOOPBACK), or what inet_pton() makes of "             \
	"\"127.0.0.1\"; and sin_port htons(port)."
/* The calls on a socket, in order of entering. */
size_t fact_calls(const struct finding_facts *facts, uint32_t socket,
		  const uint32_t **ret_calls);
/* The packets of a stream. */
size_t fact_packets(const struct finding_facts *facts, uint32_t stream,
		    const uint32_t **ret_packets);
/* The latest stream that has the socket at one of its ends; 0 none.  *ret_side: 0 the
 * client's. */
uint32_t fact_stream(const struct finding_facts *facts, uint32_t socket,
		     unsigned *ret_side);
/* Streams, then the connections that are none: [0, fact_connection_count()). */
uint32_t fact_connection_count(const struct finding_facts *facts);
struct fact_connection fact_connection(const struct finding_facts *facts, uint32_t index);
/* The call that sent what the packet carries (data, SYN, FIN, RST); 0 none. */
uint32_t fact_sender(const struct finding_facts *facts, uint32_t packet,
		     enum sonde_carries carries);
/* The calculation, name, line ... of that kind in the packet; NULL. */
const struct sonde_saying *fact_saying(const struct finding_facts *facts, uint32_t packet,
				       enum sonde_saying_kind kind);
/* The statement that sent what the packet carries; 0 none. */
uint32_t fact_saying_statement(const struct finding_facts *facts, uint32_t packet);
/* Its last receive, or wait for something to receive, ended without anything: it timed
 * out, or never came back; NULL. */
const struct sonde_call *fact_vain(const struct finding_facts *facts, uint32_t socket);
/* The receive that reported the end of the peer's stream; NULL. */
const struct sonde_call *fact_end(const struct finding_facts *facts, uint32_t socket);
/* All calls on the socket are of one thread. */
bool fact_is_single(const struct finding_facts *facts, uint32_t socket);
/* A signal ended the program: what it left undone is not its fault. */
bool fact_was_ended(const struct finding_facts *facts, uint32_t program);
/* Bytes of the other side that reached the socket's stream before that time, and those
 * that receives had taken; false where that cannot be told.  Without packets: that the other
 * side's calls had sent. */
bool fact_unread(const struct finding_facts *facts, uint32_t socket, int64_t at_ns,
		 int64_t *ret_arrived, int64_t *ret_taken);

/* The stream's two sides wait for each other because a line has no end: said. */
bool finding_line_end(const struct finding_facts *facts, struct finding_list *list,
		      uint32_t stream);

/* ---- the detectors, a file each ---- */

void finding_connect(const struct finding_facts *facts, struct finding_list *list);
void finding_route(const struct finding_facts *facts, struct finding_list *list);
void finding_unconnected(const struct finding_facts *facts, struct finding_list *list);
void finding_bind(const struct finding_facts *facts, struct finding_list *list);
void finding_receive(const struct finding_facts *facts, struct finding_list *list);
void finding_message(const struct finding_facts *facts, struct finding_list *list);
void finding_send(const struct finding_facts *facts, struct finding_list *list);
void finding_close(const struct finding_facts *facts, struct finding_list *list);
void finding_leak(const struct finding_facts *facts, struct finding_list *list);
void finding_datagram(const struct finding_facts *facts, struct finding_list *list);
void finding_wait(const struct finding_facts *facts, struct finding_list *list);
void finding_network(const struct finding_facts *facts, struct finding_list *list);
void finding_packets(const struct finding_facts *facts, struct finding_list *list);
void finding_said(const struct finding_facts *facts, struct finding_list *list);
void finding_binary(const struct finding_facts *facts, struct finding_list *list);
void finding_thread(const struct finding_facts *facts, struct finding_list *list);
void finding_again(const struct finding_facts *facts, struct finding_list *list);

#endif
