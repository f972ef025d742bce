/* Ports as people write them: 22,80,1000-2000,-100,60000-,- and names.
 *
 * Names may have a hyphen in them (http-alt), so an item is a range only where what
 * stands around its hyphen is digits or nothing. */
#include "scan/ports.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sonde/text.h>

#include "base/limits.h"
#include "io/service_name.h"

enum { PORT_LEAST = 1, PORT_MOST = 65535, ITEM_CHARS = 64 };

bool ports_has(const struct ports *ports, uint16_t port)
{
	return ports->bits[port / 64] >> port % 64 & 1;
}

void ports_add(struct ports *ports, uint16_t first, uint16_t last)
{
	for (uint32_t port = first; port <= last; port++)
		ports->bits[port / 64] |= UINT64_C(1) << port % 64;
}

size_t ports_count(const struct ports *ports)
{
	size_t count = 0;

	for (size_t i = 0; i < sizeof(ports->bits) / sizeof(ports->bits[0]); i++)
		count += (size_t)__builtin_popcountll(ports->bits[i]);
	return count;
}

size_t ports_list(const struct ports *ports, uint16_t *ret)
{
	size_t count = 0;

	for (uint32_t port = 0; port <= PORT_MOST; port++)
		if (ports_has(ports, (uint16_t)port))
			ret[count++] = (uint16_t)port;
	return count;
}

static int refuse(struct sonde_error *err, const char *item, const char *reason,
		  const char *hint)
{
	char shown[128];
	struct sonde_text text;

	sonde_text_init(&text, shown, sizeof(shown));
	sonde_text_add_escaped(&text, item, strlen(item));
	sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, "use ports",
			*item ? shown : "\"\"", "%s", reason);
	sonde_error_hint(err, "%s", hint);
	return -EINVAL;
}

/* One end of a range; "" is `fallback`. */
static int parse_end(const char *item, const char *text, long long fallback,
		     long long *ret, struct sonde_error *err)
{
	int r;

	*ret = fallback;
	if (!*text)
		return 0;
	r = sonde_text_parse_int(text, PORT_LEAST, PORT_MOST, ret);
	if (r == -ERANGE)
		return refuse(err, item, "ports are 1 to 65535",
			      "port 0 is reserved: nothing can listen there");
	return r == 0 ? 0
		      : refuse(err, item, "it is no range of ports",
			       "write FIRST-LAST, as in 1000-2000");
}

static int parse_name(struct ports *ports, const char *item, struct sonde_error *err)
{
	char nearest[SERVICE_NAME_CHARS], hint[160];
	uint16_t port;
	int r;

	if (service_name_lookup(item, &port) == 0 && port > 0) {
		ports_add(ports, port, port);
		return 0;
	}
	if (strncasecmp(item, "T:", 2) == 0 || strncasecmp(item, "U:", 2) == 0)
		return refuse(err, item, "one scan is of TCP or of UDP",
			      "write the numbers alone; --udp scans UDP");
	r = service_name_nearest(item, nearest);
	if (r > 0)
		snprintf(hint, sizeof(hint), "did you mean %s?", nearest);
	else
		snprintf(hint, sizeof(hint),
			 "22,80,1000-2000, names of /etc/services, or - for all");
	return refuse(err, item, "it is no port, and no service has this name", hint);
}

static int parse_item(struct ports *ports, const char *item, struct sonde_error *err)
{
	const char *hyphen = strchr(item, '-');
	long long first, last;
	int r;

	if (!*item)
		return refuse(err, item, "an item is empty",
			      "22,80,1000-2000, names of /etc/services, or - for all");
	if (item[strspn(item, "0123456789-")])
		return parse_name(ports, item, err);
	if (!hyphen) {
		r = parse_end(item, item, 0, &first, err);
		if (r == 0)
			ports_add(ports, (uint16_t)first, (uint16_t)first);
		return r;
	}
	char begin[ITEM_CHARS] = "";
	memcpy(begin, item, hyphen - item);
	r = parse_end(item, begin, PORT_LEAST, &first, err);
	if (r == 0)
		r = parse_end(item, hyphen + 1, PORT_MOST, &last, err);
	if (r < 0)
		return r;
	if (last < first)
		return refuse(err, item, "the range ends before it begins",
			      "write the smaller number first");
	ports_add(ports, (uint16_t)first, (uint16_t)last);
	return 0;
}

int ports_parse(struct ports *ports, const char *text, struct sonde_error *err)
{
	struct ports sum = *ports;
	int r = 0;

	for (bool more = true; more && r == 0;) {
		size_t n = strcspn(text, ",");
		char item[ITEM_CHARS];

		if (n >= sizeof(item)) {
			memcpy(item, text, sizeof(item) - 1);
			item[sizeof(item) - 1] = '\0';
			return refuse(err, item, "too long for a port",
				      "a comma stands between two ports");
		}
		memcpy(item, text, n);
		item[n] = '\0';
		more = text[n] == ',';
		text += n + more;
		r = parse_item(&sum, item, err);
	}
	if (r == 0)
		*ports = sum;
	return r;
}
