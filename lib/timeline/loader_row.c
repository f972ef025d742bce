/* Rows of a capture file, as recording_json.c writes them, back into elements.
 *
 * A number in a file may be any number: what is out of its range becomes 0, "none", and a
 * row without what a call needs is refused as a whole. */
#include "timeline/loader.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/limits.h"

/* Of a time since the epoch of a run, and of the epoch: their sum is a time still. */
#define TIME_MOST INT64_C(0x3fffffffffffffff)

struct row {
	struct sonde_loader *loader;
	const struct json_document *document;
	int64_t epoch_ns;
};

uint32_t loader_find(const struct loader_numbers *numbers, uint32_t number)
{
	return number && number <= numbers->count ? numbers->places[number - 1] : 0;
}

static int set_number(struct loader_numbers *numbers, uint32_t number, uint32_t place)
{
	if (array_reserve(&numbers->places, &numbers->room, number,
			  sizeof(*numbers->places)) < 0)
		return -ENOMEM;
	if (number > numbers->count)
		numbers->count = number;
	numbers->places[number - 1] = place;
	return 0;
}

/* Puts down where an element is that was just added (or why it was not). */
static int note_number(struct loader_numbers *numbers, uint32_t number, int place)
{
	return place < 0 ? place : set_number(numbers, number, (uint32_t)place);
}

/* 0 where it was not seen. */
static int64_t time_of(const struct row *row, uint32_t object, const char *key)
{
	int64_t since = json_int(row->document, object, key, INT64_MIN);

	if (since == INT64_MIN || since > TIME_MOST || since < -TIME_MOST)
		return 0;
	return row->epoch_ns + since;
}

static struct sonde_address address_of(const struct row *row, uint32_t object,
				       const char *key)
{
	const struct json_document *document = row->document;
	uint32_t member = json_member(document, object, key);
	struct sonde_address address = {0};
	const char *digits = json_text(document, member, "bytes");

	if (!member)
		return address;
	address.family =
		(uint8_t)json_count(document, member, "family", SONDE_FAMILY_OTHER);
	address.port = (uint16_t)json_count(document, member, "port", UINT16_MAX);
	address.scope_id = json_count(document, member, "scope", UINT32_MAX);
	for (size_t i = 0;
	     digits && i < sizeof(address.bytes) && digits[2 * i] && digits[2 * i + 1];
	     i++) {
		static const char hex[] = "0123456789abcdef";
		const char *high = strchr(hex, digits[2 * i]);
		const char *low = strchr(hex, digits[2 * i + 1]);

		if (!high || !low)
			break;
		address.bytes[i] = (uint8_t)((high - hex) << 4 | (low - hex));
	}
	return address;
}

static int take_program(const struct row *row, uint32_t object)
{
	struct sonde_loader *loader = row->loader;
	const struct json_document *document = row->document;
	const char *arguments[LIMIT_ARGUMENTS];
	uint32_t raw = json_member(document, object, "raw"), list, number;
	struct sonde_program program = {
		.pid = json_count(document, object, "pid", INT32_MAX),
		.parent = json_count(document, object, "parent", LIMIT_PROGRAMS),
		.name = json_text(document, object, "name"),
		.arguments = arguments,
		.started_ns = time_of(row, object, "started_ns"),
		.ended_ns = time_of(row, object, "ended_ns"),
		.exit_status = (int)json_int(document, raw, "status", -1),
		.exit_signal = (int)json_count(document, raw, "signal", 64),
		.replaced = json_bool(document, object, "replaced"),
		.lines = (uint8_t)json_count(document, raw, "lines", SONDE_LINES_SYMBOLS),
		.interpreter = json_text(document, object, "interpreter"),
	};

	number = json_count(document, object, "program", LIMIT_PROGRAMS);
	if (!number || loader_find(&loader->programs, number))
		return 0;
	list = json_member(document, object, "argv");
	for (uint32_t m = json_first(document, list);
	     m && program.argument_count < LIMIT_ARGUMENTS;
	     m = json_next(document, list, m)) {
		if (document->nodes[m].kind == JSON_STRING)
			arguments[program.argument_count++] = document->nodes[m].text;
	}
	return note_number(&loader->programs, number,
			   sonde_recording_add_program(loader->scratch, &program));
}

/* A later row may know more of a socket than the one before. */
static int take_socket(const struct row *row, uint32_t object)
{
	struct sonde_loader *loader = row->loader;
	const struct json_document *document = row->document;
	uint32_t raw = json_member(document, object, "raw");
	uint32_t number = json_count(document, object, "socket", LIMIT_SOCKETS);
	struct sonde_socket socket = {
		.socket = loader_find(&loader->sockets, number),
		.program = json_count(document, object, "program", LIMIT_PROGRAMS),
		.pid = json_count(document, object, "pid", INT32_MAX),
		.fd = (int)json_count(document, object, "fd", INT32_MAX),
		.family =
			(uint8_t)json_count(document, raw, "family", SONDE_FAMILY_OTHER),
		.kind = (uint8_t)json_count(document, raw, "kind", SONDE_SOCKET_PIPE),
		.pipe_end =
			(uint8_t)json_count(document, raw, "pipe_end", SONDE_PIPE_BOTH),
		.is_listening = json_bool(document, object, "listening"),
		.defers_accept = json_bool(document, object, "defers_accept"),
		.is_inherited = json_bool(document, object, "inherited"),
		.looked_ns = time_of(row, raw, "looked_ns"),
		.unread = json_count(document, raw, "unread", UINT32_MAX),
		.unsent = json_count(document, raw, "unsent", UINT32_MAX),
		.in_flight = json_count(document, raw, "in_flight", UINT32_MAX),
		.cookie = json_hex(document, raw, "cookie"),
		.accepted_by = json_count(document, object, "accepted_by", LIMIT_CALLS),
		.peer_socket = json_count(document, object, "peer_socket", LIMIT_SOCKETS),
		.peer_pid = json_count(document, raw, "peer_pid", INT32_MAX),
		.name = json_text(document, object, "name"),
		.local = address_of(row, object, "local"),
		.peer = address_of(row, object, "peer"),
		.opened_ns = time_of(row, object, "opened_ns"),
		.closed_ns = time_of(row, object, "closed_ns"),
		.closed_by = json_count(document, object, "closed_by", LIMIT_CALLS),
	};

	if (!number)
		return 0;
	if (socket.socket)
		return sonde_recording_set_socket(loader->scratch, &socket);
	return note_number(&loader->sockets, number,
			   sonde_recording_add_socket(loader->scratch, &socket));
}

static int take_place(const struct row *row, uint32_t object, uint32_t number)
{
	const struct json_document *document = row->document;
	const struct sonde_place place = {
		.code = json_hex(document, object, "code"),
		.offset = json_count(document, object, "offset", UINT32_MAX),
		.file = json_text(document, object, "file"),
		.function = json_text(document, object, "function"),
		.text = json_text(document, object, "text"),
		.line = (int)json_count(document, object, "line", INT32_MAX),
		.is_system = json_bool(document, object, "system"),
	};

	return note_number(&row->loader->places, number,
			   sonde_recording_add_place(row->loader->scratch, &place));
}

/* Its places have the numbers of the file until the end. */
static int take_stack(const struct row *row, uint32_t object, uint32_t *ret_number)
{
	struct sonde_loader *loader = row->loader;
	const struct json_document *document = row->document;
	uint32_t list = json_member(document, object, "places");
	uint32_t numbers[LIMIT_STACK_DEPTH];
	struct sonde_stack stack = {
		.places = numbers,
		.user_place = json_count(document, object, "user_place", LIMIT_PLACES),
		.is_cut = json_bool(document, object, "cut"),
	};

	*ret_number = json_count(document, object, "stack", LIMIT_STACKS);
	if (!object || !*ret_number || loader_find(&loader->stacks, *ret_number))
		return 0;
	for (uint32_t m = json_first(document, list);
	     m && stack.place_count < LIMIT_STACK_DEPTH;
	     m = json_next(document, list, m)) {
		uint32_t number = json_count(document, m, "place", LIMIT_PLACES);
		int r = 0;

		if (number && !loader_find(&loader->places, number))
			r = take_place(row, m, number);
		if (r < 0)
			return r;
		if (number)
			numbers[stack.place_count++] = number;
	}
	return note_number(&loader->stacks, *ret_number,
			   sonde_recording_add_stack(loader->scratch, &stack));
}

static int take_holder(const struct row *row, uint32_t object, uint32_t *ret_number)
{
	struct sonde_loader *loader = row->loader;
	const struct json_document *document = row->document;
	uint32_t raw = json_member(document, object, "raw");
	const struct sonde_holder holder = {
		.state = (uint8_t)json_count(document, raw, "state",
					     SONDE_HOLDER_DATAGRAMS),
		.is_ownerless = json_bool(document, raw, "ownerless"),
		.is_unsearched = json_bool(document, raw, "unsearched"),
		.is_stopped = json_bool(document, object, "stopped"),
		.pid = json_count(document, object, "pid", INT32_MAX),
		.uid = json_count(document, object, "uid", UINT32_MAX),
		.fd = (int)json_count(document, object, "fd", INT32_MAX),
		.socket = json_count(document, object, "socket", LIMIT_SOCKETS),
		.others = json_count(document, object, "others", UINT32_MAX),
		.left_ms = json_count(document, object, "left_ms", UINT32_MAX),
		.name = json_text(document, object, "name"),
		.path = json_text(document, object, "path"),
		.started_ns = time_of(row, object, "started_ns"),
		.looked_ns = time_of(row, object, "looked_ns"),
		.local = address_of(row, object, "local"),
		.peer = address_of(row, object, "peer"),
	};

	*ret_number = json_count(document, object, "holder", LIMIT_HOLDERS);
	if (!object || !*ret_number || loader_find(&loader->holders, *ret_number))
		return 0;
	return note_number(&loader->holders, *ret_number,
			   sonde_recording_add_holder(loader->scratch, &holder));
}

static uint32_t take_watched(const struct row *row, uint32_t object,
			     struct sonde_watched *watched)
{
	const struct json_document *document = row->document;
	uint32_t list = json_member(document, object, "watched"), count = 0;

	for (uint32_t m = json_first(document, list); m && count < LIMIT_WATCHED;
	     m = json_next(document, list, m)) {
		watched[count++] = (struct sonde_watched){
			.socket = json_count(document, m, "socket", LIMIT_SOCKETS),
			.wanted = (uint16_t)json_count(document, m, "wanted", UINT16_MAX),
			.ready = (uint16_t)json_count(document, m, "ready", UINT16_MAX),
		};
	}
	return count;
}

static int take_call(const struct row *row)
{
	struct sonde_loader *loader = row->loader;
	const struct json_document *document = row->document;
	uint32_t raw = json_member(document, 0, "raw");
	uint32_t number = json_count(document, 0, "call", LIMIT_CALLS);
	struct sonde_watched watched[LIMIT_WATCHED];
	struct sonde_call call = {
		.program = json_count(document, 0, "program", LIMIT_PROGRAMS),
		.pid = json_count(document, 0, "pid", INT32_MAX),
		.tid = json_count(document, 0, "tid", INT32_MAX),
		.socket = json_count(document, 0, "socket", LIMIT_SOCKETS),
		.new_socket = json_count(document, 0, "new_socket", LIMIT_SOCKETS),
		.from_socket = json_count(document, 0, "from_socket", LIMIT_SOCKETS),
		.kind = (uint8_t)json_count(document, raw, "kind", SONDE_CALL_EXIT),
		.flags = (uint8_t)json_count(document, raw, "flags", UINT8_MAX),
		.datagrams = (uint16_t)json_count(document, 0, "datagrams", UINT16_MAX),
		.fd = (int)json_int(document, 0, "fd", -1),
		.name = json_text(document, 0, "name"),
		.enter_ns = time_of(row, 0, "enter_ns"),
		.exit_ns = time_of(row, 0, "exit_ns"),
		.result = json_int(document, raw, "result", 0),
		.buffer = json_hex(document, raw, "buffer"),
		.length = json_hex(document, raw, "length"),
		.content_hash = json_hex(document, raw, "content"),
		.how = (int)json_int(document, raw, "how", 0),
		.address = address_of(row, 0, "address"),
		.watched = watched,
		.timeout_ns = json_int(document, raw, "timeout_ns", -1),
	};
	int r;

	call.watched_count = take_watched(row, 0, watched);
	if (!number || !raw || !call.name || !call.enter_ns ||
	    !loader_find(&loader->programs, call.program) ||
	    loader_find(&loader->calls, number))
		return -EBADMSG;
	r = take_stack(row, json_member(document, 0, "stack"), &call.stack);
	if (r >= 0)
		r = take_holder(row, json_member(document, 0, "holder"), &call.holder);
	if (r < 0)
		return r;
	return note_number(&loader->calls, number,
			   sonde_recording_add_call(loader->scratch, &call));
}

/* The moment that the row's times are counted from. */
static bool find_epoch(struct row *row)
{
	const char *text = json_text(row->document, 0, "epoch_ns");
	int64_t epoch_ns = 0;

	for (; text && *text >= '0' && *text <= '9'; text++) {
		if (epoch_ns > TIME_MOST / 10 - 1)
			return false;
		epoch_ns = epoch_ns * 10 + (*text - '0');
	}
	if (!text || *text)
		return false;
	row->epoch_ns = epoch_ns;
	if (!row->loader->epoch_ns)
		row->loader->epoch_ns = epoch_ns;
	return true;
}

static int take_list(const struct row *row, const char *key,
		     int (*take)(const struct row *row, uint32_t object))
{
	uint32_t list = json_member(row->document, 0, key);
	int r = 0;

	for (uint32_t m = json_first(row->document, list); m && r >= 0;
	     m = json_next(row->document, list, m))
		r = take(row, m);
	return r;
}

/* What is too much for a recording is refused, as what is wrong. */
static int refusal(int r)
{
	return r == -ENOMEM || r >= 0 ? r : -EBADMSG;
}

int loader_take_call(struct sonde_loader *loader, const char *text, size_t n)
{
	struct row row = {.loader = loader, .document = &loader->document};
	uint32_t program;
	int r = json_document_parse(&loader->document, text, n);

	if (r < 0)
		return r;
	if (!find_epoch(&row))
		return -EBADMSG;
	program = json_member(row.document, 0, "of");
	r = program ? take_program(&row, program) : 0;
	if (r >= 0)
		r = take_list(&row, "sockets", take_socket);
	if (r >= 0)
		r = take_call(&row);
	return refusal(r);
}

static int take_note(const struct row *row, uint32_t object)
{
	const char *text = json_text(row->document, object, "text");
	uint32_t severity = json_count(row->document, object, "severity", SONDE_ERROR);

	if (!text)
		return 0;
	return sonde_recording_add_note(row->loader->scratch,
					(enum sonde_severity)severity, text,
					json_text(row->document, object, "hint"));
}

static uint64_t count_of(const struct row *row, const char *key)
{
	int64_t value = json_int(row->document, 0, key, 0);

	return value > 0 ? (uint64_t)value : 0;
}

int loader_take_run(struct sonde_loader *loader, const char *text, size_t n)
{
	struct row row = {.loader = loader, .document = &loader->document};
	struct loader_run *run = &loader->run;
	int r = json_document_parse(&loader->document, text, n);

	if (r < 0)
		return r;
	if (!find_epoch(&row) || run->is_known)
		return -EBADMSG;
	*run = (struct loader_run){
		.is_known = true,
		.ended_ns = time_of(&row, 0, "ended_ns"),
		.margin_ns = json_count(row.document, 0, "margin_ns", INT32_MAX),
		.held_ns = (int64_t)count_of(&row, "held_ns"),
		.has_packets = json_bool(row.document, 0, "has_packets"),
		.packets_dropped = count_of(&row, "packets_dropped"),
		.packets_foreign = count_of(&row, "packets_foreign"),
		.calls_dropped = count_of(&row, "calls_dropped"),
		.stops = count_of(&row, "stops"),
		.main_program =
			json_count(row.document, 0, "main_program", LIMIT_PROGRAMS),
	};
	r = take_list(&row, "programs", take_program);
	if (r >= 0)
		r = take_list(&row, "sockets", take_socket);
	if (r >= 0)
		r = take_list(&row, "notes", take_note);
	return refusal(r);
}
