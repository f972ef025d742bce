/* The ordinary socket calls, as sonde makes them: never blocking beyond a deadline, never
 * inherited by a child, never killed by SIGPIPE.
 *
 * Deadlines are moments of CLOCK_MONOTONIC; SOCK_NEVER waits for ever. */
#ifndef IO_SOCK_H
#define IO_SOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <sonde/address.h>

#define SOCK_NEVER INT64_MAX

enum sock_transport { SOCK_TCP = 0, SOCK_UDP };

/* "127.0.0.1:50000/tcp": the subject of errors. */
#define SOCK_SUBJECT_CHARS (SONDE_ADDRESS_CHARS + 4)
void sock_format_subject(const struct sonde_address *address,
			 enum sock_transport transport, char ret[SOCK_SUBJECT_CHARS]);

/* A socket for the address's family.  The descriptor or -errno. */
int sock_open(const struct sonde_address *address, enum sock_transport transport);
/* Bound, and listening if it is TCP, to the address; an IPv6 one to IPv6 alone.  What
 * connections inherit is set: no delay for small answers, and probes for peers that
 * vanished.  backlog 0: as long as the system allows.  The descriptor or -errno. */
int sock_listen(const struct sonde_address *address, enum sock_transport transport,
		int backlog);
/* Another one beside fd, which is bound to the same address: the kernel deals out what
 * comes among all of them. */
int sock_listen_beside(int fd, const struct sonde_address *address,
		       enum sock_transport transport, int backlog);
/* Connections of a listening socket end when their peer has been silent for so long, and
 * answers no probe any more; at least 4 s.  Without it: 90 s.  0 or -errno. */
int sock_set_keepalive(int fd, int64_t gone_s);
/* Small messages leave at once. */
int sock_set_no_delay(int fd);
/* Room for many datagrams each way, as far as the system grants it. */
int sock_set_datagrams_waiting(int fd);
int sock_local_address(int fd, struct sonde_address *ret);

/* Each returns -ETIMEDOUT at the deadline. */
int sock_wait(int fd, short events, int64_t deadline_ns);
/* The same; -EINTR as soon as also_fd (-1 none) can be read. */
int sock_wait_or(int fd, short events, int also_fd, int64_t deadline_ns);
int sock_connect(int fd, const struct sonde_address *address, int also_fd,
		 int64_t deadline_ns);
/* All of it.  0 or -errno. */
int sock_send(int fd, const void *bytes, size_t n, int64_t deadline_ns);
/* What is there, at least one byte; 0 at the end (or for an empty datagram). */
ssize_t sock_receive(int fd, void *bytes, size_t n, int64_t deadline_ns);

/* Bytes handed over to the kernel that the peer has not confirmed; 0 where unknown. */
size_t sock_unconfirmed(int fd);

#endif
