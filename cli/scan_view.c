/* Results by host. */
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/text.h>

#include "scan_view.h"

void scan_view_done(struct scan_view *view)
{
	for (size_t i = 0; i < view->host_count; i++) {
		for (size_t k = 0; k < view->hosts[i].row_count; k++)
			free(view->hosts[i].rows[k].said);
		free(view->hosts[i].rows);
	}
	free(view->hosts);
	*view = (struct scan_view){0};
}

static void *grow(void *array, size_t *room, size_t count, size_t size)
{
	size_t more = count + count / 2 + 8;
	char *grown;

	if (count < *room)
		return array;
	grown = reallocarray(array, more, size);
	if (grown) {
		memset(grown + *room * size, 0, (more - *room) * size);
		*room = more;
	}
	return grown;
}

static struct scan_view_host *find_host(struct scan_view *view,
					const struct sonde_address *address)
{
	if (view->last < view->host_count &&
	    sonde_address_equal_host(&view->hosts[view->last].up.address, address))
		return &view->hosts[view->last];
	/* Hosts are told in ascending order. */
	size_t low = 0, high = view->host_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = sonde_address_order_host(&view->hosts[middle].up.address,
						     address);

		if (order == 0) {
			view->last = middle;
			return &view->hosts[middle];
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static void add_host(struct scan_view *view, const struct sonde_scan_event *event)
{
	struct scan_view_host *grown = grow(view->hosts, &view->host_room,
					    view->host_count, sizeof(view->hosts[0]));

	if (!grown) {
		view->has_no_memory = true;
		return;
	}
	view->hosts = grown;
	view->last = view->host_count++;
	view->hosts[view->last].up = *event;
}

static void add_port(struct scan_view *view, const struct sonde_scan_event *event)
{
	struct scan_view_host *host = find_host(view, &event->address);
	struct scan_row *grown;

	if (!host)
		return;
	if (host->counts[event->state]++ == 0) {
		host->example[event->state] = *event;
		host->example[event->state].bytes = NULL;
	}
	if (event->state != SONDE_SCAN_OPEN &&
	    host->counts[event->state] > SCAN_VIEW_LISTED)
		return;
	grown = grow(host->rows, &host->row_room, host->row_count, sizeof(*grown));
	if (!grown) {
		view->has_no_memory = true;
		return;
	}
	host->rows = grown;
	host->rows[host->row_count++] = (struct scan_row){.result = *event};
	host->rows[host->row_count - 1].result.bytes = NULL;
}

static void add_words(struct scan_view *view, const struct sonde_scan_event *event)
{
	struct scan_view_host *host = find_host(view, &event->address);
	char storage[2048];
	struct sonde_text text;

	for (size_t i = 0; host && i < host->row_count; i++) {
		struct scan_row *row = &host->rows[i];

		if (row->result.address.port != event->address.port)
			continue;
		sonde_text_init(&text, storage, sizeof(storage));
		sonde_text_add_escaped(&text, event->bytes, event->n);
		free(row->said);
		row->said = event->n ? strdup(storage) : NULL;
		row->service = event->service;
		row->was_asked = event->was_asked;
		return;
	}
}

void scan_view_add(struct scan_view *view, const struct sonde_scan_event *event)
{
	if (event->kind == SONDE_SCAN_HOST)
		add_host(view, event);
	else if (event->kind == SONDE_SCAN_PORT)
		add_port(view, event);
	else if (event->kind == SONDE_SCAN_SAID)
		add_words(view, event);
}

static int compare(const void *a, const void *b)
{
	const struct scan_row *one = a, *other = b;

	return (int)one->result.address.port - (int)other->result.address.port;
}

bool scan_view_is_counted(const struct scan_view_host *host, enum sonde_scan_state state)
{
	return state != SONDE_SCAN_OPEN && host->counts[state] > SCAN_VIEW_LISTED;
}

void scan_view_sort(struct scan_view *view)
{
	for (size_t i = 0; i < view->host_count; i++) {
		struct scan_view_host *host = &view->hosts[i];
		size_t kept = 0;

		for (size_t k = 0; k < host->row_count; k++) {
			if (scan_view_is_counted(host, host->rows[k].result.state))
				free(host->rows[k].said);
			else
				host->rows[kept++] = host->rows[k];
		}
		host->row_count = kept;
		if (kept > 1)
			qsort(host->rows, kept, sizeof(host->rows[0]), compare);
	}
}

const char *scan_row_service(const struct scan_row *row)
{
	const struct servent *known;

	if (row->service)
		return row->service;
	known = getservbyport(htons(row->result.address.port),
			      row->result.udp ? "udp" : "tcp");
	return known ? known->s_name : "unknown";
}
