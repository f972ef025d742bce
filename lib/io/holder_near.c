/* Who is near an address at which nobody listens.
 *
 * Several may be: the one that differs least is the one to name.  The tables of the kernel
 * do not have sockets that are bound to a TCP port and do not listen. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/port_slip.h"
#include "io/holder_owner.h"
#include "io/holder_table.h"

/* Less is nearer; between slips the numbers decide. */
enum { RANK_UDP = 0, RANK_ADDRESS, RANK_SWAPPED, RANK_SLIP, RANK_NONE = 1 << 20 };

static int rank_of(const struct holder *found, const struct sonde_address *asked,
		   bool is_udp)
{
	struct sonde_address here = found->local;

	/* One that is connected to somebody is no server's. */
	if (is_udp)
		return !found->peer.port && holder_conflicts(&found->local, asked)
			       ? RANK_UDP
			       : RANK_NONE;
	if (found->state != HOLDER_LISTENS)
		return RANK_NONE;
	/* Who listens there for sure has come a moment too late. */
	if (here.port == asked->port)
		return holder_conflicts(&here, asked) == 1 ? RANK_NONE : RANK_ADDRESS;
	here.port = asked->port;
	if (!holder_conflicts(&here, asked))
		return RANK_NONE;
	if (port_is_swapped(found->local.port, asked->port))
		return RANK_SWAPPED;
	if (port_is_slip(found->local.port, asked->port))
		return RANK_SLIP + abs((int)found->local.port - (int)asked->port);
	return RANK_NONE;
}

static int look_through(FILE *table, const struct holder_search *search,
			const struct sonde_address *asked, bool is_udp, int *rank,
			struct holder *ret)
{
	char line[HOLDER_LINE_CHARS];
	unsigned lines = 0;

	while (fgets(line, sizeof(line), table)) {
		struct holder found;
		int its;

		if (++lines % HOLDER_LINES_A_LOOK == 0 &&
		    holder_clock_ns() > search->deadline_ns)
			return -ETIMEDOUT;
		/* Most lines of a busy machine are connections. */
		if ((!is_udp && !strstr(line, " 0A ")) ||
		    !holder_read_line(line, is_udp ? SOCK_UDP : SOCK_TCP, &found))
			continue;
		its = rank_of(&found, asked, is_udp);
		if (its < *rank) {
			*rank = its;
			*ret = found;
		}
	}
	return 0;
}

int holder_find_near(const struct holder_search *search,
		     const struct sonde_address *asked, bool *ret_is_udp,
		     struct holder *ret)
{
	static const char *const tables[] = {"udp", "udp6", "tcp", "tcp6"};
	struct holder found;
	int rank = RANK_NONE, r = 0;

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]) && r == 0; i++) {
		FILE *table = holder_open_table(search->viewer, tables[i]);

		if (!table)
			continue;
		r = look_through(table, search, asked, i < 2, &rank, &found);
		fclose(table);
	}
	if (r < 0)
		return r;
	if (rank == RANK_NONE)
		return -ENOENT;
	if (found.inode)
		(void)holder_owner(search, &found);
	*ret_is_udp = rank == RANK_UDP;
	*ret = found;
	return 0;
}
