/* What stands around the ladder: the run, its streams, what went wrong. */
#include <string.h>

#include <sonde/text.h>
#include <sonde/version.h>

#include "cli/label.h"
#include "cli/render.h"
#include "output.h"
#include "page.h"

enum { TEXT_CHARS = 4096, SUMMARY_COLUMNS = 200 };

static void add_number(const char *key, uint32_t number)
{
	if (number)
		sonde_json_add_int(&page.json, key, number);
}

/* "client.py 127.0.0.1:40112" */
static void add_end(const char *key, uint32_t socket, uint32_t program,
		    const struct sonde_address *address)
{
	const struct sonde_recording *recording = page.recording;
	char storage[TEXT_CHARS];
	struct sonde_text text;

	sonde_text_init(&text, storage, sizeof(storage));
	if (socket) {
		label_process(&text, recording,
			      program ? program : recording->sockets[socket - 1].program);
		sonde_text_add(&text, " ");
	}
	label_socket(&text, recording, socket, address);
	page_say(key, storage);
}

static void add_stream(const struct sonde_stream *stream)
{
	char storage[TEXT_CHARS];
	struct sonde_text text;

	sonde_json_object_begin(&page.json);
	sonde_json_add_string(&page.json, "kind", label_kind(stream->kind));
	sonde_json_add_int(&page.json, "packets", stream->packet_count);
	add_end("client", stream->client_socket, stream->client_program, &stream->client);
	add_end("server", stream->server_socket, stream->server_program, &stream->server);
	if (page.accounts) {
		sonde_text_init(&text, storage, sizeof(storage));
		sonde_account_add_text(&page.timeline, page.accounts, stream->stream,
				       &text);
		page_say("account", storage);
	}
	sonde_json_object_end(&page.json);
}

static void add_finding(const struct sonde_finding *finding)
{
	char storage[TEXT_CHARS];
	struct sonde_text text;

	sonde_json_object_begin(&page.json);
	sonde_json_add_string(&page.json, "severity", render_severity(finding->severity));
	sonde_text_init(&text, storage, sizeof(storage));
	render_finding_head(&text, finding);
	page_say("head", storage);
	page_say("why", finding->why);
	page_say("do", finding->remedy);
	add_number("stream", finding->stream);
	sonde_json_key(&page.json, "statements");
	sonde_json_array_begin(&page.json);
	for (unsigned i = 0; i < finding->statement_count; i++) {
		sonde_json_object_begin(&page.json);
		sonde_json_add_int(&page.json, "statement", finding->statements[i]);
		page_say_statement("label", finding->statements[i]);
		sonde_json_object_end(&page.json);
	}
	sonde_json_array_end(&page.json);
	sonde_json_key(&page.json, "packets");
	sonde_json_array_begin(&page.json);
	for (unsigned i = 0; i < finding->packet_count; i++)
		sonde_json_int(&page.json, finding->packets[i]);
	sonde_json_array_end(&page.json);
	sonde_json_object_end(&page.json);
}

static void add_note(const struct sonde_note *note)
{
	sonde_json_object_begin(&page.json);
	sonde_json_add_string(&page.json, "severity", render_severity(note->severity));
	page_say("text", note->text);
	if (note->hint)
		page_say("hint", note->hint);
	sonde_json_object_end(&page.json);
}

/* What this page says is one thing, the bytes in it are another. */
static void add_secrets(void)
{
	const struct sonde_note note = {
		.severity = SONDE_NOTE,
		.text = page.shows_secrets
				? "passwords are shown, as --show-secrets asked for: "
				  "who gets this page gets them"
				: "passwords are masked in what this page says, not in "
				  "the capture that it holds: who gets this page, or "
				  "the capture saved from it, gets them"};

	if (sonde_recording_has_secrets(page.recording))
		add_note(&note);
}

static void add_summary(void)
{
	struct output output;

	page_output_begin(&output, SUMMARY_COLUMNS);
	render_summary(&output, &page.timeline);
	sonde_json_add_string(&page.json, "summary", page_output_end(&output));
}

void page_answer_overview(void)
{
	const struct sonde_recording *recording = page.recording;
	struct sonde_json *json = &page.json;

	page_answer_begin();
	sonde_json_add_string(json, "sonde", sonde_version());
	sonde_json_add_int(json, "packets", recording->packet_count);
	sonde_json_add_int(json, "calls", recording->call_count);
	sonde_json_add_bool(json, "has_packets", recording->has_packets);
	sonde_json_add_bool(json, "has_secrets", sonde_recording_has_secrets(recording));
	sonde_json_add_bool(json, "by_call", cell_is_by_call(&page.tables));
	/* Whole milliseconds: a Date takes them. */
	sonde_json_add_int(json, "started_ms", recording->started_ns / 1000000);
	add_summary();
	sonde_json_key(json, "streams");
	sonde_json_array_begin(json);
	for (uint32_t i = 0; i < page.timeline.stream_count; i++)
		add_stream(&page.timeline.streams[i]);
	sonde_json_array_end(json);
	sonde_json_key(json, "findings");
	sonde_json_array_begin(json);
	for (uint32_t i = 0; i < page.findings.count; i++)
		add_finding(&page.findings.findings[i]);
	sonde_json_array_end(json);
	sonde_json_key(json, "notes");
	sonde_json_array_begin(json);
	for (uint32_t i = 0; i < recording->note_count; i++)
		add_note(&recording->notes[i]);
	add_secrets();
	sonde_json_array_end(json);
	page_answer_end();
}
