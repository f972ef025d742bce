/* Which socket has an address: the tables of /proc/PID/net.
 *
 * Several may be in the way at once: the one that listens, what it accepted, what is left
 * of connections that have ended.  The first of these is the one to name. */
#include "io/holder_owner.h"
#include "io/holder_table.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	TIMER_TIME_WAIT = 3,
	STATE_ESTABLISHED = 1,
	STATE_TIME_WAIT = 6,
	STATE_CLOSE = 7,
	STATE_LISTEN = 10,
	TICKS_PER_S = 100, /* of the times in these tables */
};

/* Smaller is more in the way. */
static int rank_of(const struct holder *holder, int conflict)
{
	static const int ranks[] = {
		[HOLDER_LISTENS] = 0, [HOLDER_BOUND] = 1,     [HOLDER_TALKS] = 2,
		[HOLDER_CLOSING] = 3, [HOLDER_TIME_WAIT] = 4,
	};

	return 2 * ranks[holder->state] + (conflict == 2);
}

/* "0100007F": words of 32 bits in the machine's own order. */
static bool read_host(const char *digits, struct sonde_address *ret)
{
	size_t words = strlen(digits) / 8;
	uint8_t bytes[16] = {0};
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (words != 1 && words != 4)
		return false;
	for (size_t i = 0; i < words; i++) {
		char word[9] = {0};
		uint32_t value;

		memcpy(word, digits + 8 * i, 8);
		value = (uint32_t)strtoul(word, NULL, 16);
		memcpy(bytes + 4 * i, &value, sizeof(value));
	}
	*ret = (struct sonde_address){.family = words == 1 ? SONDE_FAMILY_INET
							   : SONDE_FAMILY_INET6};
	if (words == 4 && memcmp(bytes, mapped, sizeof(mapped)) == 0) {
		ret->family = SONDE_FAMILY_INET;
		memcpy(ret->bytes, bytes + 12, 4);
	} else {
		memcpy(ret->bytes, bytes, 4 * words);
	}
	return true;
}

int holder_conflicts(const struct sonde_address *has, const struct sonde_address *wanted)
{
	if (has->port != wanted->port)
		return 0;
	if (has->family == wanted->family)
		return sonde_address_is_any(has) || sonde_address_is_any(wanted) ||
		       sonde_address_equal_host(has, wanted);
	/* [::] is 0.0.0.0, too, where a socket is for both families. */
	if ((has->family == SONDE_FAMILY_INET6 && sonde_address_is_any(has)) ||
	    (wanted->family == SONDE_FAMILY_INET6 && sonde_address_is_any(wanted)))
		return 2;
	return 0;
}

static enum holder_state state_of(unsigned state, enum sock_transport transport,
				  uint64_t inode)
{
	if (transport == SOCK_UDP)
		return HOLDER_BOUND;
	if (state == STATE_LISTEN)
		return HOLDER_LISTENS;
	if (state == STATE_TIME_WAIT)
		return HOLDER_TIME_WAIT;
	if (state == STATE_CLOSE)
		return HOLDER_BOUND;
	return inode ? HOLDER_TALKS : HOLDER_CLOSING;
}

/* sl local:port remote:port st tx:rx tr:when retrnsmt uid timeout inode */
bool holder_read_line(const char *line, enum sock_transport transport, struct holder *ret)
{
	char local[33], peer[33];
	unsigned local_port, peer_port, state, timer, uid;
	unsigned long when, inode;

	if (sscanf(line,
		   " %*u: %32[0-9A-Fa-f]:%x %32[0-9A-Fa-f]:%x %x %*[0-9A-Fa-f:] %x:%lx "
		   "%*s %u %*s %lu",
		   local, &local_port, peer, &peer_port, &state, &timer, &when, &uid,
		   &inode) != 9)
		return false;
	*ret = (struct holder){.inode = inode, .uid = uid};
	if (!read_host(local, &ret->local) || !read_host(peer, &ret->peer))
		return false;
	ret->local.port = (uint16_t)local_port;
	ret->peer.port = (uint16_t)peer_port;
	ret->state = state_of(state, transport, inode);
	/* Half a TIME_WAIT, as the kernel keeps a FIN_WAIT2 that nobody has any more. */
	if (timer == TIMER_TIME_WAIT) {
		ret->state = HOLDER_TIME_WAIT;
		ret->left_ms = (int64_t)when * 1000 / TICKS_PER_S;
	}
	return true;
}

FILE *holder_open_table(pid_t viewer, const char *name)
{
	char path[64];

	if (viewer)
		snprintf(path, sizeof(path), "/proc/%d/net/%s", (int)viewer, name);
	else
		snprintf(path, sizeof(path), "/proc/thread-self/net/%s", name);
	return fopen(path, "re");
}

/* The first of those that are most in the way, of one table.  *rank: how far the best one
 * so far is. */
static int look_through(FILE *table, const struct sonde_address *wanted,
			enum sock_transport transport, int64_t deadline_ns, int *rank,
			struct holder *ret)
{
	char line[HOLDER_LINE_CHARS], port[8];
	unsigned lines = 0;

	/* Few lines have the port, and to take one apart takes a microsecond. */
	snprintf(port, sizeof(port), ":%04X", wanted->port);
	while (fgets(line, sizeof(line), table)) {
		struct holder found;
		int conflict;

		if (++lines % HOLDER_LINES_A_LOOK == 0 && holder_clock_ns() > deadline_ns)
			return -ETIMEDOUT;
		if (!strstr(line, port) || !holder_read_line(line, transport, &found))
			continue;
		conflict = holder_conflicts(&found.local, wanted);
		if (conflict && rank_of(&found, conflict) < *rank) {
			*rank = rank_of(&found, conflict);
			*ret = found;
		}
	}
	return 0;
}

int holder_find(const struct holder_search *search, const struct sonde_address *wanted,
		enum sock_transport transport, struct holder *ret)
{
	/* A socket for both families stands in the table of IPv6. */
	static const char *const tables[2][2] = {
		[SOCK_TCP] = {"tcp", "tcp6"},
		[SOCK_UDP] = {"udp", "udp6"},
	};
	const int none = 1 << 10;
	struct holder found;
	int rank = none, r = 0;

	for (int i = 0; i < 2 && r == 0; i++) {
		FILE *table = holder_open_table(search->viewer, tables[transport][i]);

		if (!table)
			continue;
		r = look_through(table, wanted, transport, search->deadline_ns, &rank,
				 &found);
		fclose(table);
	}
	if (r < 0)
		return r;
	/* What a connection has left behind hinders nobody who says SO_REUSEADDR: then it
	 * is somebody else. */
	if (transport == SOCK_TCP && (rank == none || found.state >= HOLDER_CLOSING)) {
		r = holder_bound(search, wanted, ret);
		if (r == 0 || (r == -ETIMEDOUT && rank == none))
			return r;
	}
	if (rank == none)
		return -ENOENT;
	if (found.inode)
		(void)holder_owner(search, &found);
	*ret = found;
	return 0;
}
