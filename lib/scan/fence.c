/* Whom a scan would reach, and whom it must not. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "scan/route.h"
#include "scan/session.h"

static int settle(struct sonde_scan *scan, struct sonde_error *err)
{
	int r;

	if (scan->is_settled)
		return 0;
	if (scan->wanted.count == 0) {
		sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, "scan", "",
				"no target was named");
		sonde_error_hint(err, "a file of targets has addresses and names in it");
		return -EINVAL;
	}
	if (hosts_settle(&scan->wanted, &scan->excluded) < 0)
		return scan_no_memory(err);
	if (!hosts_size(&scan->wanted)) {
		sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, "scan", "",
				"no target is left");
		sonde_error_hint(err, "name one that is not excluded");
		return -EINVAL;
	}
	r = plan_init(&scan->plan, &scan->wanted, &scan->ports, err);
	if (r < 0)
		return r;
	scan->hosts = array_new(scan->plan.host_count, sizeof(scan->hosts[0]));
	scan->skipped = array_new(scan->plan.host_count, sizeof(scan->skipped[0]));
	if (!scan->hosts || !scan->skipped)
		return scan_no_memory(err);
	for (uint32_t i = 0; i < scan->plan.host_count; i++) {
		scan->hosts[i].address = hosts_at(&scan->plan.hosts, i);
		scan->hosts[i].rtt_ns = -1;
	}
	scan->summary.hosts = scan->plan.host_count;
	scan->summary.ports = scan->plan.port_count;
	scan->is_settled = true;
	return 0;
}

static bool is_multicast(const struct sonde_address *address)
{
	return address->family == SONDE_FAMILY_INET ? address->bytes[0] >> 4 == 0xe
						    : address->bytes[0] == 0xff;
}

static bool is_broadcast(const struct sonde_address *address)
{
	static const uint8_t all[4] = {255, 255, 255, 255};

	return address->family == SONDE_FAMILY_INET &&
	       memcmp(address->bytes, all, 4) == 0;
}

/* Loopback, link-local, RFC 1918, RFC 4193. */
static bool is_private(const struct sonde_address *address)
{
	const uint8_t *b = address->bytes;

	if (sonde_address_is_loopback(address))
		return true;
	if (address->family == SONDE_FAMILY_INET)
		return b[0] == 10 || (b[0] == 172 && (b[1] & 0xf0) == 16) ||
		       (b[0] == 192 && b[1] == 168) || (b[0] == 169 && b[1] == 254);
	return (b[0] & 0xfe) == 0xfc || (b[0] == 0xfe && (b[1] & 0xc0) == 0x80);
}

static int refuse_address(const struct sonde_address *address, const char *what,
			  struct sonde_error *err)
{
	char subject[SONDE_ADDRESS_CHARS];

	sonde_address_format_host(address, subject);
	sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, "scan", subject, "%s", what);
	sonde_error_hint(err, "name single machines, or leave it out with --exclude %s",
			 subject);
	return -EINVAL;
}

/* Where each host is.  A broadcast address that lies inside of a network is left out; one
 * that stands alone was meant. */
static int look_at_routes(struct sonde_scan *scan, struct sonde_error *err)
{
	int fd = route_open();

	for (uint32_t i = 0; fd >= 0 && i < scan->plan.host_count; i++) {
		struct scan_host *host = &scan->hosts[i];
		struct route route;

		if (route_get(fd, &host->address, &route) < 0) {
			host->has_no_route = true;
			continue;
		}
		host->source = route.source;
		host->is_local = route.kind == ROUTE_LOCAL;
		host->is_distant = route.has_gateway;
		host->interface_index = route.interface_index;
		if (route.kind != ROUTE_BROADCAST)
			continue;
		if (scan->plan.host_count == 1) {
			close(fd);
			return refuse_address(&host->address,
					      "it is a broadcast address: every machine "
					      "would answer",
					      err);
		}
		scan->skipped[i] = true;
		scan->broadcasts++;
	}
	if (fd >= 0)
		close(fd);
	return 0;
}

int sonde_scan_check(struct sonde_scan *scan, struct sonde_address *ret,
		     struct sonde_error *err)
{
	int r = settle(scan, err);
	bool is_public = false;

	if (r < 0)
		return r;
	for (uint32_t i = 0; i < scan->plan.host_count; i++) {
		const struct sonde_address *address = &scan->hosts[i].address;

		if (sonde_address_is_any(address))
			return refuse_address(
				address, "it is no machine's address: it means any", err);
		if (is_multicast(address))
			return refuse_address(address,
					      "it is a multicast address: many machines "
					      "would answer",
					      err);
		if (is_broadcast(address))
			return refuse_address(address,
					      "it is a broadcast address: every machine "
					      "would answer",
					      err);
		if (!is_private(address) && !is_public) {
			is_public = true;
			*ret = *address;
		}
	}
	if (!scan->has_routes)
		r = look_at_routes(scan, err);
	scan->has_routes = true;
	return r < 0 ? r : is_public;
}
