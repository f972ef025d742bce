/* What a capture says of itself. */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include <sonde/text.h>

#include "capture_words.h"
#include "clock.h"
#include "message.h"

void capture_words_clear_count(struct capture_session *session)
{
	if (session->shows_count && session->counted_at_ns)
		fputs("\r\033[K", stderr);
	session->counted_at_ns = 0;
}

void capture_words_show_count(struct capture_session *session, int64_t at_ns)
{
	struct sonde_capture_counts counts;

	if (!session->shows_count ||
	    at_ns < session->counted_at_ns + CAPTURE_COUNT_MS * 1000000)
		return;
	session->counted_at_ns = at_ns;
	sonde_capture_count(session->capture, &counts);
	fprintf(stderr, "\r%" PRIu64 " packet%s", session->packets,
		session->packets == 1 ? "" : "s");
	if (counts.dropped)
		fprintf(stderr, ", %" PRIu64 " dropped", counts.dropped);
	fputs("\033[K", stderr);
}

static void say_drops(const struct capture_session *session, uint64_t dropped)
{
	message_say("%" PRIu64 " packet%s dropped by the kernel: the ring (%" PRIu64
		    " KiB) was full",
		    dropped, dropped == 1 ? " was" : "s were",
		    session->ring_bytes / 1024);
	message_hint("a larger --ring, a capture filter, a smaller --snaplen, or -w "
		     "without a list");
}

static void write_summary(struct capture_session *session, const char *name,
			  const struct sonde_capture_counts *counts)
{
	struct sonde_json *json = output_event_begin(session->output, name);

	output_event_time(session->output, "at_ns", clock_now_ns(CLOCK_REALTIME));
	sonde_json_add_int(json, "packets", (int64_t)session->packets);
	sonde_json_add_int(json, "received", (int64_t)counts->received);
	sonde_json_add_int(json, "dropped", (int64_t)counts->dropped);
	sonde_json_add_int(json, "files", (int64_t)session->out.files);
	output_event_end(session->output);
}

void capture_words_summarize(struct capture_session *session, const char *name)
{
	struct sonde_capture_counts counts;

	sonde_capture_count(session->capture, &counts);
	capture_words_clear_count(session);
	if (session->output->has_json) {
		write_summary(session, name, &counts);
		output_flush(session->output);
	} else {
		message_note(session->output,
			     "%" PRIu64 " packet%s captured, %" PRIu64 " dropped",
			     session->packets, session->packets == 1 ? "" : "s",
			     counts.dropped);
	}
	if (counts.dropped)
		say_drops(session, counts.dropped);
}

void capture_words_begin(const struct capture_session *session)
{
	size_t count = sonde_capture_interface_count(session->capture);
	char storage[512];
	struct sonde_text names;

	sonde_text_init(&names, storage, sizeof(storage));
	for (size_t i = 0; i < count; i++) {
		struct sonde_captured_interface interface;

		sonde_capture_interface(session->capture, i, &interface);
		sonde_text_add(&names, "%s%s", i ? ", " : "", interface.name);
	}
	if (session->output->has_json) {
		struct sonde_json *json =
			output_event_begin(session->output, "capturing");

		sonde_json_key(json, "interfaces");
		sonde_json_array_begin(json);
		for (size_t i = 0; i < count; i++) {
			struct sonde_captured_interface interface;

			sonde_capture_interface(session->capture, i, &interface);
			sonde_json_string(json, interface.name);
		}
		sonde_json_array_end(json);
		sonde_json_add_int(json, "ring_bytes", (int64_t)session->ring_bytes);
		output_event_end(session->output);
		output_flush(session->output);
	}
	message_note(session->output, "capturing on %s (ring of %" PRIu64 " KiB%s)",
		     storage, session->ring_bytes / 1024,
		     session->interface_count > 1 ? " each" : "");
}
