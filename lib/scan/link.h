/* The short way to a neighbour: a frame to its link address, past the kernel's routing.
 *
 * It spares a sixth of what a probe costs.  But what leaves so is asked by no firewall of
 * this machine, and no IPsec policy: it is gone only where there is neither, and only by
 * the first probe of a port.  Repetitions and sentinels leave as every packet does, so
 * that a neighbour that has got another link address meanwhile is still found. */
#ifndef SCAN_LINK_H
#define SCAN_LINK_H

#include <stdbool.h>
#include <stdint.h>

enum { LINK_BYTES = 6, LINK_HEADER_BYTES = 14 };

/* Of a neighbour on an Ethernet; interface_index 0: none is known. */
struct link {
	int interface_index;
	uint8_t bytes[LINK_BYTES];
};

/* Whether nothing of this machine may have a say in what leaves: no table of nftables or
 * iptables, no policy of IPsec.  False where that cannot be known. */
bool link_is_free(void);

/* The own address of an Ethernet.  0, or -errno: -EPROTONOSUPPORT is another link. */
int link_get_own(int interface_index, uint8_t ret[LINK_BYTES]);

/* The header of a frame. */
void link_put_header(uint8_t *at, const struct link *to, const uint8_t own[LINK_BYTES],
		     bool is_inet6);

#endif
