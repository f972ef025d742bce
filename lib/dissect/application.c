/* Which application a conversation speaks: what the user said, the ports, the bytes. */
#include "dissect/application.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sonde/text.h>

#include "base/array.h"
#include "base/limits.h"

enum { NOBODY = 255 }; /* nobody knows, and nobody is asked again */

static bool lists(const uint16_t *ports, uint16_t port)
{
	for (; ports && *ports; ports++)
		if (*ports == port)
			return true;
	return false;
}

static const struct dissector *by_rule(const struct sonde_dissector *d, uint16_t port)
{
	/* The last one said wins. */
	for (size_t i = d->rule_count; i-- > 0;)
		if (d->rules[i].is_tcp == d->is_tcp && d->rules[i].port == port)
			return d->rules[i].dissector;
	return NULL;
}

static const struct dissector *by_port(const struct sonde_dissector *d, uint16_t port)
{
	for (size_t i = 0; i < dissector_count; i++) {
		const struct dissector *dissector = dissectors[i];

		if (lists(d->is_tcp ? dissector->tcp_ports : dissector->udp_ports, port))
			return dissector;
	}
	return NULL;
}

static const struct dissector *find(const struct sonde_dissector *d, const uint8_t *bytes,
				    size_t n)
{
	/* Ports that told nothing once tell nothing later. */
	bool is_first = !d->flow || !d->flow->tries;
	uint16_t low = d->src.port < d->dst.port ? d->src.port : d->dst.port;
	uint16_t high = d->src.port < d->dst.port ? d->dst.port : d->src.port;
	const struct dissector *found = is_first ? by_rule(d, low) : NULL;

	if (!found && is_first)
		found = by_rule(d, high);
	if (!found && is_first)
		found = by_port(d, low);
	if (!found && is_first)
		found = by_port(d, high);
	if (found)
		return found;
	for (size_t i = 0; i < dissector_count; i++)
		if (dissectors[i]->recognise &&
		    dissectors[i]->recognise(bytes, n, d->is_tcp))
			return dissectors[i];
	return NULL;
}

const struct dissector *application_find(struct sonde_dissector *d, const uint8_t *bytes,
					 size_t n)
{
	const struct dissector *found;
	struct conversation *flow = d->flow;

	if (flow && flow->dissector == NOBODY)
		return NULL;
	if (flow && flow->dissector)
		return dissectors[flow->dissector - 1];
	found = find(d, bytes, n);
	if (flow && found)
		flow->dissector = (uint8_t)(dissector_place(found) + 1);
	else if (flow && flow->tries++ >= 8)
		flow->dissector = NOBODY;
	return found;
}

void application_dissect_datagram(struct sonde_dissector *d, const struct span *span)
{
	const struct dissector *found;

	found = application_find(d, span_bytes(span), span_left(span));
	if (found)
		dissect_call(d, found, span);
	else
		dissect_rest(d, span);
}

/* ---- decode as ---- */

static int refuse(struct sonde_error *err, const char *rule, const char *reason,
		  const char *hint)
{
	sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, "decode", rule, "%s", reason);
	if (hint)
		sonde_error_hint(err, "%s", hint);
	return -EINVAL;
}

static const struct dissector *named(const char *name)
{
	for (size_t i = dissector_place(&dissector_short) + 1; i < dissector_count; i++)
		if (strcmp(dissectors[i]->name, name) == 0)
			return dissectors[i];
	return NULL;
}

static const char *nearest(const char *name)
{
	const char *names[DISSECTORS_MOST];
	size_t count = 0;

	for (size_t i = dissector_place(&dissector_short) + 1; i < dissector_count; i++)
		names[count++] = dissectors[i]->name;
	return sonde_text_nearest(name, names, count);
}

int sonde_dissector_decode_as(struct sonde_dissector *d, const char *rule,
			      struct sonde_error *err)
{
	struct decode_rule parsed = {0};
	const char *comma = strchr(rule, ','), *number;
	char port[8] = "", hint[96];
	long long value;

	if (strncmp(rule, "tcp.port==", 10) != 0 && strncmp(rule, "udp.port==", 10) != 0)
		return refuse(err, rule, "it is not of the form PROTOCOL.port==N,NAME",
			      "for example tcp.port==5001,calc");
	if (!comma)
		return refuse(err, rule, "it names no protocol behind a comma",
			      "for example tcp.port==5001,calc");
	parsed.is_tcp = rule[0] == 't';
	number = rule + 10;
	if (comma < number || (size_t)(comma - number) >= sizeof(port))
		return refuse(err, rule, "the port is no number from 1 to 65535", NULL);
	memcpy(port, number, (size_t)(comma - number));
	if (sonde_text_parse_int(port, 1, 65535, &value) < 0)
		return refuse(err, rule, "the port is no number from 1 to 65535", NULL);
	parsed.port = (uint16_t)value;
	parsed.dissector = named(comma + 1);
	if (!parsed.dissector) {
		const char *other = nearest(comma + 1);

		snprintf(hint, sizeof(hint), "did you mean %s?", other ? other : "");
		return refuse(err, rule, "no dissector has that name",
			      other ? hint : NULL);
	}
	if (array_reserve(&d->rules, &d->rule_capacity, d->rule_count + 1,
			  sizeof(*d->rules)) < 0)
		return -ENOMEM;
	d->rules[d->rule_count++] = parsed;
	return 0;
}
