/* Endpoints: read from text, looked up.
 *
 * Numeric addresses are read by sonde_address_parse_host() and never reach getaddrinfo(),
 * which would also take what inet_aton() takes: 127.1, 0x7f.1, and 010.0.0.1 for 8.0.0.1.
 */
#include "io/resolve.h"

#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <sonde/text.h>

#include "io/service_name.h"

/* The value as it can be shown: it comes from a command line or a file. */
struct shown {
	char chars[160];
};

static struct shown show(const char *value)
{
	struct sonde_text text;
	struct shown shown;

	sonde_text_init(&text, shown.chars, sizeof(shown.chars));
	sonde_text_add_escaped(&text, value, strlen(value));
	return shown;
}

static int refuse(struct sonde_error *err, const char *operation, const char *value,
		  const char *reason)
{
	return sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, operation,
			       *value ? show(value).chars : "\"\"", "%s", reason);
}

static int refuse_service(const char *text, struct sonde_error *err)
{
	char nearest[SERVICE_NAME_CHARS];
	int r;

	refuse(err, "use port", text, "it is no number, and no service has this name");
	r = service_name_nearest(text, nearest);
	if (r > 0)
		sonde_error_hint(err, "did you mean %s?", nearest);
	else if (r == -ENOENT)
		sonde_error_hint(err, "there is no /etc/services here: give the number, "
				      "or install the package netbase");
	else
		sonde_error_hint(err, "give a number from 0 to 65535, or a name of "
				      "/etc/services");
	return -EINVAL;
}

static int parse_port(const char *text, uint16_t *ret, struct sonde_error *err)
{
	long long port;
	int r = sonde_text_parse_int(text, 0, UINT16_MAX, &port);

	if (r == 0) {
		*ret = (uint16_t)port;
		return 0;
	}
	if (r == -ERANGE) {
		refuse(err, "use port", text, "ports are 0 to 65535");
		sonde_error_hint(err, "0 lets the system pick one");
		return -EINVAL;
	}
	if (!*text) {
		refuse(err, "use port", text, "it is empty");
		sonde_error_hint(err, "write HOST:PORT, as in localhost:50000");
		return -EINVAL;
	}
	if (service_name_lookup(text, ret) == 0)
		return 0;
	return refuse_service(text, err);
}

/* Whether a resolver would take the host for an IPv4 address: its last label is a number
 * in some notation. */
static bool looks_numeric(const char *host)
{
	const char *dot = strrchr(host, '.');
	const char *label = dot ? dot + 1 : host;

	if (label[0] == '0' && (label[1] == 'x' || label[1] == 'X'))
		return label[2 + strspn(label + 2, "0123456789abcdefABCDEF")] == '\0';
	return *label && label[strspn(label, "0123456789")] == '\0';
}

static int refuse_host(const char *host, const char *reason, const char *hint,
		       struct sonde_error *err)
{
	refuse(err, "use host", host, reason);
	sonde_error_hint(err, "%s", hint);
	return -EINVAL;
}

static int refuse_url(const char *text, struct sonde_error *err)
{
	return refuse_host(text, "it is a URL, and no host",
			   "write its host and its port alone: HOST:PORT", err);
}

/* A scope that is no number is the name of an interface, which lookup asks for. */
static int check_scope(const char *host, const char *bare, const char *scope,
		       struct sonde_error *err)
{
	struct sonde_address address;
	char numbered[RESOLVE_HOST_CHARS + 2];

	/* Only to hear whether this address may have a scope. */
	snprintf(numbered, sizeof(numbered), "%s%%0", bare);
	if (sonde_address_parse_host(numbered, &address) < 0) {
		refuse(err, "use host", host, "only link-local addresses have a scope");
		sonde_error_hint(err, "write %s", bare);
		return -EINVAL;
	}
	if (!*scope || strchr(scope, '%'))
		return refuse_host(host, "it is no IPv6 address",
				   "the name of an interface follows the %", err);
	return 0;
}

static int check_ipv6(const char *host, struct sonde_error *err)
{
	struct sonde_address address;
	char bare[RESOLVE_HOST_CHARS] = "";
	static const char digits[] = "0123456789";
	const char *percent = strchr(host, '%'), *colon = strchr(host, ':');

	if (sonde_address_parse_host(host, &address) == 0)
		return 0;
	if (percent) {
		memcpy(bare, host, percent - host);
		if (sonde_address_parse_host(bare, &address) == 0)
			return check_scope(host, bare, percent + 1, err);
	}
	if (colon && !strchr(colon + 1, ':') &&
	    colon[1 + strspn(colon + 1, digits)] == '\0')
		return refuse_host(host,
				   "a port stands in it, where a host alone is meant",
				   "the port has a place of its own; an IPv6 address has "
				   "more colons",
				   err);
	return refuse_host(host, "it is no IPv6 address",
			   "eight hexadecimal groups, :: for a run of zeros", err);
}

/* host has no brackets and fewer than RESOLVE_HOST_CHARS characters. */
static int check_host(const char *host, struct sonde_error *err)
{
	struct sonde_address address;

	if (strstr(host, "://"))
		return refuse_url(host, err);
	if (strchr(host, ':'))
		return check_ipv6(host, err);
	if (looks_numeric(host) && sonde_address_parse_host(host, &address) < 0)
		return refuse_host(host, "it is no IPv4 address",
				   "four numbers from 0 to 255, without leading zeros",
				   err);
	for (const char *at = host; *at; at++)
		if ((unsigned char)*at <= ' ' || *at == 0x7f || strchr("[]/\\@", *at))
			return refuse_host(host, "a name has no such character",
					   "write HOST:PORT, as in localhost:50000", err);
	return 0;
}

/* host[0..n), brackets still around it, and the port. */
static int parse_parts(const char *host, size_t n, const char *port,
		       struct resolve_endpoint *ret, struct sonde_error *err)
{
	struct resolve_endpoint endpoint = {0};
	bool bracketed = n >= 2 && host[0] == '[' && host[n - 1] == ']';
	int r;

	if (bracketed) {
		host++;
		n -= 2;
	}
	if (n >= sizeof(endpoint.host))
		return refuse_host(host, "it is too long for a name",
				   "names have 253 characters at most", err);
	memcpy(endpoint.host, host, n);
	if (bracketed)
		r = check_ipv6(endpoint.host, err);
	else if (strcmp(endpoint.host, "*") == 0)
		r = 0;
	else
		r = check_host(endpoint.host, err);
	if (r < 0)
		return r;
	r = parse_port(port, &endpoint.port, err);
	if (r < 0)
		return r;
	*ret = endpoint;
	return 0;
}

int resolve_parse_pair(const char *host, const char *port, struct resolve_endpoint *ret,
		       struct sonde_error *err)
{
	return parse_parts(host, strlen(host), port, ret, err);
}

/* "::1:80" is an address, and perhaps meant as one with a port behind it. */
static int refuse_colons(const char *text, const char *last_colon,
			 struct sonde_error *err)
{
	struct sonde_address address;
	char host[RESOLVE_HOST_CHARS] = "";
	size_t n = last_colon - text;
	long long port;

	if (n < sizeof(host))
		memcpy(host, text, n);
	if (sonde_address_parse_host(text, &address) == 0 &&
	    sonde_address_parse_host(host, &address) == 0 &&
	    sonde_text_parse_int(last_colon + 1, 1, UINT16_MAX, &port) == 0) {
		sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, "use address", text,
				"it is an address without a port, or one with port %lld",
				port);
		sonde_error_hint(err, "write [%s]:PORT or [%s]:%lld", text, host, port);
		return -EINVAL;
	}
	if (sonde_address_parse_host(text, &address) == 0) {
		refuse(err, "use address", text, "the port is missing");
		sonde_error_hint(err, "write [%s]:PORT", text);
		return -EINVAL;
	}
	refuse(err, "use address", text, "it has more than one colon");
	if (sonde_address_parse_host(host, &address) == 0)
		sonde_error_hint(err, "an IPv6 address needs brackets: [%s]%s", host,
				 last_colon);
	else
		sonde_error_hint(err, "write HOST:PORT, or [IPV6]:PORT");
	return -EINVAL;
}

static int refuse_portless(const char *text, struct sonde_error *err)
{
	long long port;

	refuse(err, "use address", text, "the port is missing");
	if (sonde_text_parse_int(text, 0, UINT16_MAX, &port) == 0)
		sonde_error_hint(err, "write HOST:%lld, or :%lld for this machine", port,
				 port);
	else if (*text)
		sonde_error_hint(err, "write %s:PORT", show(text).chars);
	else
		sonde_error_hint(err, "write HOST:PORT, as in localhost:50000");
	return -EINVAL;
}

int resolve_parse(const char *text, struct resolve_endpoint *ret, struct sonde_error *err)
{
	const char *space = strrchr(text, ' '), *colon = strrchr(text, ':');
	const char *bracket = text[0] == '[' ? strchr(text, ']') : NULL;

	if (strstr(text, "://"))
		return refuse_url(text, err);
	if (space && strchr(text, ' ') == space)
		return parse_parts(text, space - text, space + 1, ret, err);
	if (bracket && bracket[1] == ':')
		return parse_parts(text, bracket + 1 - text, bracket + 2, ret, err);
	if (space || (bracket && bracket[1])) {
		refuse(err, "use address", text, "it is no HOST:PORT");
		sonde_error_hint(err, "write HOST:PORT, or [IPV6]:PORT");
		return -EINVAL;
	}
	if (!colon || bracket)
		return refuse_portless(text, err);
	if (memchr(text, ':', colon - text))
		return refuse_colons(text, colon, err);
	return parse_parts(text, colon - text, colon + 1, ret, err);
}

struct addresses {
	struct sonde_address *list; /* borrowed */
	size_t room;
	size_t count;
};

static void add_address(struct addresses *addresses, const struct sonde_address *address)
{
	for (size_t i = 0; i < addresses->count; i++)
		if (sonde_address_equal(&addresses->list[i], address))
			return;
	if (addresses->count < addresses->room)
		addresses->list[addresses->count++] = *address;
}

/* Both families' address for a host that is no name. */
static int add_both(struct addresses *addresses, const char *inet, const char *inet6,
		    uint16_t port)
{
	const char *const hosts[] = {inet, inet6};

	for (size_t i = 0; i < 2; i++) {
		struct sonde_address address;

		if (sonde_address_parse_host(hosts[i], &address) < 0)
			return -EINVAL;
		address.port = port;
		add_address(addresses, &address);
	}
	return (int)addresses->count;
}

static int refuse_name(const char *host, int gai_error, int system_error,
		       struct sonde_error *err)
{
	const struct shown shown = show(host);
	const char *subject = shown.chars;

	switch (gai_error) {
	case EAI_NONAME:
	case EAI_NODATA:
	case EAI_ADDRFAMILY:
		sonde_error_set(err, SONDE_ERROR_NETWORK, -ENOENT, "look up", subject,
				"no host has this name");
		sonde_error_hint(err, "check the spelling, or give the address as a "
				      "number");
		return -ENOENT;
	case EAI_AGAIN:
	case EAI_FAIL:
		sonde_error_set(err, SONDE_ERROR_NETWORK, -EAGAIN, "look up", subject,
				"no name server gave an answer");
		sonde_error_hint(err, "try again, or give the address as a number; the "
				      "name servers are in /etc/resolv.conf");
		return -EAGAIN;
	case EAI_MEMORY:
		return sonde_error_set(err, SONDE_ERROR_TROUBLE, -ENOMEM, "look up",
				       subject, NULL);
	case EAI_SYSTEM:
		return sonde_error_set(err, sonde_error_kind_of(system_error),
				       -system_error, "look up", subject, NULL);
	default:
		return sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, "look up",
				       subject, "%s", gai_strerror(gai_error));
	}
}

/* fe80::1%wlan9: it is no name that is not known. */
static int refuse_interface(const char *host, struct sonde_error *err)
{
	sonde_error_set(err, SONDE_ERROR_USAGE, -ENODEV, "use host", show(host).chars,
			"no interface of this machine is called %s",
			show(strchr(host, '%') + 1).chars);
	sonde_error_hint(err, "`ip link` lists them");
	return -ENODEV;
}

static int add_name(struct addresses *addresses, const char *host, uint16_t port,
		    struct sonde_error *err)
{
	/* One kind of socket, or every address comes three times. */
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	int r = getaddrinfo(host, NULL, &hints, &found);

	if (r == EAI_NONAME && strchr(host, ':') && strchr(host, '%'))
		return refuse_interface(host, err);
	if (r)
		return refuse_name(host, r, errno, err);
	for (struct addrinfo *at = found; at; at = at->ai_next) {
		struct sonde_address address;

		if (sonde_address_from_sockaddr(at->ai_addr, at->ai_addrlen, &address) <
		    0)
			continue;
		address.port = port;
		add_address(addresses, &address);
	}
	freeaddrinfo(found);
	if (!addresses->count)
		return refuse_name(host, EAI_NODATA, 0, err);
	return (int)addresses->count;
}

/* RFC 6761, section 6.3: these names are this machine's loopback, whoever may know of
 * them; a bare Debian has no /etc/hosts that says so. */
static bool is_localhost(const char *host)
{
	static const char name[] = "localhost";
	size_t chars = strlen(host), name_chars = sizeof(name) - 1;

	return chars >= name_chars && strcasecmp(host + chars - name_chars, name) == 0 &&
	       (chars == name_chars || host[chars - name_chars - 1] == '.');
}

int resolve_lookup(const struct resolve_endpoint *endpoint, struct sonde_address *ret,
		   size_t room, struct sonde_error *err)
{
	struct addresses addresses = {.list = ret, .room = room};
	struct sonde_address address;

	if (!*endpoint->host || is_localhost(endpoint->host))
		return add_both(&addresses, "127.0.0.1", "::1", endpoint->port);
	if (strcmp(endpoint->host, "*") == 0)
		return add_both(&addresses, "0.0.0.0", "::", endpoint->port);
	if (sonde_address_parse_host(endpoint->host, &address) == 0) {
		address.port = endpoint->port;
		add_address(&addresses, &address);
		return (int)addresses.count;
	}
	return add_name(&addresses, endpoint->host, endpoint->port, err);
}
