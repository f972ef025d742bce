/* Random conversations of which the truth is known: no edge may be wrong.
 *
 * A small model of two ends plays sends, segments of any length, losses before the
 * capture, copies sent again, acknowledgements and receives; it remembers of each byte
 * which send wrote it and which packet made it readable.  The join sees only what a
 * recording holds. */
#include "story.h"

#include <stdlib.h>

enum { BYTES = 20000, ACTIONS = 300, STEP_US = 100, PACKETS = 2000, CALLS = 2000 };

struct half {
	char way;
	uint32_t program, socket;
	uint32_t written, sent, frontier, acked, taken;
	uint32_t writer[BYTES];   /* call */
	uint32_t readable[BYTES]; /* packet */
	bool has_arrived[BYTES];
	struct {
		uint32_t from, to;
	} lost[8];
	unsigned lost_count;
	/* The other end's receive that waits. */
	uint32_t waiting;
	uint32_t wanted;
};

struct model {
	struct story story;
	struct wire wire;
	struct half halves[2];
	int64_t now_us;
	uint32_t random;
	bool has_threads;
	uint32_t packet_from[PACKETS], packet_to[PACKETS];
	uint8_t packet_half[PACKETS];
	uint32_t completed_by[CALLS];
	bool has_waited[CALLS];
};

static uint32_t draw(struct model *model, uint32_t below)
{
	model->random ^= model->random << 13;
	model->random ^= model->random >> 17;
	model->random ^= model->random << 5;
	return model->random % below;
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static struct half *other(struct model *model, struct half *half)
{
	return &model->halves[half == model->halves];
}

static void step(struct model *model)
{
	model->now_us += STEP_US + draw(model, STEP_US);
}

static void tell_call(struct model *model, struct half *half, const char *name,
		      int64_t exit_us, uint32_t result, unsigned thread, uint32_t *ret)
{
	*ret = CALL(&model->story, half->program, name, model->now_us, exit_us, result,
		    .line = 10 + (int)thread, .thread = thread, .socket = half->socket);
	assert_true(*ret < CALLS);
}

static void write_bytes(struct half *half, uint32_t call, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		half->writer[half->written++] = call;
}

/* Bytes [from, to) of the half are captured and, in order, become readable. */
static void transmit(struct model *model, struct half *half, uint32_t from, uint32_t to)
{
	struct half *peer = other(model, half);
	uint32_t packet = story_tcp(&model->story, &model->wire, model->now_us, half->way,
				    "PA", 1 + from, 1 + peer->frontier, to - from);

	peer->acked = peer->frontier;
	assert_true(packet < PACKETS);
	model->packet_from[packet] = from;
	model->packet_to[packet] = to;
	model->packet_half[packet] = half == model->halves ? 0 : 1;
	for (uint32_t i = from; i < to; i++)
		half->has_arrived[i] = true;
	while (half->frontier < half->sent && half->has_arrived[half->frontier])
		half->readable[half->frontier++] = packet;

	if (half->waiting && half->frontier > half->taken) {
		struct sonde_call *call =
			&model->story.recording->calls[half->waiting - 1];
		uint32_t count = smaller(half->wanted, half->frontier - half->taken);

		call->exit_ns = (model->now_us + 3) * 1000;
		call->result = count;
		model->completed_by[half->waiting] = half->readable[half->taken];
		model->has_waited[half->waiting] = true;
		half->taken += count;
		half->waiting = 0;
	}
}

static void act_send(struct model *model, struct half *half)
{
	uint32_t count = 1 + draw(model, 300), call;

	if (half->written + 2 * count > BYTES)
		return;
	tell_call(model, half, "sendto", model->now_us + 5, count, 1, &call);
	write_bytes(half, call, count);
}

/* Two sends at once, in either order in the stream. */
static void act_send_together(struct model *model, struct half *half)
{
	uint32_t one_count = 1 + draw(model, 300), two_count = 1 + draw(model, 300);
	uint32_t one, two;

	if (half->written + one_count + two_count > BYTES)
		return;
	tell_call(model, half, "sendto", model->now_us + 80, one_count, 1, &one);
	model->now_us += 10;
	tell_call(model, half, "sendto", model->now_us + 80, two_count, 2, &two);
	if (draw(model, 2)) {
		write_bytes(half, one, one_count);
		write_bytes(half, two, two_count);
	} else {
		write_bytes(half, two, two_count);
		write_bytes(half, one, one_count);
	}
}

static void act_segment(struct model *model, struct half *half)
{
	uint32_t from = half->sent, left = half->written - half->sent;
	uint32_t to;

	if (!left)
		return;
	to = from + smaller(left, 1 + draw(model, 400));
	half->sent = to;
	if (half->lost_count < 8 && !draw(model, 8)) {
		half->lost[half->lost_count].from = from;
		half->lost[half->lost_count].to = to;
		half->lost_count++;
		return;
	}
	transmit(model, half, from, to);
}

static void act_resend(struct model *model, struct half *half)
{
	uint32_t which;

	if (!half->lost_count) {
		/* In vain: all of it is known to have arrived. */
		uint32_t acked = half->acked;

		if (acked > 10 && !draw(model, 4))
			transmit(model, half, acked - 10, acked);
		return;
	}
	which = draw(model, half->lost_count);
	transmit(model, half, half->lost[which].from, half->lost[which].to);
	half->lost[which] = half->lost[--half->lost_count];
}

static void act_acknowledge(struct model *model, struct half *half)
{
	struct half *peer = other(model, half);

	/* half acknowledges what peer sent. */
	story_tcp(&model->story, &model->wire, model->now_us, half->way, "A",
		  1 + half->sent, 1 + peer->frontier, 0);
	peer->acked = peer->frontier;
}

static void act_receive(struct model *model, struct half *half)
{
	struct half *peer = other(model, half);
	uint32_t wanted = 1 + draw(model, 500), count, call;

	if (peer->waiting)
		return;
	count = smaller(wanted, peer->frontier - peer->taken);
	tell_call(model, half, "recvfrom", count ? model->now_us + 2 : NEVER, count, 3,
		  &call);
	if (count) {
		model->completed_by[call] = peer->readable[peer->taken];
		peer->taken += count;
	} else {
		peer->waiting = call;
		peer->wanted = wanted;
	}
}

static void check_packet(const struct model *model, uint32_t packet)
{
	const struct half *half = &model->halves[model->packet_half[packet]];
	uint32_t from = model->packet_from[packet], at;
	unsigned runs = 0, right = 0;

	for (at = from; at < model->packet_to[packet]; at++) {
		const struct sonde_edge *edge;
		uint32_t writer = half->writer[at];

		if (at > from && writer == half->writer[at - 1])
			continue;
		runs++;
		edge = edge_of(&model->story, SONDE_EDGE_SENT, packet, writer);
		assert_non_null(edge);
		assert_in_range(at - from, edge->from, edge->to - 1);
		right++;
	}
	assert_int_equal(right, runs);
	for (uint32_t i = 0; i < model->story.timeline.edge_count; i++) {
		const struct sonde_edge *edge = &model->story.timeline.edges[i];

		if (edge->packet != packet || edge->kind != SONDE_EDGE_SENT)
			continue;
		if (!model->has_threads)
			assert_true(edge->exact);
		if (!edge->exact)
			continue;
		for (at = edge->from; at < edge->to; at++)
			assert_int_equal(half->writer[from + at], edge->call);
	}
}

/* Other initial sequence numbers, so that some streams pass 2^32. */
static void move_numbers(struct model *model)
{
	uint32_t by[2] = {0u - draw(model, BYTES), 0u - draw(model, BYTES)};
	struct sonde_recording *recording = model->story.recording;

	by[0] -= model->wire.client_isn;
	by[1] -= model->wire.server_isn;
	for (uint32_t i = 0; i < recording->packet_count; i++) {
		struct sonde_decoded *decoded = &recording->packets[i].decoded;
		unsigned half = decoded->src.port == model->wire.client.port ? 0 : 1;

		decoded->seq += by[half];
		if (decoded->tcp_flags & SONDE_TCP_ACK)
			decoded->ack += by[!half];
	}
}

static void play(uint32_t seed, bool has_threads)
{
	struct model *model = calloc(1, sizeof(*model));
	struct talk talk;
	uint32_t packets;

	assert_non_null(model);
	model->random = seed;
	model->has_threads = has_threads;
	story_begin(&model->story);
	talk = story_talk(&model->story, 5000, 100);
	model->wire = talk.wire;
	model->halves[0].way = '>';
	model->halves[0].program = CLIENT;
	model->halves[0].socket = talk.client;
	model->halves[1].way = '<';
	model->halves[1].program = SERVER;
	model->halves[1].socket = talk.server;
	model->now_us = 1000;
	for (int i = 0; i < ACTIONS; i++) {
		struct half *half = &model->halves[draw(model, 2)];

		step(model);
		switch (draw(model, 6)) {
		case 0:
			if (has_threads && draw(model, 2))
				act_send_together(model, half);
			else
				act_send(model, half);
			break;
		case 1:
		case 2:
			act_segment(model, half);
			break;
		case 3:
			act_resend(model, half);
			break;
		case 4:
			act_acknowledge(model, half);
			break;
		default:
			act_receive(model, half);
		}
	}
	packets = model->story.recording->packet_count;
	move_numbers(model);
	story_end(&model->story);
	for (uint32_t packet = 1; packet <= packets; packet++)
		if (model->packet_to[packet])
			check_packet(model, packet);
		else if (packet > 3)
			check_not_sent(&model->story, packet, SONDE_WHY_KERNEL_ACK);
	for (uint32_t call = 1; call <= model->story.recording->call_count; call++) {
		if (!model->completed_by[call])
			continue;
		assert_int_equal(model->story.timeline.call_packet[call - 1],
				 model->completed_by[call]);
		if (model->has_waited[call])
			check_completed(&model->story, call, model->completed_by[call]);
		else
			assert_int_equal(model->story.timeline.call_blocked[call - 1],
					 SONDE_NO);
	}
	story_done(&model->story);
	free(model);
}

static void test_one_thread(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 200; seed++)
		play(seed * 2654435761u, false);
}

static void test_threads(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 200; seed++)
		play(seed * 2246822519u, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_thread),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
