/* The sockets of an UDP scan, one for each own address. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/array.h"
#include "base/limits.h"
#include "scan/udp_parts.h"

enum {
	RECEIVE_BUFFER = 4 << 20,
	NUMBER_TRIES = 200,
};

static int open_source(const struct sonde_address *from, struct source *ret)
{
	bool is_inet6 = from->family == SONDE_FAMILY_INET6;
	const int one = 1, bytes = RECEIVE_BUFFER;
	struct sockaddr_storage storage;
	socklen_t length = sonde_address_to_sockaddr(from, &storage);
	int fd = socket(is_inet6 ? AF_INET6 : AF_INET,
			SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return -errno;
	if (is_inet6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (setsockopt(fd, is_inet6 ? (int)IPPROTO_IPV6 : (int)IPPROTO_IP,
		       is_inet6 ? IPV6_RECVERR : IP_RECVERR, &one, sizeof(one)) < 0 ||
	    bind(fd, (struct sockaddr *)&storage, length) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	length = sizeof(storage);
	getsockname(fd, (struct sockaddr *)&storage, &length);
	ret->fd = fd;
	return sonde_address_from_sockaddr((const struct sockaddr *)&storage, length,
					   &ret->address);
}

/* The kernel picks the number, by chance: one that shall not be used is given back.  Of a
 * range that has no other it is better than none. */
static int open_source_beside(const struct sonde_address *from, const bool *avoided,
			      struct source *ret)
{
	int r = open_source(from, ret);

	for (unsigned tries = 0;
	     r >= 0 && avoided && avoided[ret->address.port] && tries < NUMBER_TRIES;
	     tries++) {
		close(ret->fd);
		r = open_source(from, ret);
	}
	return r;
}

static int add_source(struct udp *udp, const struct sonde_address *from,
		      const bool *avoided, struct sonde_error *err)
{
	char subject[SONDE_ADDRESS_CHARS];
	int r = open_source_beside(from, avoided, &udp->sources[udp->source_count]);

	if (r < 0) {
		sonde_address_format_host(from, subject);
		sonde_error_set(err,
				r == -EADDRNOTAVAIL ? SONDE_ERROR_USAGE
						    : sonde_error_kind_of(-r),
				r, "send from", subject, NULL);
		if (r == -EADDRNOTAVAIL)
			sonde_error_hint(err, "sources are addresses of this machine: ip "
					      "address shows them");
		return r;
	}
	udp->polls[udp->source_count] = (struct pollfd){
		.fd = udp->sources[udp->source_count].fd, .events = POLLIN};
	udp->source_count++;
	return 0;
}

static bool has_family(const struct sonde_scan *scan, uint8_t family)
{
	for (uint32_t i = 0; i < scan->plan.host_count; i++)
		if (!scan->skipped[i] && scan->hosts[i].address.family == family)
			return true;
	return false;
}

int udp_open_sources(struct udp *udp, const bool *avoided, struct sonde_error *err)
{
	static const uint8_t families[] = {SONDE_FAMILY_INET, SONDE_FAMILY_INET6};
	struct sonde_scan *scan = udp->scan;
	struct hosts none = {0};
	uint64_t count;
	int r = hosts_settle(&scan->source_hosts, &none);

	count = hosts_size(&scan->source_hosts);
	if (r == 0 && count > LIMIT_SCAN_SOURCES)
		return sonde_error_set(err, SONDE_ERROR_USAGE, -E2BIG, "scan",
				       "the sources", "more than %d addresses",
				       LIMIT_SCAN_SOURCES);
	udp->sources = array_new(count + 2, sizeof(udp->sources[0]));
	udp->polls = array_new(count + 2, sizeof(udp->polls[0]));
	if (r < 0 || !udp->sources || !udp->polls)
		return sonde_error_set(err, SONDE_ERROR_TROUBLE, -ENOMEM, "scan", "",
				       NULL);
	for (uint64_t i = 0; i < count && r == 0; i++) {
		struct sonde_address from = hosts_at(&scan->source_hosts, i);
		r = add_source(udp, &from, avoided, err);
	}
	for (size_t i = 0; i < 2 && r == 0; i++) {
		struct sonde_address any = {.family = families[i]};
		bool has_one = false;

		for (size_t k = 0; k < udp->source_count; k++)
			has_one |= udp->sources[k].address.family == families[i];
		if (!has_one && has_family(scan, families[i]))
			r = add_source(udp, &any, avoided, err);
	}
	return r;
}

bool udp_is_own(const struct udp *udp, const struct sonde_address *address)
{
	for (size_t i = 0; i < udp->source_count; i++)
		if (udp->sources[i].address.port == address->port)
			return true;
	return false;
}
