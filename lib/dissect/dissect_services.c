/* The small services: echo (RFC 862), discard (863), chargen (864), qotd (865), daytime
 * (867), time (868).  A table each, and a few lines. */
#include "dissect/dissector.h"
#include "dissect/number.h"

/* With 10000 added where the server has no privilege, as `sonde serve` has it. */
static const uint16_t echo_ports[] = {7, 10007, 0};
static const uint16_t discard_ports[] = {9, 10009, 0};
static const uint16_t daytime_ports[] = {13, 10013, 0};
static const uint16_t qotd_ports[] = {17, 10017, 0};
static const uint16_t chargen_ports[] = {19, 10019, 0};
static const uint16_t time_ports[] = {37, 10037, 0};

/* A port of another range has been said with decode-as: then who spoke first asks. */
static bool is_request(const struct sonde_dissector *d, const uint16_t *ports)
{
	for (const uint16_t *port = ports; *port; port++) {
		if (dissect_destination_port(d) == *port)
			return true;
		if (dissect_source_port(d) == *port)
			return false;
	}
	return dissect_is_from_client(d);
}

static void open_all(struct sonde_dissector *d, const struct span *span, const char *name)
{
	dissect_set_column(d, name);
	dissect_open(d, span, span_left(span));
}

/* --- echo */

enum { ECHO, ECHO_REQUEST, ECHO_RESPONSE, ECHO_DATA };

static const struct sonde_field_info echo_fields[] = {
	[ECHO] = FIELD("echo", "Echo", PROTOCOL),
	[ECHO_REQUEST] = FIELD("echo.request", "Echo request", BOOL),
	[ECHO_RESPONSE] = FIELD("echo.response", "Echo response", BOOL),
	[ECHO_DATA] = FIELD("echo.data", "Echo data", BYTES),
};

static void dissect_echo(struct sonde_dissector *d, const struct span *span)
{
	bool asks = is_request(d, echo_ports);

	open_all(d, span, "ECHO");
	dissect_set_flags(dissect_add_made(d, asks ? ECHO_REQUEST : ECHO_RESPONSE, 1),
			  SONDE_FIELD_HIDDEN);
	dissect_add_bytes(d, ECHO_DATA, span, 0, span_left(span));
	column_add(dissect_info(d), asks ? "Request" : "Response");
}

const struct dissector dissector_echo = {
	.name = "echo",
	.column = "ECHO",
	.fields = echo_fields,
	.field_count = sizeof(echo_fields) / sizeof(echo_fields[0]),
	.tcp_ports = echo_ports,
	.udp_ports = echo_ports,
	.dissect = dissect_echo,
};

/* --- discard */

enum { DISCARD, DISCARD_DATA };

static const struct sonde_field_info discard_fields[] = {
	[DISCARD] = FIELD("discard", "Discard Protocol", PROTOCOL),
	[DISCARD_DATA] = FIELD("discard.data", "Data", BYTES),
};

static void dissect_discard(struct sonde_dissector *d, const struct span *span)
{
	open_all(d, span, "DISCARD");
	dissect_add_bytes(d, DISCARD_DATA, span, 0, span_left(span));
	column_add_pair(dissect_info(d), "Discard Len=", span_left(span));
}

const struct dissector dissector_discard = {
	.name = "discard",
	.column = "DISCARD",
	.fields = discard_fields,
	.field_count = sizeof(discard_fields) / sizeof(discard_fields[0]),
	.tcp_ports = discard_ports,
	.udp_ports = discard_ports,
	.dissect = dissect_discard,
};

/* --- daytime */

enum { DAYTIME, DAYTIME_TYPE, DAYTIME_STRING };

static const struct sonde_field_info daytime_fields[] = {
	[DAYTIME] = FIELD("daytime", "Daytime Protocol", PROTOCOL),
	[DAYTIME_TYPE] = FIELD("daytime.response_request", "Response", BOOL),
	[DAYTIME_STRING] = FIELD("daytime.string", "Daytime", TEXT),
};

static void dissect_daytime(struct sonde_dissector *d, const struct span *span)
{
	bool asks = is_request(d, daytime_ports);

	open_all(d, span, "DAYTIME");
	dissect_set_flags(dissect_add_made(d, DAYTIME_TYPE, !asks),
			  SONDE_FIELD_GENERATED);
	if (!asks)
		dissect_add_bytes(d, DAYTIME_STRING, span, 0, span_left(span));
	column_add(dissect_info(d), asks ? "DAYTIME Request" : "DAYTIME Response");
}

const struct dissector dissector_daytime = {
	.name = "daytime",
	.column = "DAYTIME",
	.fields = daytime_fields,
	.field_count = sizeof(daytime_fields) / sizeof(daytime_fields[0]),
	.tcp_ports = daytime_ports,
	.udp_ports = daytime_ports,
	.dissect = dissect_daytime,
};

/* --- qotd */

enum { QOTD, QOTD_QUOTE };

static const struct sonde_field_info qotd_fields[] = {
	[QOTD] = FIELD("qotd", "Quote of the Day Protocol", PROTOCOL),
	[QOTD_QUOTE] = FIELD("qotd.quote", "Quote", TEXT),
};

static void dissect_qotd(struct sonde_dissector *d, const struct span *span)
{
	bool asks = is_request(d, qotd_ports);

	open_all(d, span, "QOTD");
	if (!asks)
		dissect_add_bytes(d, QOTD_QUOTE, span, 0, span_left(span));
	column_add(dissect_info(d), asks ? "QOTD Request" : "QOTD Response");
}

const struct dissector dissector_qotd = {
	.name = "qotd",
	.column = "QOTD",
	.fields = qotd_fields,
	.field_count = sizeof(qotd_fields) / sizeof(qotd_fields[0]),
	.tcp_ports = qotd_ports,
	.udp_ports = qotd_ports,
	.dissect = dissect_qotd,
};

/* --- chargen */

enum { CHARGEN, CHARGEN_DATA };

static const struct sonde_field_info chargen_fields[] = {
	[CHARGEN] = FIELD("chargen", "Character Generator Protocol", PROTOCOL),
	[CHARGEN_DATA] = FIELD("chargen.data", "Data", TEXT),
};

static void dissect_chargen(struct sonde_dissector *d, const struct span *span)
{
	open_all(d, span, "Chargen");
	dissect_add_bytes(d, CHARGEN_DATA, span, 0, span_left(span));
	column_add(dissect_info(d), "Chargen");
}

const struct dissector dissector_chargen = {
	.name = "chargen",
	.column = "Chargen",
	.fields = chargen_fields,
	.field_count = sizeof(chargen_fields) / sizeof(chargen_fields[0]),
	.tcp_ports = chargen_ports,
	.udp_ports = chargen_ports,
	.dissect = dissect_chargen,
};

/* --- time */

enum { TIME, TIME_RESPONSE, TIME_TIME };

static const struct sonde_field_info time_fields[] = {
	[TIME] = FIELD("time", "Time Protocol", PROTOCOL),
	[TIME_RESPONSE] = FIELD("time.response", "Response", BOOL),
	[TIME_TIME] = NUMBER("time.time", "Seconds since 1900", 32, DECIMAL, NULL),
};

static void dissect_time(struct sonde_dissector *d, const struct span *span)
{
	bool asks = is_request(d, time_ports);

	open_all(d, span, "TIME");
	dissect_set_flags(dissect_add_made(d, TIME_RESPONSE, !asks),
			  SONDE_FIELD_GENERATED);
	if (!asks && span_left(span) >= 4)
		dissect_add_be(d, TIME_TIME, span, 0, 4);
	else if (!asks)
		dissect_set_malformed(d);
	column_add(dissect_info(d), asks ? "TIME Request" : "TIME Response");
}

const struct dissector dissector_time = {
	.name = "time",
	.column = "TIME",
	.fields = time_fields,
	.field_count = sizeof(time_fields) / sizeof(time_fields[0]),
	.tcp_ports = time_ports,
	.udp_ports = time_ports,
	.dissect = dissect_time,
};
