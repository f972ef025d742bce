/* Which packets belong to the traced programs, when other programs share the network. */
#ifndef RECORD_FLOWS_H
#define RECORD_FLOWS_H

#include <stdbool.h>
#include <stddef.h>

#include <sonde/packet.h>
#include <sonde/recording.h>

/* Addresses that traced sockets have or talk to.  It only grows: a packet may come long
 * after its socket was closed. */
struct flows {
	struct flow_end {
		struct sonde_address address;
		uint8_t proto; /* enum sonde_packet_proto; 0: empty */
	} * ends;              /* a hash table, owned */
	size_t capacity, count;
};

void flows_done(struct flows *flows);
int flows_add_socket(struct flows *flows, const struct sonde_socket *socket);
/* An address that a call on this socket goes to. */
int flows_add_peer(struct flows *flows, const struct sonde_socket *socket,
		   const struct sonde_address *peer);
/* Also true of an ICMP error that quotes such a packet. */
bool flows_has(const struct flows *flows, const struct sonde_decoded *decoded);

#endif
