/* --bind: the local address and port, chosen by the user. */
#include "talk/local.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <sonde/text.h>

#include "io/resolve.h"
#include "talk/taken.h"

/* An address alone, to which the kernel adds the port: no colon, or IPv6. */
static bool is_host_alone(const char *text)
{
	struct sonde_address address;
	size_t n = strlen(text);

	if (n > 0 && text[strspn(text, "0123456789")] == '\0')
		return false; /* a port, most likely: the refusal says so */
	return (n > 0 && !strpbrk(text, ": ")) ||
	       (text[0] == '[' && text[n - 1] == ']') ||
	       sonde_address_parse_host(text, &address) == 0;
}

int local_parse(const char *text, struct local *ret, struct sonde_error *err)
{
	struct resolve_endpoint endpoint;
	struct local local = {.text = text};

	if (!text) {
		*ret = local;
		return 0;
	}
	int r = is_host_alone(text) ? resolve_parse_pair(text, "0", &endpoint, err)
				    : resolve_parse(text, &endpoint, err);
	if (r < 0)
		return r;
	/* No host: only the port is chosen. */
	local.gives_address = endpoint.host[0] && strcmp(endpoint.host, "*") != 0;
	local.gives_port = endpoint.port != 0;
	if (!local.gives_address)
		strcpy(endpoint.host, "*");
	local.count = resolve_lookup(&endpoint, local.addresses, LIMIT_ADDRESSES, err);
	if (local.count < 0)
		return local.count;
	*ret = local;
	return 0;
}

static const struct sonde_address *find(const struct local *local, uint8_t family)
{
	for (int i = 0; i < local->count; i++) {
		if (local->addresses[i].family == family)
			return &local->addresses[i];
	}
	return NULL;
}

bool local_has_family(const struct local *local, uint8_t family)
{
	return local->count == 0 || find(local, family);
}

/* "127.0.0.1 (lo), 192.0.2.5 (eth0)": what could be chosen instead. */
static void hint_at_own_addresses(uint8_t family, struct sonde_error *err)
{
	char storage[200];
	struct sonde_text list;
	struct ifaddrs *all;

	if (getifaddrs(&all) < 0)
		return;
	sonde_text_init(&list, storage, sizeof(storage));
	for (const struct ifaddrs *at = all; at; at = at->ifa_next) {
		struct sonde_address address;
		char host[SONDE_ADDRESS_CHARS];

		if (!at->ifa_addr || !(at->ifa_flags & IFF_UP) ||
		    sonde_address_from_sockaddr(at->ifa_addr, sizeof(struct sockaddr_in6),
						&address) < 0 ||
		    address.family != family)
			continue;
		sonde_address_format_host(&address, host);
		/* Whole or not at all. */
		if (list.used + strlen(host) + strlen(at->ifa_name) + 5 >= list.capacity)
			break;
		sonde_text_add(&list, "%s%s (%s)", list.used ? ", " : "", host,
			       at->ifa_name);
	}
	freeifaddrs(all);
	if (list.used)
		sonde_error_hint(err, "this machine has %s", storage);
}

static int fail(const struct sonde_address *address, enum sock_transport transport,
		int error, struct sonde_error *err)
{
	char subject[SOCK_SUBJECT_CHARS];

	sock_format_subject(address, transport, subject);
	switch (-error) {
	case EADDRNOTAVAIL:
		sonde_error_set(err, SONDE_ERROR_USAGE, error, "bind", subject,
				"it is no address of this machine (EADDRNOTAVAIL)");
		hint_at_own_addresses(address->family, err);
		return error;
	case EADDRINUSE:
		return taken_explain("bind", address, transport,
				     "choose another one, or 0 for any free one", err);
	case EACCES:
		sonde_error_set(err, SONDE_ERROR_PERMISSION, error, "bind", subject,
				NULL);
		sonde_error_hint(err, "ports under 1024 need CAP_NET_BIND_SERVICE: be "
				      "root, or choose a higher one");
		return error;
	default:
		return sonde_error_set(err, sonde_error_kind_of(-error), error, "bind",
				       subject, NULL);
	}
}

int local_bind(const struct local *local, int fd, uint8_t family,
	       enum sock_transport transport, struct sonde_error *err)
{
	const struct sonde_address *address = find(local, family);
	struct sockaddr_storage storage;
	int on = 1;

	if (local->count == 0)
		return 0;
	/* A port of a connection that was closed a moment ago may be had again. */
	if (transport == SOCK_TCP && local->gives_port)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	socklen_t length = sonde_address_to_sockaddr(address, &storage);
	if (bind(fd, (const struct sockaddr *)&storage, length) < 0)
		return fail(address, transport, -errno, err);
	return 0;
}
