/* What a program knows of its peer: under the names of ncat and socat, which scripts expect,
 * and under ours. */
#include <stdio.h>
#include <string.h>

#include <errno.h>

#include "base/array.h"
#include "talk/exec.h"

static void add(struct exec_environment *environment, const char *name, const char *value)
{
	if (environment->count < EXEC_VARIABLES)
		snprintf(environment->storage[environment->count++], EXEC_VARIABLE_CHARS,
			 "%s=%s", name, value);
}

/* Of Unix sockets the address is a path, and there is no port. */
static void add_address(struct exec_environment *environment, const char *const names[3],
			const struct sonde_address *address, const char *text)
{
	static const char *const address_names[] = {"ADDRESS", "ADDR", "ADDR"};
	char host[SONDE_ADDRESS_CHARS], port[8], name[64];
	bool is_ip = address->family == SONDE_FAMILY_INET ||
		     address->family == SONDE_FAMILY_INET6;

	for (int i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "%s%s", names[i], address_names[i]);
		if (is_ip)
			sonde_address_format_host(address, host);
		add(environment, name, is_ip ? host : text);
		if (!is_ip)
			continue;
		snprintf(name, sizeof(name), "%sPORT", names[i]);
		snprintf(port, sizeof(port), "%u", address->port);
		add(environment, name, port);
	}
}

static void describe(const struct exec_place *place, struct exec_environment *environment)
{
	static const char *const peer[] = {"SONDE_PEER_", "NCAT_REMOTE_", "SOCAT_PEER"};
	static const char *const local[] = {"SONDE_LOCAL_", "NCAT_LOCAL_", "SOCAT_SOCK"};
	char number[24];

	add(environment, "SONDE_PROTO", sonde_transport_name(place->transport));
	add(environment, "NCAT_PROTO",
	    place->transport == SONDE_TRANSPORT_UDP ? "UDP" : "TCP");
	add_address(environment, peer, &place->peer, place->peer_text);
	add_address(environment, local, &place->local, place->local_text);
	if (place->client == 0)
		return;
	snprintf(number, sizeof(number), "%llu", (unsigned long long)place->client);
	add(environment, "SONDE_CLIENT", number);
}

static bool is_replaced(const struct exec_environment *environment, const char *variable)
{
	for (unsigned i = 0; i < environment->count; i++) {
		const char *own = environment->storage[i];
		size_t n = (size_t)(strchr(own, '=') - own) + 1;

		if (strncmp(own, variable, n) == 0)
			return true;
	}
	return false;
}

int exec_environment_init(struct exec_environment *environment,
			  const struct exec_place *place)
{
	size_t count = 0, used = 0;

	environment->count = 0;
	describe(place, environment);
	while (place->environment && place->environment[count])
		count++;
	environment->all = array_new(count + environment->count + 1, sizeof(char *));
	if (!environment->all)
		return -ENOMEM;
	for (unsigned i = 0; i < environment->count; i++)
		environment->all[used++] = environment->storage[i];
	for (size_t i = 0; i < count; i++)
		if (!is_replaced(environment, place->environment[i]))
			environment->all[used++] = place->environment[i];
	return 0;
}

void exec_environment_done(struct exec_environment *environment)
{
	array_free(environment->all);
}
