/* A scan with one line a host, as nmap's greppable output: for grep, cut and awk. */
#include <inttypes.h>
#include <string.h>

#include <sonde/text.h>
#include <sonde/version.h>

#include "scan_view.h"

/* Slash and comma separate, so a name has neither. */
static void print_name(struct output *output, const char *name)
{
	for (; *name; name++) {
		char c = *name == '/' || *name == ',' || *name == '\t' ? '|' : *name;

		output_bytes(output, &c, 1);
	}
}

static void print_ports(struct output *output, const struct scan_view_host *host,
			const struct scan_frame *frame)
{
	const char *separator = "\tPorts: ";

	for (size_t i = 0; i < host->row_count; i++) {
		const struct scan_row *row = &host->rows[i];

		if (frame->only_open && row->result.state != SONDE_SCAN_OPEN)
			continue;
		output_print(output, "%s%u/%s/%s//", separator, row->result.address.port,
			     sonde_scan_state_name(row->result.state),
			     row->result.udp ? "udp" : "tcp");
		print_name(output, scan_row_service(row));
		output_print(output, "//");
		print_name(output, row->said ? row->said : "");
		output_print(output, "/");
		separator = ", ";
	}
	separator = "\tIgnored State: ";
	for (unsigned i = SONDE_SCAN_CLOSED; i < SONDE_SCAN_STATES; i++) {
		enum sonde_scan_state state = (enum sonde_scan_state)i;

		if (!scan_view_is_counted(host, state))
			continue;
		output_print(output, "%s%s (%" PRIu64 ")", separator,
			     sonde_scan_state_name(state), host->counts[state]);
		separator = ", ";
	}
}

void render_scan_grep(struct output *output, const struct scan_view *view,
		      const struct scan_frame *frame)
{
	char address[SONDE_ADDRESS_CHARS], storage[1024];
	struct sonde_text text;

	sonde_text_init(&text, storage, sizeof(storage));
	sonde_text_add_escaped(&text, frame->arguments, strlen(frame->arguments));
	output_print(output, "# sonde %s: %s\n", sonde_version(), storage);
	for (size_t i = 0; i < view->host_count; i++) {
		const struct scan_view_host *host = &view->hosts[i];

		sonde_address_format_host(&host->up.address, address);
		output_print(output, "Host: %s ()\tStatus: %s\n", address,
			     host->up.is_up ? "Up" : "Down");
		if (!host->up.is_up || frame->only_ping)
			continue;
		output_print(output, "Host: %s ()", address);
		print_ports(output, host, frame);
		output_print(output, "\n");
	}
	render_scan_certainty(output, frame, "# ");
}
