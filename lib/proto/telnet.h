/* Telnet (RFC 854): data and commands told apart, options negotiated by the Q method (RFC
 * 1143), which never loops.  Pure: bytes in; data, answers and what was agreed on out.
 *
 * Agreed to: BINARY (RFC 856) and SUPPRESS-GO-AHEAD (RFC 858) in both directions; of us
 * TERMINAL-TYPE (RFC 1091), and the window's size (RFC 1073) where there is one; of the
 * peer ECHO (RFC 857) where there is a terminal whose keys can be sent one by one.
 * Everything else is refused. */
#ifndef PROTO_TELNET_H
#define PROTO_TELNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum telnet_byte {
	TELNET_SE = 240,
	TELNET_SB = 250,
	TELNET_WILL = 251,
	TELNET_WONT = 252,
	TELNET_DO = 253,
	TELNET_DONT = 254,
	TELNET_IAC = 255,
};

enum { TELNET_SUB_BYTES = 32, TELNET_OPTIONS = 256, TELNET_TYPE_CHARS = 40 };

struct telnet {
	uint8_t state;
	uint8_t verb;  /* of the command that is being read */
	bool after_cr; /* of the peer's data: a NUL behind it is none */
	/* enum q of every option: on our side, and on the peer's */
	uint8_t us[TELNET_OPTIONS], him[TELNET_OPTIONS];
	uint8_t sub[TELNET_SUB_BYTES]; /* a subnegotiation; what is longer is cut */
	size_t sub_used;
	uint16_t columns, rows; /* of the window; 0: not told */
	bool takes_echo;
	char type[TELNET_TYPE_CHARS];
};

/* What we are. */
struct telnet_terminal {
	uint16_t columns, rows; /* 0 0: there is no window */
	bool takes_echo;        /* the peer may echo what is typed */
	const char *type;       /* "xterm"; what RFC 1091 does not permit is left out;
				   NULL: dumb */
};

void telnet_init(struct telnet *telnet, const struct telnet_terminal *terminal);

/* What one byte can cause at most: an answer (the type is the longest). */
enum { TELNET_ANSWER_BYTES = TELNET_TYPE_CHARS + 8 };

struct telnet_output {
	uint8_t *data; /* room for as many bytes as are fed; may be the same memory */
	size_t data_used;
	uint8_t *answer; /* to be sent as it is */
	size_t answer_room, answer_used;
	/* The last command that was answered: WILL.. and its option, and the answer; verb
	 * 0: none. */
	uint8_t verb, option, answered;
};

/* Takes bytes until one has caused a change of options, all are taken, or the answer is
 * full.  Returns how many. */
size_t telnet_feed(struct telnet *telnet, const uint8_t *bytes, size_t n,
		   struct telnet_output *out);
/* The window has another size: adds what is to be sent, if the peer wants to know. */
void telnet_resize(struct telnet *telnet, uint16_t columns, uint16_t rows,
		   struct telnet_output *out);
/* The peer echoes what is typed (a password: it does not), and, without waiting for whole
 * lines (SUPPRESS-GO-AHEAD, too), wants every key. */
bool telnet_is_echoed(const struct telnet *telnet);
bool telnet_wants_keys(const struct telnet *telnet);
/* Data to the peer, n bytes: IAC is doubled, "\n" becomes CR LF, a CR alone CR NUL; where
 * BINARY was agreed on, only IAC is.  *after_cr: the caller's, false at the beginning.
 * ret has room for 2 * n + 1: the first byte may bring the NUL of a CR before it.  Returns
 * the length. */
size_t telnet_format(const struct telnet *telnet, const uint8_t *bytes, size_t n,
		     bool *after_cr, uint8_t *ret);
/* Whether bytes[0..n) hold the beginning of a negotiation. */
bool telnet_is_asked(const uint8_t *bytes, size_t n);
/* Names in words: "WILL", "ECHO"; "?" for others. */
const char *telnet_verb_name(uint8_t verb);
const char *telnet_option_name(uint8_t option);

#endif
