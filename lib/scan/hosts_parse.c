/* Targets as people write them: names, addresses, ADDRESS/BITS, FIRST-LAST, and IPv4
 * numbers with ranges (192.0.2.1-20, 192.0.2-3.1,7). */
#include "scan/hosts.h"

#include <errno.h>
#include <string.h>

#include <sonde/text.h>

#include "base/array.h"
#include "base/limits.h"
#include "io/resolve.h"

enum { TARGET_CHARS = 256 };

static int refuse(struct sonde_error *err, const char *text, const char *reason,
		  const char *hint)
{
	char shown[160];
	struct sonde_text to;

	sonde_text_init(&to, shown, sizeof(shown));
	sonde_text_add_escaped(&to, text, strlen(text));
	sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, "use target",
			*text ? shown : "\"\"", "%s", reason);
	sonde_error_hint(err, "%s", hint);
	return -EINVAL;
}

static int no_memory(struct sonde_error *err)
{
	return sonde_error_set(err, SONDE_ERROR_TROUBLE, -ENOMEM, "keep", "the targets",
			       NULL);
}

static int add(struct hosts *hosts, const struct sonde_address *first,
	       const struct sonde_address *last, struct sonde_error *err)
{
	struct host_range range = {.family = first->family, .scope_id = first->scope_id};

	memcpy(range.first, first->bytes, sizeof(range.first));
	memcpy(range.last, last->bytes, sizeof(range.last));
	if (array_reserve(&hosts->ranges, &hosts->room, hosts->count + 1,
			  sizeof(hosts->ranges[0])) < 0)
		return no_memory(err);
	hosts->ranges[hosts->count++] = range;
	return 0;
}

static int parse_prefix(struct hosts *hosts, const char *text, char *host, char *bits,
			struct sonde_error *err)
{
	struct resolve_endpoint endpoint;
	struct sonde_address list[LIMIT_ADDRESSES], last;
	long long count;
	int r = sonde_address_parse_host(host, &list[0]);

	if (r < 0) {
		/* "localhost/30": the first address of the name, as nmap has it. */
		r = resolve_parse_pair(host, "0", &endpoint, err);
		if (r == 0)
			r = resolve_lookup(&endpoint, list, LIMIT_ADDRESSES, err);
		if (r < 0)
			return r;
		list[0].port = 0;
	}
	last = list[0];
	unsigned most = last.family == SONDE_FAMILY_INET ? 32 : 128;
	if (sonde_text_parse_int(bits, 0, most, &count) < 0)
		return refuse(err, text,
			      most == 32 ? "what follows the / is no number from 0 to 32"
					 : "what follows the / is no number from 0 to "
					   "128",
			      "write ADDRESS/BITS, as in 192.0.2.0/24");
	for (unsigned bit = (unsigned)count; bit < most; bit++) {
		list[0].bytes[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
		last.bytes[bit / 8] |= (uint8_t)(0x80u >> bit % 8);
	}
	return add(hosts, &list[0], &last, err);
}

struct octets {
	bool has[256];
};

/* "7", "1-20", "-", "1-20,30" */
static bool parse_octets(const char *text, size_t n, struct octets *ret)
{
	size_t at = 0;

	memset(ret, 0, sizeof(*ret));
	do {
		unsigned ends[2] = {0, 255};
		bool is_range = false;
		size_t begin = at;

		for (unsigned i = 0; i < 2; i++) {
			size_t digits = 0;
			unsigned value = 0;

			while (at < n && text[at] >= '0' && text[at] <= '9' &&
			       digits < 4) {
				value = value * 10 + (unsigned)(text[at++] - '0');
				digits++;
			}
			if (value > 255 || digits > 3)
				return false;
			if (digits)
				ends[i] = value;
			if (i == 0 && at < n && text[at] == '-') {
				is_range = true;
				at++;
			} else if (i == 0) {
				ends[1] = ends[0];
				break;
			}
		}
		if ((!is_range && at == begin) || ends[1] < ends[0])
			return false;
		for (unsigned value = ends[0]; value <= ends[1]; value++)
			ret->has[value] = true;
	} while (at < n && text[at++] == ',');
	return at == n && !(n > 0 && text[n - 1] == ',');
}

/* Four of them with dots between; false: it is something else. */
static bool parse_four(const char *text, struct octets ret[4])
{
	for (unsigned i = 0; i < 4; i++) {
		size_t n = strcspn(text, ".");

		if (!parse_octets(text, n, &ret[i]) || (text[n] == '.') != (i < 3))
			return false;
		text += n + (i < 3);
	}
	return true;
}

static int add_four(struct hosts *hosts, const struct octets octets[4],
		    struct sonde_error *err)
{
	struct sonde_address first = {.family = SONDE_FAMILY_INET}, last = first;

	for (uint32_t high = 0; high < 1u << 24; high++) {
		unsigned a = high >> 16, b = high >> 8 & 0xff, c = high & 0xff;

		if (!octets[0].has[a]) {
			high |= 0xffff;
			continue;
		}
		if (!octets[1].has[b]) {
			high |= 0xff;
			continue;
		}
		if (!octets[2].has[c])
			continue;
		first.bytes[0] = last.bytes[0] = (uint8_t)a;
		first.bytes[1] = last.bytes[1] = (uint8_t)b;
		first.bytes[2] = last.bytes[2] = (uint8_t)c;
		for (unsigned d = 0; d < 256; d++) {
			unsigned end = d;

			if (!octets[3].has[d])
				continue;
			while (end < 255 && octets[3].has[end + 1])
				end++;
			first.bytes[3] = (uint8_t)d;
			last.bytes[3] = (uint8_t)end;
			if (hosts->count >= LIMIT_SCAN_RANGES)
				return refuse(err, "", "too many ranges of targets",
					      "write ADDRESS/BITS where whole networks "
					      "are meant");
			if (add(hosts, &first, &last, err) < 0)
				return -ENOMEM;
			d = end;
		}
	}
	return 0;
}

/* FIRST-LAST of whole addresses.  1: it is something else. */
static int parse_span(struct hosts *hosts, const char *text, char *host,
		      struct sonde_error *err)
{
	char *hyphen = strchr(host, '-');
	struct sonde_address first, last;
	int r;

	if (!hyphen)
		return 1;
	*hyphen = '\0';
	r = sonde_address_parse_host(host, &first) < 0 ||
			    sonde_address_parse_host(hyphen + 1, &last) < 0
		    ? 1
		    : 0;
	*hyphen = '-';
	if (r)
		return r;
	if (first.family != last.family || first.scope_id != last.scope_id)
		return refuse(err, text, "the ends of the range are of two kinds",
			      "write two addresses of IPv4, or two of IPv6");
	if (memcmp(first.bytes, last.bytes, sizeof(first.bytes)) > 0)
		return refuse(err, text, "the range ends before it begins",
			      "write the smaller address first");
	return add(hosts, &first, &last, err);
}

static int parse_name(struct hosts *hosts, const char *host, struct sonde_error *err)
{
	struct sonde_address list[LIMIT_ADDRESSES];
	struct resolve_endpoint endpoint;
	int count, r = resolve_parse_pair(host, "0", &endpoint, err);

	if (r < 0)
		return r;
	if (strcmp(endpoint.host, "*") == 0)
		return refuse(err, host, "it is every interface, and no target",
			      "localhost is this machine");
	count = resolve_lookup(&endpoint, list, LIMIT_ADDRESSES, err);
	for (int i = 0; i < count; i++) {
		r = add(hosts, &list[i], &list[i], err);
		if (r < 0)
			return r;
	}
	return count < 0 ? count : 0;
}

int hosts_parse(struct hosts *hosts, const char *text, struct sonde_error *err)
{
	static const char digits[] = "0123456789.,-";
	char host[TARGET_CHARS];
	size_t n = strlen(text);
	struct sonde_address address;
	struct octets octets[4];
	char *slash;
	int r;

	if (!n || n >= sizeof(host))
		return refuse(err, n ? "" : text, n ? "too long" : "it is empty",
			      "a name, an address, 192.0.2.0/24 or 192.0.2.1-20");
	memcpy(host, text, n + 1);
	if (sonde_address_parse_host(host, &address) == 0)
		return add(hosts, &address, &address, err);
	if (strstr(host, "://"))
		return refuse(err, text, "it is a URL, and no host",
			      "write its host alone; -p names the ports");
	slash = strchr(host, '/');
	if (slash) {
		*slash = '\0';
		return parse_prefix(hosts, text, host, slash + 1, err);
	}
	r = parse_span(hosts, text, host, err);
	if (r <= 0)
		return r;
	if (host[strspn(host, digits)])
		return parse_name(hosts, host, err);
	if (!parse_four(host, octets))
		return refuse(err, text, "it is no address and no range of addresses",
			      "192.0.2.7, 192.0.2.1-20 or 192.0.2.0/24");
	return add_four(hosts, octets, err);
}
