/* Pairs of host and port as numbers. */
#include "scan/plan.h"

#include <errno.h>
#include <stdio.h>

#include "base/array.h"
#include "base/limits.h"

int plan_init(struct plan *plan, struct hosts *hosts, const struct ports *ports,
	      struct sonde_error *err)
{
	uint64_t host_count = hosts_size(hosts);
	size_t port_count = ports_count(ports);
	char subject[64];

	*plan = (struct plan){0};
	if (host_count > LIMIT_SCAN_HOSTS ||
	    host_count * port_count > LIMIT_SCAN_TARGETS) {
		snprintf(subject, sizeof(subject), "%llu hosts by %zu ports",
			 (unsigned long long)host_count, port_count);
		sonde_error_set(err, SONDE_ERROR_USAGE, -E2BIG, "scan", subject,
				"more than one scan can keep: %d hosts, %d ports of all "
				"of them",
				LIMIT_SCAN_HOSTS, LIMIT_SCAN_TARGETS);
		sonde_error_hint(err, "scan a part of them at a time");
		return -E2BIG;
	}
	plan->ports = array_new(port_count ? port_count : 1, sizeof(plan->ports[0]));
	plan->port_index = array_new(65536, sizeof(plan->port_index[0]));
	if (!plan->ports || !plan->port_index) {
		plan_done(plan);
		return sonde_error_set(err, SONDE_ERROR_TROUBLE, -ENOMEM, "keep",
				       "the targets", NULL);
	}
	ports_list(ports, plan->ports);
	for (unsigned port = 0; port < 65536; port++)
		plan->port_index[port] = -1;
	for (size_t i = 0; i < port_count; i++)
		plan->port_index[plan->ports[i]] = (int32_t)i;
	plan->port_count = (uint32_t)port_count;
	plan->host_count = (uint32_t)host_count;
	plan->hosts = *hosts;
	*hosts = (struct hosts){0};
	return 0;
}

void plan_done(struct plan *plan)
{
	array_free(plan->ports);
	array_free(plan->port_index);
	hosts_done(&plan->hosts);
	*plan = (struct plan){0};
}

uint64_t plan_size(const struct plan *plan)
{
	return (uint64_t)plan->host_count * plan->port_count;
}

struct sonde_address plan_address(const struct plan *plan, uint64_t target)
{
	struct sonde_address address = hosts_at(&plan->hosts, target / plan->port_count);

	address.port = plan->ports[target % plan->port_count];
	return address;
}

uint64_t plan_find(const struct plan *plan, const struct sonde_address *address)
{
	int64_t host = hosts_find(&plan->hosts, address);
	int32_t port = plan->port_index[address->port];

	if (host < 0 || port < 0)
		return PLAN_NONE;
	return (uint64_t)host * plan->port_count + (uint32_t)port;
}
