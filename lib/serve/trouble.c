/* Troubles that may come with every packet: said once an interval, with their number. */
#include <stdio.h>

#include "base/clock.h"
#include "base/limits.h"
#include "serve/server.h"

static void say(struct sonde_server *server, const struct server_quiet *quiet,
		uint64_t times)
{
	char reason[256];

	if (times == 1)
		snprintf(reason, sizeof(reason), "%s", quiet->what);
	else
		snprintf(reason, sizeof(reason), "%s (%llu times)", quiet->what,
			 (unsigned long long)times);
	struct sonde_serve_event event = {
		.kind = SONDE_SERVE_TROUBLE,
		.service = quiet->spec->service->name,
		.udp = quiet->udp,
		.peer = quiet->peer,
		.times = times,
		.reason = reason,
	};
	server_notify(server, &event);
}

void trouble_add(struct sonde_server *server, struct server_quiet *quiet,
		 const struct serve_spec *spec, bool udp, const char *what)
{
	quiet->what = what;
	quiet->spec = spec;
	quiet->udp = udp;
	quiet->unsaid++;
	if (udp)
		counts_add(&spec->counts[SPEC_UDP].unanswered, 1);
	if (loop_now_ns(server->loop) < quiet->next_ns)
		return;
	say(server, quiet, quiet->unsaid);
	quiet->unsaid = 0;
	quiet->next_ns = loop_now_ns(server->loop) + LIMIT_QUIET_MS * NS_PER_MS;
}

void trouble_end(struct sonde_server *server, struct server_quiet *quiet)
{
	if (quiet->unsaid > 0)
		say(server, quiet, quiet->unsaid);
	quiet->unsaid = 0;
}
