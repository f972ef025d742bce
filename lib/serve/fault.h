/* A bad network between a UDP service and its clients, made on purpose: for labs about
 * retransmission.  Time and chance are arguments. */
#ifndef SERVE_FAULT_H
#define SERVE_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "proto/service.h"

struct serve_spec;

struct fault {
	uint32_t drop_parts; /* of a million */
	int64_t delay_ns;
	uint64_t chance;                   /* the state of base/chance.h */
	struct fault_answer *first, *last; /* owned; the oldest comes first */
	size_t bytes;
};

/* An answer on its way. */
struct fault_answer {
	struct fault_answer *next;
	int64_t due_ns;
	const struct serve_spec *spec; /* borrowed */
	int fd;                        /* its socket's, borrowed */
	uint32_t requests;
	struct msghdr message; /* points into this very object */
	struct iovec part;
	struct sockaddr_storage peer;
	char remark[SERVICE_REASON_CHARS]; /* for the log; "" without one */
	uint8_t storage[];                 /* the control message, then the bytes */
};

/* Whether the datagram that came now is lost. */
bool fault_drops(struct fault *fault);
/* Copies the message and the remark (NULL: none), to be due in delay_ns.  0, -ENOBUFS where too much is under way, or
 * -ENOMEM. */
int fault_keep(struct fault *fault, const struct serve_spec *spec, int fd,
	       const struct msghdr *message, uint32_t requests, const char *remark,
	       int64_t now_ns);
/* The next answer that is due, which the caller then owns; NULL where there is none. */
struct fault_answer *fault_take(struct fault *fault, int64_t now_ns);
void fault_answer_free(struct fault_answer *answer);
/* When the next one is due; INT64_MAX without one. */
int64_t fault_due_ns(const struct fault *fault);
void fault_done(struct fault *fault);

#endif
