/* Capture filters in libpcap's language (pcap-filter(7)), compiled by libpcap for what the
 * ring's packets look like when the kernel runs it. */
#ifndef CAPTURE_FILTER_H
#define CAPTURE_FILTER_H

#include <stddef.h>
#include <stdint.h>

#include <sonde/error.h>

struct sock_filter;

enum filter_for {
	FILTER_FOR_ETHERNET = 0, /* loopback too */
	FILTER_FOR_IP,           /* any other link: what IP packets of it say */
	FILTER_FOR_ANY,          /* both, told apart packet by packet */
};

struct filter {
	struct sock_filter *code; /* owned */
	size_t count;
};

/* text "": all packets.  Of a packet that passes, snap_bytes are taken.  0, or a negative
 * errno with *err filled: -EINVAL with libpcap's own words. */
int filter_compile(const char *text, enum filter_for what, uint32_t snap_bytes,
		   struct filter *ret, struct sonde_error *err);
void filter_done(struct filter *filter);

#endif
