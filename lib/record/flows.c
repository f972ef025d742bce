/* Which packets belong to the traced programs: a set of addresses with ports, each with
 * its protocol.  A packet is theirs when one of its two ends is in the set; an address
 * bound to every interface is looked up with its port alone. */
#include "record/flows.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"

static size_t slot_of(const struct sonde_address *address, uint8_t proto, size_t capacity)
{
	uint64_t hash = address->port * UINT64_C(0x9e3779b97f4a7c15) + proto;

	for (int i = 0; i < 16; i++)
		hash = (hash ^ address->bytes[i]) * UINT64_C(0x100000001b3);
	return (size_t)(hash ^ hash >> 29) & (capacity - 1);
}

static struct flow_end *find(struct flow_end *ends, size_t capacity,
			     const struct sonde_address *address, uint8_t proto)
{
	size_t i = slot_of(address, proto, capacity);

	while (ends[i].proto && (ends[i].proto != proto ||
				 !sonde_address_equal(&ends[i].address, address)))
		i = (i + 1) & (capacity - 1);
	return &ends[i];
}

static int grow(struct flows *flows)
{
	size_t capacity = flows->capacity ? flows->capacity * 2 : 64;
	struct flow_end *ends = array_new(capacity, sizeof(*ends));

	if (!ends)
		return -ENOMEM;
	for (size_t i = 0; i < flows->capacity; i++) {
		const struct flow_end *end = &flows->ends[i];

		if (end->proto)
			*find(ends, capacity, &end->address, end->proto) = *end;
	}
	array_free(flows->ends);
	flows->ends = ends;
	flows->capacity = capacity;
	return 0;
}

/* All addresses of any interface look alike here: 0.0.0.0 and :: with the port. */
static struct sonde_address wildcard(uint16_t port)
{
	return (struct sonde_address){.family = SONDE_FAMILY_NONE, .port = port};
}

static int add(struct flows *flows, const struct sonde_address *address, uint8_t proto)
{
	struct sonde_address key = *address;
	struct flow_end *end;

	if (!address->port || (address->family != SONDE_FAMILY_INET &&
			       address->family != SONDE_FAMILY_INET6))
		return 0;
	if (sonde_address_is_any(address))
		key = wildcard(address->port);
	if (flows->count * 2 >= flows->capacity && grow(flows) < 0)
		return -ENOMEM;
	end = find(flows->ends, flows->capacity, &key, proto);
	if (!end->proto) {
		*end = (struct flow_end){.address = key, .proto = proto};
		flows->count++;
	}
	return 0;
}

static uint8_t proto_of(const struct sonde_socket *socket)
{
	switch (socket->kind) {
	case SONDE_SOCKET_TCP:
		return SONDE_PACKET_TCP;
	case SONDE_SOCKET_UDP:
		return SONDE_PACKET_UDP;
	}
	return 0;
}

int flows_add_socket(struct flows *flows, const struct sonde_socket *socket)
{
	int error;

	if (!proto_of(socket))
		return 0;
	error = add(flows, &socket->local, proto_of(socket));
	return error < 0 ? error : add(flows, &socket->peer, proto_of(socket));
}

int flows_add_peer(struct flows *flows, const struct sonde_socket *socket,
		   const struct sonde_address *peer)
{
	return proto_of(socket) ? add(flows, peer, proto_of(socket)) : 0;
}

static bool has_end(const struct flows *flows, const struct sonde_address *address,
		    uint8_t proto)
{
	struct sonde_address any = wildcard(address->port);

	return find(flows->ends, flows->capacity, address, proto)->proto ||
	       find(flows->ends, flows->capacity, &any, proto)->proto;
}

bool flows_has(const struct flows *flows, const struct sonde_decoded *decoded)
{
	if (!flows->count)
		return false;
	if (decoded->has_quote)
		return has_end(flows, &decoded->quote_src, decoded->quote_proto) ||
		       has_end(flows, &decoded->quote_dst, decoded->quote_proto);
	if (decoded->proto != SONDE_PACKET_TCP && decoded->proto != SONDE_PACKET_UDP)
		return false;
	return has_end(flows, &decoded->src, decoded->proto) ||
	       has_end(flows, &decoded->dst, decoded->proto);
}

void flows_done(struct flows *flows)
{
	array_free(flows->ends);
	*flows = (struct flows){0};
}
