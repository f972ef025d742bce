/* What programs said, as far as findings ask: names and passwords in clear text, the two
 * senders of a mail, lines without CR, calculations.
 *
 * Packets lose their payload when they become part of a recording.  So each is listened
 * to on its way there, live and from a file alike, and what it said stays with it. */
#ifndef TIMELINE_SAID_H
#define TIMELINE_SAID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/dissect.h>
#include <sonde/frame.h>
#include <sonde/recording.h>

struct said;

/* 0 or -ENOMEM. */
int said_new(struct said **ret);
void said_free(struct said *said);

/* Everything of *packet that comes from its payload; packet->decoded is there.  The
 * frames of a run come in order, each once; its sayings go into the recording.  0 or
 * -ENOMEM. */
int said_take(struct said *said, const struct sonde_frame *frame,
	      struct sonde_recording *recording, struct sonde_packet *packet);

/* ---- of one conversation, for the files said_*.c ---- */

enum { SAID_CHARS = 200, SAID_ASKED = 16 };

/* A mail under way: lines as they come in pieces, and what of its header is known. */
struct said_mail {
	char envelope[SAID_CHARS], from[SAID_CHARS];
	char field[2 * SAID_CHARS]; /* the header's field that is being read */
	size_t length;
	uint8_t last; /* the byte before */
	bool in_header, is_list, is_by_sender, has_line_feed;
};

void said_mail_begin(struct said_mail *mail, const uint8_t *line, size_t n);
void said_mail_open(struct said_mail *mail); /* DATA: its lines come next */
/* A piece of it.  True once: the header is whole, and what it says is in *ret. */
bool said_mail_take(struct said_mail *mail, const uint8_t *bytes, size_t n,
		    struct sonde_saying *ret);

/* A request of the calculation protocol at the start of bytes[0..n), which are all that a
 * packet has; and a reply.  The texts that *ret points to are in `id`. */
enum { SAID_ID = 12 };
bool said_calc_request(const uint8_t *bytes, size_t n, char id[SAID_ID],
		       struct sonde_saying *ret);
bool said_calc_reply(const uint8_t *bytes, size_t n, char id[SAID_ID],
		     struct sonde_saying *ret);

#endif
