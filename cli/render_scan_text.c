/* A scan as a table for people. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <sonde/text.h>

#include "scan_view.h"

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

static void add_duration(struct sonde_text *text, int64_t ns)
{
	if (ns >= 0)
		sonde_text_add_duration(text, ns);
	else
		sonde_text_add(text, "-");
}

/* "admin-prohibited from 192.0.2.1", and for those who read Windows' numbers too,
 * "ECONNREFUSED" stands in the legend. */
static void add_reason(struct sonde_text *text, const struct sonde_scan_event *result)
{
	char from[SONDE_ADDRESS_CHARS];

	sonde_text_add(text, "%s", sonde_scan_reason_name(result));
	if (result->reason != SONDE_SCAN_ICMP)
		return;
	sonde_text_add(text, " (ICMP %u/%u", result->icmp_type, result->icmp_code);
	if (result->from.family != SONDE_FAMILY_NONE &&
	    !sonde_address_equal_host(&result->from, &result->address)) {
		sonde_address_format_host(&result->from, from);
		sonde_text_add(text, " from %s", from);
	}
	sonde_text_add(text, ")");
}

static void print_host_line(struct output *output, const struct scan_view_host *host)
{
	char address[SONDE_ADDRESS_CHARS], storage[256];
	struct sonde_text line;

	sonde_address_format_host(&host->up.address, address);
	sonde_text_init(&line, storage, sizeof(storage));
	sonde_text_add(&line, "%s is %s", address, host->up.is_up ? "up" : "down");
	if (host->up.reason != SONDE_SCAN_USER) {
		sonde_text_add(&line, " (%s", sonde_scan_reason_name(&host->up));
		if (host->up.rtt_ns >= 0) {
			sonde_text_add(&line, ", ");
			add_duration(&line, host->up.rtt_ns);
		}
		sonde_text_add(&line, ")");
	} else {
		sonde_text_init(&line, storage, sizeof(storage));
		sonde_text_add(&line, "%s", address);
	}
	output_print(output, "%s\n", storage);
}

static void print_counts(struct output *output, const struct scan_view_host *host,
			 const struct scan_frame *frame)
{
	static const enum sonde_scan_state order[] = {
		SONDE_SCAN_CLOSED, SONDE_SCAN_FILTERED, SONDE_SCAN_OPEN_FILTERED,
		SONDE_SCAN_UNREACHABLE};
	char storage[256];
	struct sonde_text text;

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		enum sonde_scan_state state = order[i];

		if (!scan_view_is_counted(host, state) || frame->only_open)
			continue;
		sonde_text_init(&text, storage, sizeof(storage));
		add_reason(&text, &host->example[state]);
		output_print(output, "  %" PRIu64 " ports %s: %s\n", host->counts[state],
			     sonde_scan_state_name(state), storage);
	}
}

/* The escaped end of a line (letter: n or r) in escaped text, in which a backslash itself is
 * two; NULL: there is none. */
static const char *find_escape(const char *text, size_t n, char letter)
{
	for (size_t i = 0; i + 1 < n; i++) {
		if (text[i] != '\\')
			continue;
		if (text[i + 1] == letter)
			return text + i;
		i++;
	}
	return NULL;
}

/* How much is left without the blank lines at the end. */
static size_t trim(const char *said)
{
	size_t kept = 0;

	for (size_t i = 0; said[i];) {
		size_t n = said[i] == '\\' && said[i + 1] ? 2 : 1;

		if (n == 1 || (said[i + 1] != 'n' && said[i + 1] != 'r'))
			kept = i + n;
		i += n;
	}
	return kept;
}

/* Each line of what a port said on a line of its own, as wide as the output. */
static void print_said(struct output *output, const char *said)
{
	const char *mark = output->has_utf8 ? "│" : "|";
	size_t left = trim(said);
	int lines = 0;

	while (left > 0 && lines++ < 8) {
		const char *end = find_escape(said, left, 'n');
		size_t n = end ? (size_t)(end - said) : left;
		size_t shown = n;

		if (find_escape(said, n, 'r') == said + n - 2)
			shown -= 2;
		if (shown > output->width - 6) {
			shown = output->width - 9;
			while (shown > 0 && ((unsigned char)said[shown] & 0xc0) == 0x80)
				shown--;
			output_print(output, "    %s %.*s...\n", mark, (int)shown, said);
		} else {
			output_print(output, "    %s %.*s\n", mark, (int)shown, said);
		}
		n += end ? 2 : 0;
		said += n;
		left -= n;
	}
	if (left)
		output_print(output, "    %s ...\n", mark);
}

static void print_rows(struct output *output, const struct scan_view_host *host,
		       const struct scan_frame *frame)
{
	char port[16], trip[32], reason[160];
	struct sonde_text text;
	bool has_header = false;

	for (size_t i = 0; i < host->row_count; i++) {
		const struct scan_row *row = &host->rows[i];

		if (frame->only_open && row->result.state != SONDE_SCAN_OPEN)
			continue;
		if (!has_header)
			output_print(output,
				     frame->has_reasons ? "  %-10s %-13s %-14s %-8s %s\n"
							: "  %-10s %-13s %s\n",
				     "PORT", "STATE", "SERVICE", "RTT", "REASON");
		has_header = true;
		snprintf(port, sizeof(port), "%u/%s", row->result.address.port,
			 row->result.udp ? "udp" : "tcp");
		sonde_text_init(&text, trip, sizeof(trip));
		add_duration(&text, row->result.rtt_ns);
		sonde_text_init(&text, reason, sizeof(reason));
		add_reason(&text, &row->result);
		output_print(output,
			     frame->has_reasons ? "  %-10s %-13s %-14s %-8s %s\n"
						: "  %-10s %-13s %s\n",
			     port, sonde_scan_state_name(row->result.state),
			     scan_row_service(row), trip, reason);
		if (row->said)
			print_said(output, row->said);
	}
}

/* What the words mean to the calls of a program, on Windows too. */
static void print_legend(struct output *output, const struct scan_frame *frame)
{
	const uint64_t *states = frame->summary->states;

	if (!frame->has_reasons || frame->method == SONDE_SCAN_UDP)
		return;
	if (states[SONDE_SCAN_OPEN])
		output_print(output,
			     "open: connect() succeeds; without waiting it says first "
			     "EINPROGRESS\n      (Windows: WSAEWOULDBLOCK 10035)\n");
	if (states[SONDE_SCAN_CLOSED])
		output_print(output,
			     "closed: connect() fails with ECONNREFUSED (Windows: "
			     "WSAECONNREFUSED 10061)\n");
	if (states[SONDE_SCAN_FILTERED])
		output_print(output, "filtered: connect() waits, then ETIMEDOUT "
				     "(Windows: WSAETIMEDOUT 10060)\n");
	if (states[SONDE_SCAN_UNREACHABLE])
		output_print(output,
			     "unreachable: connect() fails with EHOSTUNREACH or "
			     "ENETUNREACH\n      (Windows: WSAEHOSTUNREACH 10065, "
			     "WSAENETUNREACH 10051)\n");
}

/* What the end came before. */
static void add_unknown(struct sonde_text *text, const struct sonde_scan_summary *summary)
{
	uint64_t hosts = summary->hosts_unknown;
	uint64_t ports = summary->states[SONDE_SCAN_UNKNOWN];

	sonde_text_add(text, "stopped early: ");
	if (hosts)
		sonde_text_add(text, "%" PRIu64 " host%s", hosts, plural(hosts));
	if (hosts && ports)
		sonde_text_add(text, " and ");
	if (ports)
		sonde_text_add(text, "%" PRIu64 " port%s", ports, plural(ports));
	if (hosts || ports)
		sonde_text_add(text, " %s not asked often enough to know",
			       hosts + ports == 1 ? "was" : "were");
	else
		sonde_text_add(text, "not every open port was asked what it is");
}

static void add_sureness(struct sonde_text *text,
			 const struct sonde_scan_summary *summary)
{
	if (summary->miss_probability < 0 && summary->hosts_up)
		sonde_text_add(text, "miss probability not known: nothing answered");
	else if (summary->miss_probability == 0 && summary->refused)
		sonde_text_add(
			text,
			"miss probability not known: an error of this machine kept "
			"%" PRIu64 " port%s from being asked",
			summary->refused, plural(summary->refused));
	else if (summary->miss_probability == 0)
		sonde_text_add(text, "miss probability 0: every port answered");
	else if (summary->hosts_up)
		sonde_text_add(text, "miss probability <= %.2g",
			       summary->miss_probability);
}

void render_scan_certainty(struct output *output, const struct scan_frame *frame,
			   const char *before)
{
	const struct sonde_scan_summary *summary = frame->summary;
	char storage[512];
	struct sonde_text text;

	sonde_text_init(&text, storage, sizeof(storage));
	sonde_text_add(&text, "%" PRIu64 " host%s up of %" PRIu64, summary->hosts_up,
		       plural(summary->hosts_up), summary->hosts);
	if (!frame->only_ping) {
		sonde_text_add(&text, ", %" PRIu64 " open; %" PRIu64 " probe%s in ",
			       summary->states[SONDE_SCAN_OPEN], summary->probes,
			       plural(summary->probes));
		sonde_text_add_duration(&text, summary->took_ns);
	}
	if (summary->own_drops)
		sonde_text_add(&text,
			       ", %" PRIu64 " packet%s dropped here and asked again",
			       summary->own_drops, plural(summary->own_drops));
	output_print(output, "%s%s\n", before, storage);
	sonde_text_init(&text, storage, sizeof(storage));
	if (!summary->is_complete)
		add_unknown(&text, summary);
	else if (!frame->only_ping)
		add_sureness(&text, summary);
	if (summary->loss > 0)
		sonde_text_add(&text, " (measured loss %.2g %%)", summary->loss * 100);
	if (text.used)
		output_print(output, "%s%s\n", before, storage);
	if (frame->skips && frame->skips->count)
		output_print(output,
			     "%s%zu target%s not scanned: no address for %s name%s\n",
			     before, frame->skips->count, plural(frame->skips->count),
			     frame->skips->count == 1 ? "its" : "their",
			     plural(frame->skips->count));
}

void render_scan_text(struct output *output, const struct scan_view *view,
		      const struct scan_frame *frame)
{
	for (size_t i = 0; i < view->host_count; i++) {
		const struct scan_view_host *host = &view->hosts[i];

		if ((!host->up.is_up && view->host_count > 16) ||
		    (frame->only_open && !host->counts[SONDE_SCAN_OPEN]))
			continue;
		print_host_line(output, host);
		print_counts(output, host, frame);
		print_rows(output, host, frame);
	}
	print_legend(output, frame);
	render_scan_certainty(output, frame, "");
}
