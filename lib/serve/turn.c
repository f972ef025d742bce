/* What a service may not get by itself: the time, the server's time zone, and chance. */
#include "serve/server.h"

#include <stddef.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/chance.h"
#include "base/clock.h"

void turn_prepare(struct sonde_server *server)
{
	/* The zone's file is read now: later there may be no file that can be opened. */
	tzset();
	/* Without an own seed: where the kernel has none yet, the clock must do. */
	if (getrandom(&server->chance, sizeof(server->chance), GRND_NONBLOCK) !=
	    (ssize_t)sizeof(server->chance))
		server->chance = (uint64_t)clock_realtime_ns();
}

/* Reckoned from the moment of the loop's turn, which is known: asking the clock would cost
 * with every request.  The clock of day may be set; once a second it is looked at. */
static int64_t time_of_day_ns(struct sonde_server *server)
{
	int64_t now_ns = loop_now_ns(server->loop);

	if (server->offset_at_ns == 0 || now_ns - server->offset_at_ns >= NS_PER_S) {
		server->offset_at_ns = now_ns;
		server->real_offset_ns = clock_realtime_ns() - clock_monotonic_ns();
	}
	return now_ns + server->real_offset_ns;
}

const char *turn_remark(const struct service_turn *turn)
{
	return turn->refused || !turn->reason[0] ? NULL : turn->reason;
}

void turn_begin(struct sonde_server *server, const struct serve_spec *spec,
		struct service_turn *turn)
{
	/* The text, which is longer than all the rest, is one without characters. */
	_Static_assert(sizeof(*turn) - offsetof(struct service_turn, reason) <
			       SERVICE_REASON_CHARS + _Alignof(struct service_turn),
		       "the text does not stand last");
	memset(turn, 0, offsetof(struct service_turn, reason));
	turn->reason[0] = '\0';
	turn->config = spec->config;
	turn->now_ns = time_of_day_ns(server);
	turn->chance = chance_next(&server->chance);
	if (spec->service->tells_local_time) {
		time_t seconds = (time_t)(turn->now_ns / NS_PER_S);
		localtime_r(&seconds, &server->local);
		turn->local = &server->local;
	}
}
