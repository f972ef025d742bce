/* A scan in nmap's XML, valid against its nmap.dtd, for the programs that read that. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sonde/text.h>
#include <sonde/version.h>

#include "scan_view.h"

/* The value of an attribute.  XML 1.0 has no way to write most control characters, so
 * text that may hold some has been escaped before. */
static void print_attribute(struct output *output, const char *name, const char *value)
{
	output_print(output, " %s=\"", name);
	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;

		/* U+FFFE and U+FFFF are no characters of XML. */
		if (c == 0xef && (unsigned char)value[1] == 0xbf &&
		    (unsigned char)value[2] >= 0xbe) {
			output_print(output, "&#xfffd;");
			value += 2;
		} else if (c == '&') {
			output_print(output, "&amp;");
		} else if (c == '<') {
			output_print(output, "&lt;");
		} else if (c == '>') {
			output_print(output, "&gt;");
		} else if (c == '"') {
			output_print(output, "&quot;");
		} else if (c < ' ' || c == 0x7f) {
			output_print(output, "&#xfffd;");
		} else {
			output_bytes(output, value, 1);
		}
	}
	output_print(output, "\"");
}

/* The same, of bytes from a command line or the network. */
static void print_escaped(struct output *output, const char *name, const char *value)
{
	char storage[2048];
	struct sonde_text text;

	sonde_text_init(&text, storage, sizeof(storage));
	sonde_text_add_escaped(&text, value, strlen(value));
	print_attribute(output, name, storage);
}

static void print_number(struct output *output, const char *name, int64_t value)
{
	output_print(output, " %s=\"%" PRId64 "\"", name, value);
}

static void print_time(struct output *output, const char *name, int64_t at_ns)
{
	time_t seconds = (time_t)(at_ns / 1000000000);
	struct tm parts;
	char text[64];

	if (localtime_r(&seconds, &parts) &&
	    strftime(text, sizeof(text), "%a %b %e %H:%M:%S %Y", &parts))
		print_attribute(output, name, text);
}

static const char *type_name(enum sonde_scan_method method)
{
	if (method == SONDE_SCAN_UDP)
		return "udp";
	return method == SONDE_SCAN_SYN ? "syn" : "connect";
}

static const char *proto_name(enum sonde_scan_method method)
{
	return method == SONDE_SCAN_UDP ? "udp" : "tcp";
}

/* "22,80,1000-2000", for programs that take it apart. */
static void print_services(struct output *output, const struct scan_frame *frame)
{
	const char *separator = "";

	output_print(output, " services=\"");
	for (size_t i = 0; i < frame->port_count; i++) {
		size_t first = i;

		while (i + 1 < frame->port_count &&
		       frame->ports[i + 1] == frame->ports[i] + 1)
			i++;
		output_print(output, "%s%u", separator, frame->ports[first]);
		if (i > first)
			output_print(output, "-%u", frame->ports[i]);
		separator = ",";
	}
	output_print(output, "\"");
}

static void print_head(struct output *output, const struct scan_frame *frame)
{
	output_print(output, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			     "<!DOCTYPE nmaprun>\n<nmaprun scanner=\"nmap\"");
	print_escaped(output, "args", frame->arguments);
	print_number(output, "start", frame->started_ns / 1000000000);
	print_time(output, "startstr", frame->started_ns);
	output_print(output, " version=\"sonde ");
	output_print(output, "%s\" xmloutputversion=\"1.05\">\n", sonde_version());
	if (!frame->only_ping) {
		output_print(output, "<scaninfo type=\"%s\" protocol=\"%s\"",
			     type_name(frame->method), proto_name(frame->method));
		print_number(output, "numservices", (int64_t)frame->summary->ports);
		print_services(output, frame);
		output_print(output, "/>\n");
	}
	output_print(output, "<verbose level=\"%d\"/>\n<debugging level=\"0\"/>\n",
		     output->verbosity > 0 ? output->verbosity : 0);
}

static void print_counted(struct output *output, const struct scan_view_host *host)
{
	for (unsigned i = SONDE_SCAN_CLOSED; i < SONDE_SCAN_STATES; i++) {
		enum sonde_scan_state state = (enum sonde_scan_state)i;

		if (!scan_view_is_counted(host, state))
			continue;
		output_print(output, "<extraports");
		print_attribute(output, "state", sonde_scan_state_name(state));
		print_number(output, "count", (int64_t)host->counts[state]);
		output_print(output, "><extrareasons");
		print_attribute(output, "reason",
				sonde_scan_reason_name(&host->example[state]));
		print_number(output, "count", (int64_t)host->counts[state]);
		output_print(output, "/></extraports>\n");
	}
}

static void print_row(struct output *output, const struct scan_row *row)
{
	const struct sonde_scan_event *result = &row->result;
	char from[SONDE_ADDRESS_CHARS];

	output_print(output, "<port protocol=\"%s\" portid=\"%u\"><state",
		     result->udp ? "udp" : "tcp", result->address.port);
	print_attribute(output, "state", sonde_scan_state_name(result->state));
	print_attribute(output, "reason", sonde_scan_reason_name(result));
	print_number(output, "reason_ttl", result->ttl);
	if (result->from.family != SONDE_FAMILY_NONE) {
		sonde_address_format_host(&result->from, from);
		print_attribute(output, "reason_ip", from);
	}
	output_print(output, "/><service");
	print_escaped(output, "name", scan_row_service(row));
	output_print(output, " method=\"%s\" conf=\"%d\"/>",
		     row->service ? "probed" : "table", row->service ? 10 : 3);
	if (row->said) {
		output_print(output, "<script id=\"banner\"");
		print_attribute(output, "output", row->said);
		output_print(output, "/>");
	}
	output_print(output, "</port>\n");
}

static void print_host(struct output *output, const struct scan_view_host *host,
		       const struct scan_frame *frame)
{
	char address[SONDE_ADDRESS_CHARS];

	output_print(output, "<host");
	print_number(output, "starttime", frame->started_ns / 1000000000);
	print_number(output, "endtime", frame->ended_ns / 1000000000);
	output_print(output, "><status state=\"%s\"", host->up.is_up ? "up" : "down");
	print_attribute(output, "reason", sonde_scan_reason_name(&host->up));
	output_print(output, " reason_ttl=\"%u\"/>\n<address", host->up.ttl);
	sonde_address_format_host(&host->up.address, address);
	print_attribute(output, "addr", address);
	output_print(output, " addrtype=\"%s\"/>\n",
		     host->up.address.family == SONDE_FAMILY_INET6 ? "ipv6" : "ipv4");
	if (host->up.is_up && !frame->only_ping) {
		output_print(output, "<ports>");
		if (!frame->only_open)
			print_counted(output, host);
		for (size_t i = 0; i < host->row_count; i++)
			if (!frame->only_open ||
			    host->rows[i].result.state == SONDE_SCAN_OPEN)
				print_row(output, &host->rows[i]);
		output_print(output, "</ports>\n");
	}
	output_print(output, "</host>\n");
}

static void print_summary(struct output *output, const struct sonde_scan_summary *summary,
			  size_t skipped)
{
	char storage[128];
	struct sonde_text text;

	sonde_text_init(&text, storage, sizeof(storage));
	if (summary->miss_probability >= 0)
		sonde_text_add(&text, "miss probability %.3g", summary->miss_probability);
	if (skipped)
		sonde_text_add(&text, "%s%zu target%s not scanned", text.used ? "; " : "",
			       skipped, skipped == 1 ? "" : "s");
	if (text.used)
		print_attribute(output, "summary", storage);
}

void render_scan_xml(struct output *output, const struct scan_view *view,
		     const struct scan_frame *frame)
{
	const struct sonde_scan_summary *summary = frame->summary;
	size_t skipped = frame->skips ? frame->skips->count : 0;

	print_head(output, frame);
	for (size_t i = 0; i < skipped; i++) {
		output_print(output, "<target");
		print_escaped(output, "specification", frame->skips->list[i].target);
		output_print(output, " status=\"skipped\" reason=\"invalid\"/>\n");
	}
	for (size_t i = 0; i < view->host_count; i++)
		print_host(output, &view->hosts[i], frame);
	output_print(output, "<runstats><finished");
	print_number(output, "time", frame->ended_ns / 1000000000);
	print_time(output, "timestr", frame->ended_ns);
	output_print(output, " elapsed=\"%.2f\" exit=\"%s\"",
		     (double)summary->took_ns / 1e9,
		     summary->is_complete ? "success" : "error");
	print_summary(output, summary, skipped);
	output_print(output, "/><hosts");
	print_number(output, "up", (int64_t)summary->hosts_up);
	print_number(
		output, "down",
		(int64_t)(summary->hosts - summary->hosts_up - summary->hosts_unknown));
	print_number(output, "total", (int64_t)summary->hosts);
	output_print(output, "/></runstats>\n</nmaprun>\n");
}
