/* ICMP messages as a socket's error queue tells them (IP_RECVERR, ip(7)). */
#ifndef SCAN_ICMP_H
#define SCAN_ICMP_H

#include <stdbool.h>
#include <stdint.h>

#include <sonde/address.h>

struct icmp_report {
	bool is_icmp; /* false: an error of this machine */
	uint8_t type, code;
	int error_number;
	struct sonde_address about; /* where the datagram went that it is about */
	struct sonde_address from;  /* who sent the message */
};

/* The next one of the queue.  1, 0 where there is none; an error is passed over. */
int icmp_read_error(int fd, struct icmp_report *ret);

#endif
