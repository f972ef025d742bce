/* Fuzz target: rows of capture files back into recordings, and all that is made of them.
 *
 * The input is lines: a row's JSON, or a packet.  Properties: nothing is read
 * past what was given; every number of the recording is its index or in range; what is
 * built on it ends. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/explain.h>
#include <sonde/finding.h>
#include <sonde/recording_file.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void add_row(struct sonde_loader *loader, const uint8_t *line, size_t n,
		    bool is_run, uint32_t number)
{
	static const char names[2][11] = {"SONDE_CALL", "SONDE_RUN"};
	size_t name = strlen(names[is_run]);
	uint8_t *text = malloc(name + n + 2);
	struct sonde_frame frame = {
		.number = number,
		.kind = SONDE_FRAME_JOURNAL,
		.bytes = text,
		.captured_length = (uint32_t)(name + n + 2),
	};

	require(text);
	memcpy(text, names[is_run], name);
	text[name] = '=';
	memcpy(text + name + 1, line, n);
	text[name + 1 + n] = '\n';
	require(sonde_loader_add(loader, &frame) == 0);
	free(text);
}

static int digit(uint8_t c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "!" and hexadecimal digits: a packet, raw IP. */
static void add_packet(struct sonde_loader *loader, struct sonde_heard *heard,
		       const uint8_t *line, size_t n, uint32_t number)
{
	uint8_t *bytes = malloc(n + 1);
	struct sonde_frame frame = {.kind = SONDE_FRAME_PACKET,
				    .number = number,
				    .link = 101,
				    .at_ns = INT64_C(1000000000) * number,
				    .bytes = bytes};
	uint32_t size = 0;

	require(bytes != NULL);
	for (size_t i = 1; i + 1 < n; i += 2) {
		int high = digit(line[i]), low = digit(line[i + 1]);

		if (high < 0 || low < 0)
			break;
		bytes[size++] = (uint8_t)(high << 4 | low);
	}
	frame.captured_length = frame.wire_length = size;
	require(sonde_loader_add(loader, &frame) == 0);
	require(sonde_heard_add(heard, &frame) == 0);
	free(bytes);
}

static void check_sayings(const struct sonde_recording *recording)
{
	for (uint32_t i = 0; i < recording->packet_count; i++) {
		const struct sonde_packet *packet = &recording->packets[i];

		if (!packet->saying_count)
			continue;
		require(packet->saying);
		require(packet->saying + packet->saying_count - 1 <=
			recording->saying_count);
	}
}

static void check(const struct sonde_recording *recording)
{
	for (uint32_t i = 0; i < recording->call_count; i++) {
		const struct sonde_call *call = &recording->calls[i];

		require(call->call == i + 1 && call->name);
		require(call->program && call->program <= recording->program_count);
		require(call->socket <= recording->socket_count);
		require(call->new_socket <= recording->socket_count);
		require(call->stack <= recording->stack_count);
		for (uint32_t k = 0; k < call->watched_count; k++)
			require(call->watched[k].socket <= recording->socket_count);
	}
	for (uint32_t i = 0; i < recording->socket_count; i++) {
		const struct sonde_socket *socket = &recording->sockets[i];

		require(socket->program && socket->program <= recording->program_count);
		require(socket->accepted_by <= recording->call_count);
		require(socket->closed_by <= recording->call_count);
	}
	for (uint32_t i = 0; i < recording->stack_count; i++) {
		const struct sonde_stack *stack = &recording->stacks[i];

		require(stack->user_place <= recording->place_count);
		for (uint32_t k = 0; k < stack->place_count; k++)
			require(stack->places[k] &&
				stack->places[k] <= recording->place_count);
	}
}

static void conclude(const struct sonde_recording *recording,
		     const struct sonde_heard *heard)
{
	struct sonde_timeline timeline;
	struct sonde_findings findings;
	struct sonde_account *accounts;
	char storage[1024];

	require(sonde_timeline_build(recording, &timeline) == 0);
	require(sonde_findings_build(&timeline, &findings) == 0);
	require(sonde_accounts_build(&timeline, heard, &accounts) == 0);
	for (uint32_t i = 1; i <= timeline.stream_count; i++) {
		struct sonde_text text;

		sonde_text_init(&text, storage, sizeof(storage));
		sonde_account_add_text(&timeline, accounts, i, &text);
	}
	sonde_accounts_free(accounts);
	sonde_findings_done(&findings);
	sonde_timeline_done(&timeline);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct sonde_recording *recording;
	struct sonde_loader *loader;
	struct sonde_heard *heard;
	uint32_t number = 0;

	require(sonde_loader_new(&loader) == 0);
	require(sonde_heard_new(&heard) == 0);
	while (n) {
		const uint8_t *end = memchr(bytes, '\n', n);
		size_t length = end ? (size_t)(end - bytes) : n;

		number++;
		if (length && bytes[0] == '!')
			add_packet(loader, heard, bytes, length, number);
		else
			add_row(loader, bytes, length, length && bytes[length - 1] == ' ',
				number);
		bytes += end ? length + 1 : length;
		n -= end ? length + 1 : length;
	}
	require(sonde_loader_finish(loader, &recording) == 0);
	check(recording);
	check_sayings(recording);
	conclude(recording, heard);
	sonde_recording_free(recording);
	sonde_loader_free(loader);
	sonde_heard_free(heard);
	return 0;
}
