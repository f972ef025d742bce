/* The results of a scan, by host: what a table, XML and the greppable form are made of.
 * NDJSON needs none of it: its lines leave as they come.
 *
 * Memory does not grow with the ports that nobody is interested in: of each state of a
 * host only so many ports are kept, the rest is counted.  Open ports are all kept. */
#ifndef CLI_SCAN_VIEW_H
#define CLI_SCAN_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include <sonde/scan.h>

#include "output.h"
#include "scan_skips.h"

enum { SCAN_VIEW_LISTED = 25 }; /* of a state that is not open; more become a count */

struct scan_row {
	struct sonde_scan_event result; /* without bytes and text */
	char *said;                     /* owned; escaped; NULL */
	const char *service;            /* what proved itself; NULL */
	bool was_asked;
};

struct scan_view_host {
	struct sonde_scan_event up; /* the event that told of it */
	uint64_t counts[SONDE_SCAN_STATES];
	/* The reason of the ports that are only counted; of several, the first. */
	struct sonde_scan_event example[SONDE_SCAN_STATES];
	struct scan_row *rows; /* owned */
	size_t row_count, row_room;
};

struct scan_view {
	struct scan_view_host *hosts; /* owned */
	size_t host_count, host_room;
	size_t last; /* host that was found last */
	bool has_no_memory;
};

void scan_view_done(struct scan_view *view);
void scan_view_add(struct scan_view *view, const struct sonde_scan_event *event);
/* Hosts by address, ports by number, and without the states that are too many. */
void scan_view_sort(struct scan_view *view);
/* Whether its ports are a count instead of rows. */
bool scan_view_is_counted(const struct scan_view_host *host, enum sonde_scan_state state);
/* What the port is known for: proved, or by /etc/services; "unknown". */
const char *scan_row_service(const struct scan_row *row);

/* What the renderings need to know beside. */
struct scan_frame {
	const struct sonde_scan_summary *summary;
	enum sonde_scan_method method;
	const uint16_t *ports; /* ascending */
	size_t port_count;
	const char *arguments;        /* the command line */
	int64_t started_ns, ended_ns; /* CLOCK_REALTIME */
	bool has_reasons, only_open, only_ping;
	const struct scan_skips *skips; /* targets that were not scanned; NULL none */
};

void render_scan_text(struct output *output, const struct scan_view *view,
		      const struct scan_frame *frame);
void render_scan_xml(struct output *output, const struct scan_view *view,
		     const struct scan_frame *frame);
void render_scan_grep(struct output *output, const struct scan_view *view,
		      const struct scan_frame *frame);
/* One event, as it comes. */
void render_scan_json(struct output *output, const struct sonde_scan_event *event);
/* The targets that are not scanned. */
void render_scan_json_skips(struct output *output, const struct scan_skips *skips);
void render_scan_json_summary(struct output *output, const struct scan_frame *frame);
/* The last lines: what was done, and how sure it is; `before` begins each of them. */
void render_scan_certainty(struct output *output, const struct scan_frame *frame,
			   const char *before);

#endif
