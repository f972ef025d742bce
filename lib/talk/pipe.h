/* A session between two descriptors, from inside.
 *
 *	pipe.c		waits, and knows when it is over
 *	pipe_ways.c	the two directions
 */
#ifndef TALK_PIPE_H
#define TALK_PIPE_H

#include "talk/outlet.h"
#include "talk/session.h"

struct chunk {
	uint8_t *bytes; /* owned */
	size_t at, used;
};

struct piping {
	struct sonde_session *session;
	const struct sonde_pipe *pipe;
	int in_fd; /* -1: at its end */
	struct outlet out;
	uint8_t *raw; /* owned; what was read, before it is put into another form */
	struct chunk sending, receiving;
	bool splices_in, splices_out; /* the kernel moves the bytes of that direction */
	bool in_end;                  /* all of in_fd was read */
	bool out_is_gone;             /* nobody reads any more */
	bool out_is_full;             /* its last write wants to be waited for */
	bool out_ends;                /* what it has not taken yet is the last */
	bool stream_waits;            /* the peer took nothing */
	int broken;                   /* sending failed: the negative errno */
	int64_t in_end_ns;
	struct sonde_error *err;
	struct sonde_error broken_err;
};

static inline bool chunk_is_empty(const struct chunk *chunk)
{
	return chunk->at == chunk->used;
}

/* Whether the kernel may move the bytes of a direction; once, at the beginning. */
void pipe_choose_ways(struct piping *piping);
/* in_fd has something.  0 or -errno with *err. */
int pipe_take_in(struct piping *piping);
void pipe_close_in(struct piping *piping);
/* What waits to be sent, and then the end that is owed. */
void pipe_write_peer(struct piping *piping);
/* What cannot be sent any more is not read, either. */
void pipe_break_sending(struct piping *piping, int error);
/* The peer has something.  0 or -errno with *err. */
int pipe_take_peer(struct piping *piping);
int pipe_write_out(struct piping *piping);
/* The peer's half is over: so is out_fd. */
int pipe_end_receiving(struct piping *piping);
/* Of a failed write; 0 where it is only that nobody reads any more. */
int pipe_fail_out(struct piping *piping, int error);

#endif
