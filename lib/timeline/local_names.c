/* The names of Unix datagram sockets. */
#include "timeline/local_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

static int by_name(const void *left, const void *right, void *context)
{
	const struct sonde_recording *recording = context;
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
	int order = memcmp(recording->sockets[a - 1].local.bytes,
			   recording->sockets[b - 1].local.bytes,
			   sizeof(recording->sockets[0].local.bytes));

	return order ? order : (a > b) - (a < b);
}

int local_names_find(const struct join *join, struct local_names *ret)
{
	const struct sonde_recording *recording = join->recording;
	static const uint8_t none[16];
	struct local_names names = {
		.sockets = array_new((size_t)recording->socket_count + 1,
				     sizeof(*names.sockets)),
	};
	void *context = NULL;

	if (!names.sockets)
		return -ENOMEM;
	for (uint32_t i = 0; i < recording->socket_count; i++) {
		const struct sonde_socket *socket = &recording->sockets[i];

		if (socket->kind == SONDE_SOCKET_UNIX_DATAGRAM &&
		    socket->local.family == SONDE_FAMILY_UNIX &&
		    memcmp(socket->local.bytes, none, sizeof(none)) != 0)
			names.sockets[names.count++] = i + 1;
	}
	memcpy(&context, &recording, sizeof(context));
	qsort_r(names.sockets, names.count, sizeof(*names.sockets), by_name, context);
	*ret = names;
	return 0;
}

uint32_t local_named(const struct join *join, const struct local_names *names,
		     const struct sonde_address *name, int64_t at_ns)
{
	size_t low = 0, high = names->count;
	uint32_t found = 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct sonde_socket *socket =
			socket_at(join->recording, names->sockets[middle]);

		if (memcmp(socket->local.bytes, name->bytes, sizeof(name->bytes)) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < names->count; low++) {
		const struct sonde_socket *socket =
			socket_at(join->recording, names->sockets[low]);

		if (!sonde_address_equal(&socket->local, name))
			break;
		if (socket->opened_ns > at_ns ||
		    (socket->closed_ns && socket->closed_ns < at_ns))
			continue;
		if (found)
			return 0;
		found = socket->socket;
	}
	return found;
}
