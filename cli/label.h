/* The words by which people know programs, statements and packets, the same in the
 * ladder, the tables and the messages. */
#ifndef CLI_LABEL_H
#define CLI_LABEL_H

#include <stdbool.h>

#include <sonde/text.h>
#include <sonde/timeline.h>

/* How much of a packet is said. */
enum label_form {
	LABEL_LONG = 0, /* "4 PSH,ACK 18 bytes" */
	LABEL_SHORT,    /* "4 PSH,ACK 18 B" */
	LABEL_LETTERS,  /* "4 PA 18 B" */
};

/* "client.py" */
const char *label_program(const struct sonde_recording *recording, uint32_t program);
/* "client.py", or "client.py[812]" where several processes have that name. */
void label_process(struct sonde_text *text, const struct sonde_recording *recording,
		   uint32_t program);

/* "client.py:9  sock.connect((HOST, PORT))"; without a line "prog[812] main+0x1a:
 * sendto()" or "prog[812] sendto()".  A line that does not say what the call does has it
 * in front:
 * "[close] with connection:". */
void label_statement(struct sonde_text *text, const struct sonde_timeline *timeline,
		     uint32_t statement);
/* The same below the name of the program: "9 sock.connect((HOST, PORT))",
 * "main+0x1a: sendto()". */
void label_statement_in_lane(struct sonde_text *text,
			     const struct sonde_timeline *timeline, uint32_t statement);
/* What tells the statement from others of its lane: "9", "main+0x1a",
 * "sendto()". */
void label_statement_key(struct sonde_text *text, const struct sonde_timeline *timeline,
			 uint32_t statement);
/* "8 bytes", "connected", "ECONNREFUSED".  Returns whether it is an error. */
bool label_outcome(struct sonde_text *text, const struct sonde_timeline *timeline,
		   uint32_t statement);

/* "SYN,ACK", "PSH,ACK 18 bytes", "UDP 18 bytes", "ICMP port unreachable". */
void label_packet(struct sonde_text *text, const struct sonde_packet *packet,
		  enum label_form form);

/* What went from call to call without a packet: "18 bytes", "connect", "end", "room". */
void label_pass(struct sonde_text *text, const struct sonde_timeline *timeline,
		const struct sonde_edge *edge, enum label_form form);
/* "TCP", "pipe", "Unix datagrams". */
const char *label_kind(uint8_t kind);
/* How people know a socket: its address, the path of a Unix socket, the end of a pipe. */
void label_socket(struct sonde_text *text, const struct sonde_recording *recording,
		  uint32_t socket, const struct sonde_address *address);

#endif
