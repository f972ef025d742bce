/* Frames into a recording.
 *
 * Rows name what they refer to by the numbers of the run, and may be missing, or come in
 * any order.  So they fill a scratch recording first; at the end its elements go into the
 * final one in the order of their numbers, which become a row from 1 on without holes,
 * and all that refers to them is renumbered.  Of a file that is whole every number stays
 * what it was. */
#include "timeline/loader.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sonde/journal.h>
#include <sonde/packet.h>

#include "base/array.h"
#include "base/limits.h"

int sonde_loader_new(struct sonde_loader **ret)
{
	struct sonde_loader *loader = array_new(1, sizeof(*loader));

	if (loader)
		loader->scratch = sonde_recording_new();
	if (!loader || !loader->scratch || said_new(&loader->said) < 0) {
		sonde_loader_free(loader);
		return -ENOMEM;
	}
	*ret = loader;
	return 0;
}

void sonde_loader_free(struct sonde_loader *loader)
{
	if (!loader)
		return;
	sonde_recording_free(loader->scratch);
	said_free(loader->said);
	json_document_done(&loader->document);
	array_free(loader->programs.places);
	array_free(loader->sockets.places);
	array_free(loader->places.places);
	array_free(loader->stacks.places);
	array_free(loader->holders.places);
	array_free(loader->calls.places);
	array_free(loader->interfaces);
	array_free(loader);
}

/* ---- frames ---- */

/* The number in the recording; 0: there are too many. */
static int interface_of(struct sonde_loader *loader, const struct sonde_frame *frame,
			uint32_t *ret)
{
	struct sonde_interface interface = {
		.link = (enum sonde_link)frame->link,
		.name = frame->interface_name,
	};
	int number;

	*ret = 0;
	if (frame->interface >= LIMIT_INTERFACES)
		return 0;
	if (array_reserve(&loader->interfaces, &loader->interface_room,
			  (size_t)frame->interface + 1, sizeof(uint32_t)) < 0)
		return -ENOMEM;
	if (!loader->interfaces[frame->interface]) {
		number = sonde_recording_add_interface(loader->scratch, &interface);
		if (number == -ENOMEM)
			return number;
		loader->interfaces[frame->interface] = number < 0 ? 0 : (uint32_t)number;
	}
	*ret = loader->interfaces[frame->interface];
	return 0;
}

static int take_packet(struct sonde_loader *loader, const struct sonde_frame *frame)
{
	struct sonde_packet packet = {
		.frame = frame->number,
		.is_outgoing = frame->direction == 2,
		.at_ns = frame->at_ns,
		.captured_length = frame->captured_length,
		.wire_length = frame->wire_length,
	};
	int r = interface_of(loader, frame, &packet.interface);

	if (r < 0)
		return r;
	/* Differences of times shall be times, too. */
	if (packet.at_ns < 0)
		packet.at_ns = 0;
	else if (packet.at_ns > INT64_MAX / 2)
		packet.at_ns = INT64_MAX / 2;
	sonde_packet_decode((enum sonde_link)frame->link, frame->bytes,
			    frame->captured_length, &packet.decoded);
	r = said_take(loader->said, frame, loader->scratch, &packet);
	if (r < 0)
		return r;
	r = packet.interface ? sonde_recording_add_packet(loader->scratch, &packet)
			     : -E2BIG;
	if (r == -ENOMEM)
		return r;
	loader->packets_refused += r < 0;
	return 0;
}

static int take_row(struct sonde_loader *loader, const struct sonde_frame *frame)
{
	struct sonde_journal_field field;
	size_t at = 0;
	uint32_t calls = loader->scratch->call_count;
	int r = 0;

	while (r != -ENOMEM && sonde_journal_next(frame, &at, &field) > 0) {
		if (sonde_journal_is(&field, "SONDE_CALL"))
			r = loader_take_call(loader, field.value, field.value_length);
		else if (sonde_journal_is(&field, "SONDE_RUN"))
			r = loader_take_run(loader, field.value, field.value_length);
		else
			continue;
		loader->rows_refused += r < 0 && r != -ENOMEM;
	}
	for (; calls < loader->scratch->call_count; calls++)
		loader->scratch->calls[calls].frame = frame->number;
	return r == -ENOMEM ? r : 0;
}

int sonde_loader_add(struct sonde_loader *loader, const struct sonde_frame *frame)
{
	return frame->kind == SONDE_FRAME_JOURNAL ? take_row(loader, frame)
						  : take_packet(loader, frame);
}

/* ---- the end ---- */

/* The numbers of the file to those of the final recording. */
struct renumbering {
	struct sonde_loader *loader;
	struct sonde_recording *recording;
	struct loader_numbers programs, sockets, places, stacks, holders, calls;
};

/* Those that were seen, from 1 on. */
static int number_anew(const struct loader_numbers *seen, struct loader_numbers *ret)
{
	uint32_t number = 0;

	*ret = (struct loader_numbers){.count = seen->count};
	ret->places = array_new(seen->count + 1, sizeof(*ret->places));
	if (!ret->places)
		return -ENOMEM;
	for (size_t i = 0; i < seen->count; i++)
		ret->places[i] = seen->places[i] ? ++number : 0;
	return 0;
}

static int move_programs(const struct renumbering *to)
{
	const struct loader_numbers *seen = &to->loader->programs;
	int r = 0;

	for (uint32_t i = 1; i <= seen->count && r >= 0; i++) {
		struct sonde_program copy;
		uint32_t at = loader_find(seen, i);

		if (!at)
			continue;
		copy = to->loader->scratch->programs[at - 1];
		copy.parent = loader_find(&to->programs, copy.parent);
		r = sonde_recording_add_program(to->recording, &copy);
	}
	return r < 0 ? r : 0;
}

static int move_sockets(const struct renumbering *to)
{
	const struct loader_numbers *seen = &to->loader->sockets;
	int r = 0;

	for (uint32_t i = 1; i <= seen->count && r >= 0; i++) {
		struct sonde_socket copy;
		uint32_t at = loader_find(seen, i);

		if (!at)
			continue;
		copy = to->loader->scratch->sockets[at - 1];
		copy.program = loader_find(&to->programs, copy.program);
		/* A socket is somebody's; one of nobody can only be a damaged file's. */
		if (!copy.program)
			copy.program = 1;
		copy.accepted_by = loader_find(&to->calls, copy.accepted_by);
		copy.closed_by = loader_find(&to->calls, copy.closed_by);
		copy.peer_socket = loader_find(&to->sockets, copy.peer_socket);
		r = sonde_recording_add_socket(to->recording, &copy);
	}
	return r < 0 ? r : 0;
}

static int move_places(const struct renumbering *to)
{
	const struct loader_numbers *seen = &to->loader->places;
	int r = 0;

	for (uint32_t i = 1; i <= seen->count && r >= 0; i++) {
		uint32_t at = loader_find(seen, i);

		if (at)
			r = sonde_recording_add_place(
				to->recording, &to->loader->scratch->places[at - 1]);
	}
	return r < 0 ? r : 0;
}

static int move_stacks(const struct renumbering *to)
{
	const struct loader_numbers *seen = &to->loader->stacks;
	int r = 0;

	for (uint32_t i = 1; i <= seen->count && r >= 0; i++) {
		uint32_t numbers[LIMIT_STACK_DEPTH], count = 0;
		uint32_t at = loader_find(seen, i);
		struct sonde_stack copy;

		if (!at)
			continue;
		copy = to->loader->scratch->stacks[at - 1];
		for (uint32_t k = 0; k < copy.place_count; k++) {
			numbers[count] = loader_find(&to->places, copy.places[k]);
			count += numbers[count] != 0;
		}
		copy.places = numbers;
		copy.place_count = count;
		copy.user_place = loader_find(&to->places, copy.user_place);
		r = sonde_recording_add_stack(to->recording, &copy);
	}
	return r < 0 ? r : 0;
}

static int move_holders(const struct renumbering *to)
{
	const struct loader_numbers *seen = &to->loader->holders;
	int r = 0;

	for (uint32_t i = 1; i <= seen->count && r >= 0; i++) {
		struct sonde_holder copy;
		uint32_t at = loader_find(seen, i);

		if (!at)
			continue;
		copy = to->loader->scratch->holders[at - 1];
		copy.socket = loader_find(&to->sockets, copy.socket);
		r = sonde_recording_add_holder(to->recording, &copy);
	}
	return r < 0 ? r : 0;
}

static int move_calls(const struct renumbering *to)
{
	const struct loader_numbers *seen = &to->loader->calls;
	int r = 0;

	for (uint32_t i = 1; i <= seen->count && r >= 0; i++) {
		struct sonde_watched watched[LIMIT_WATCHED];
		uint32_t at = loader_find(seen, i);
		struct sonde_call copy;

		if (!at)
			continue;
		copy = to->loader->scratch->calls[at - 1];
		copy.program = loader_find(&to->programs, copy.program);
		copy.socket = loader_find(&to->sockets, copy.socket);
		copy.new_socket = loader_find(&to->sockets, copy.new_socket);
		copy.from_socket = loader_find(&to->sockets, copy.from_socket);
		copy.stack = loader_find(&to->stacks, copy.stack);
		copy.holder = loader_find(&to->holders, copy.holder);
		for (uint32_t k = 0; k < copy.watched_count; k++) {
			watched[k] = copy.watched[k];
			watched[k].socket = loader_find(&to->sockets, watched[k].socket);
		}
		copy.watched = watched;
		r = sonde_recording_add_call(to->recording, &copy);
	}
	return r < 0 ? r : 0;
}

static int move_packets(const struct renumbering *to)
{
	const struct sonde_recording *scratch = to->loader->scratch;
	int r = 0;

	for (uint32_t i = 0; i < scratch->interface_count && r >= 0; i++)
		r = sonde_recording_add_interface(to->recording, &scratch->interfaces[i]);
	for (uint32_t i = 0; i < scratch->packet_count && r >= 0; i++)
		r = sonde_recording_add_packet(to->recording, &scratch->packets[i]);
	for (uint32_t i = 0; i < scratch->saying_count && r >= 0; i++)
		r = sonde_recording_add_saying(to->recording, &scratch->sayings[i]);
	for (uint32_t i = 0; i < scratch->note_count && r >= 0; i++)
		r = sonde_recording_add_note(to->recording, scratch->notes[i].severity,
					     scratch->notes[i].text,
					     scratch->notes[i].hint);
	return r < 0 ? r : 0;
}

/* What a run says of itself; of a file without that, what its elements say. */
static void set_run(const struct renumbering *to)
{
	const struct loader_run *run = &to->loader->run;
	struct sonde_recording *recording = to->recording;

	recording->has_packets = run->is_known ? run->has_packets : true;
	recording->started_ns = to->loader->epoch_ns;
	recording->margin_ns = run->margin_ns;
	recording->ended_ns = run->ended_ns;
	recording->held_ns = run->held_ns;
	recording->stops = run->stops;
	recording->drops_unknown = !run->is_known;
	recording->packets_dropped = run->packets_dropped;
	recording->packets_foreign = run->packets_foreign;
	recording->calls_dropped = run->calls_dropped;
	recording->main_program = loader_find(&to->programs, run->main_program);
	if (recording->packet_count) {
		recording->has_packets = true;
		if (!recording->started_ns)
			recording->started_ns = recording->packets[0].at_ns;
	}
	for (uint32_t i = 0; i < recording->packet_count && !run->is_known; i++)
		if (recording->packets[i].at_ns > recording->ended_ns)
			recording->ended_ns = recording->packets[i].at_ns;
	for (uint32_t i = 0; i < recording->call_count && !run->is_known; i++)
		if (recording->calls[i].exit_ns > recording->ended_ns)
			recording->ended_ns = recording->calls[i].exit_ns;
}

static int note_losses(const struct renumbering *to)
{
	const struct sonde_loader *loader = to->loader;
	char text[160];
	int r = 0;

	if (loader->packets_refused) {
		snprintf(text, sizeof(text),
			 "%llu packets are more than a recording keeps: they are "
			 "counted as dropped",
			 (unsigned long long)loader->packets_refused);
		to->recording->packets_dropped += loader->packets_refused;
		r = sonde_recording_add_note(to->recording, SONDE_WARNING, text,
					     "cut the file: sonde read FILE -Y FILTER -w "
					     "PART");
	}
	if (r >= 0 && loader->rows_refused) {
		snprintf(text, sizeof(text),
			 "%llu rows of calls could not be used: damaged, or of another "
			 "run",
			 (unsigned long long)loader->rows_refused);
		r = sonde_recording_add_note(to->recording, SONDE_WARNING, text, NULL);
	}
	if (r >= 0 && to->recording->call_count && !loader->run.is_known)
		r = sonde_recording_add_note(
			to->recording, SONDE_WARNING,
			"the record of the run is not whole: how it ended is not known",
			NULL);
	return r == -ENOMEM ? r : 0;
}

static int move_all(struct renumbering *to)
{
	struct sonde_loader *loader = to->loader;
	int r = 0;

	if (number_anew(&loader->programs, &to->programs) < 0 ||
	    number_anew(&loader->sockets, &to->sockets) < 0 ||
	    number_anew(&loader->places, &to->places) < 0 ||
	    number_anew(&loader->stacks, &to->stacks) < 0 ||
	    number_anew(&loader->holders, &to->holders) < 0 ||
	    number_anew(&loader->calls, &to->calls) < 0)
		return -ENOMEM;
	r = move_programs(to);
	/* Without programs there are no calls, and sockets would be nobody's. */
	if (r >= 0 && to->recording->program_count)
		r = move_sockets(to);
	if (r >= 0)
		r = move_places(to);
	if (r >= 0)
		r = move_stacks(to);
	if (r >= 0)
		r = move_holders(to);
	if (r >= 0)
		r = move_calls(to);
	if (r >= 0)
		r = move_packets(to);
	if (r < 0)
		return r;
	sonde_recording_seal(to->recording);
	set_run(to);
	return note_losses(to);
}

int sonde_loader_finish(struct sonde_loader *loader, struct sonde_recording **ret)
{
	struct renumbering to = {.loader = loader, .recording = sonde_recording_new()};
	int r = to.recording ? move_all(&to) : -ENOMEM;

	array_free(to.programs.places);
	array_free(to.sockets.places);
	array_free(to.places.places);
	array_free(to.stacks.places);
	array_free(to.holders.places);
	array_free(to.calls.places);
	if (r < 0) {
		sonde_recording_free(to.recording);
		return -ENOMEM;
	}
	*ret = to.recording;
	return 0;
}
