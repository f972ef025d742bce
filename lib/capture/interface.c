/* The interfaces of this network namespace; see <sonde/capture.h>. */
#include <sonde/capture.h>

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/netns.h"

enum { ADDRESSES_MOST = 8 };

static int compare(const void *a, const void *b)
{
	const struct sonde_interface_info *x = a, *y = b;

	return x->index - y->index;
}

static unsigned describe(unsigned flags, unsigned short hardware)
{
	unsigned described = 0;

	if (flags & IFF_UP)
		described |= SONDE_INTERFACE_UP;
	if (flags & IFF_RUNNING)
		described |= SONDE_INTERFACE_RUNNING;
	if (flags & IFF_LOOPBACK)
		described |= SONDE_INTERFACE_LOOPBACK;
	if (hardware == ARPHRD_ETHER || hardware == ARPHRD_LOOPBACK)
		described |= SONDE_INTERFACE_ETHERNET;
	return described;
}

/* False where it has gone meanwhile. */
static bool take_link(int fd, const struct if_nameindex *name,
		      struct sonde_interface_info *ret)
{
	struct ifreq request = {0};
	unsigned flags;

	strncpy(request.ifr_name, name->if_name, sizeof(request.ifr_name) - 1);
	if (ioctl(fd, SIOCGIFFLAGS, &request) < 0)
		return false;
	flags = (unsigned short)request.ifr_flags;
	if (ioctl(fd, SIOCGIFHWADDR, &request) < 0)
		return false;
	*ret = (struct sonde_interface_info){
		.index = (int)name->if_index,
		.flags = describe(flags, request.ifr_hwaddr.sa_family),
	};
	memcpy(ret->name, request.ifr_name, sizeof(ret->name));
	return true;
}

static void take_addresses(const struct ifaddrs *entries,
			   struct sonde_interface_info *infos, size_t count)
{
	for (const struct ifaddrs *at = entries; at; at = at->ifa_next) {
		sa_family_t family = at->ifa_addr ? at->ifa_addr->sa_family : AF_UNSPEC;

		if (family != AF_INET && family != AF_INET6)
			continue;
		for (size_t i = 0; i < count; i++) {
			struct sonde_interface_info *info = &infos[i];

			if (strcmp(info->name, at->ifa_name) != 0 ||
			    info->address_count == ADDRESSES_MOST)
				continue;
			sonde_address_from_sockaddr(
				at->ifa_addr,
				family == AF_INET ? sizeof(struct sockaddr_in)
						  : sizeof(struct sockaddr_in6),
				&info->addresses[info->address_count++]);
		}
	}
}

int sonde_interfaces_list(struct sonde_interface_info **ret, size_t *ret_count,
			  struct sonde_error *err)
{
	struct sonde_interface_info *infos = NULL;
	struct if_nameindex *names = if_nameindex();
	struct ifaddrs *entries = NULL;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	size_t count = 0, most = 0;
	int r = 0;

	if (!names || fd < 0 || getifaddrs(&entries) < 0) {
		r = -errno;
		goto out;
	}
	while (names[most].if_index)
		most++;
	infos = calloc(most + 1, sizeof(*infos));
	if (!infos) {
		r = -ENOMEM;
		goto out;
	}
	for (size_t i = 0; i < most; i++)
		count += take_link(fd, &names[i], &infos[count]);
	take_addresses(entries, infos, count);
	qsort(infos, count, sizeof(*infos), compare);
	*ret = infos;
	*ret_count = count;
out:
	if (entries)
		freeifaddrs(entries);
	if (names)
		if_freenameindex(names);
	if (fd >= 0)
		close(fd);
	if (r < 0)
		sonde_error_set(err, SONDE_ERROR_TROUBLE, r, "list", "the interfaces",
				NULL);
	return r;
}

int sonde_capture_isolate(struct sonde_error *err)
{
	int r = netns_isolate(err);

	/* Gaining capabilities, even in a namespace of one's own, hides a process from
	 * others of its user. */
	if (r == 0)
		prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	return r;
}
