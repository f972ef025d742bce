/* The reasons where nothing is joined: of packets that no statement sent, and of calls that
 * no packet completed. */
#include "story.h"

static void test_texts(void **state)
{
	(void)state;
	assert_string_equal(sonde_why_text(SONDE_WHY_NONE), "");
	for (int why = SONDE_WHY_KERNEL_SYN_ACK; why <= SONDE_WHY_CALL_NOT_SEEN; why++)
		assert_in_range(strlen(sonde_why_text((enum sonde_why)why)), 5, 40);
	assert_string_equal(sonde_why_text((enum sonde_why)1000), "");
}

static void add_packet(struct story *story, int64_t at_us, uint8_t proto, uint8_t type)
{
	const struct sonde_packet packet = {
		.at_ns = at_us * 1000,
		.decoded = {.proto = proto, .icmp_type = type},
	};

	assert_true(sonde_recording_add_packet(story->recording, &packet) > 0);
}

/* Only some of ICMP is an error, and a ping is the program's. */
static void test_icmp(void **state)
{
	static const struct {
		uint8_t proto, type;
		enum sonde_why why;
	} rows[] = {
		{SONDE_PACKET_ICMP, 8, SONDE_WHY_NOT_JOINED},
		{SONDE_PACKET_ICMP, 0, SONDE_WHY_KERNEL_ECHO},
		{SONDE_PACKET_ICMP, 3, SONDE_WHY_KERNEL_ICMP},
		{SONDE_PACKET_ICMP, 11, SONDE_WHY_KERNEL_ICMP},
		{SONDE_PACKET_ICMP, 13, SONDE_WHY_NOT_JOINED},
		{SONDE_PACKET_ICMP6, 128, SONDE_WHY_NOT_JOINED},
		{SONDE_PACKET_ICMP6, 129, SONDE_WHY_KERNEL_ECHO},
		{SONDE_PACKET_ICMP6, 1, SONDE_WHY_KERNEL_ICMP},
		{SONDE_PACKET_ICMP6, 4, SONDE_WHY_KERNEL_ICMP},
		{SONDE_PACKET_ICMP6, 135, SONDE_WHY_KERNEL_NEIGHBOUR},
		{SONDE_PACKET_ICMP6, 143, SONDE_WHY_KERNEL_NEIGHBOUR},
		{SONDE_PACKET_ICMP6, 134, SONDE_WHY_NOT_JOINED},
		{SONDE_PACKET_OTHER, 0, SONDE_WHY_NOT_JOINED},
	};
	enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
	struct story story;

	(void)state;
	story_begin(&story);
	for (uint32_t i = 0; i < ROWS; i++)
		add_packet(&story, 100 + i, rows[i].proto, rows[i].type);
	story_end(&story);
	for (uint32_t i = 0; i < ROWS; i++)
		check_not_sent(&story, i + 1, rows[i].why);
	story_done(&story);
}

/* A ping socket waits for packets that are not joined. */
static void test_raw_socket(void **state)
{
	struct sonde_address local = story_address("10.0.0.1", 0);
	struct story story;
	uint32_t socket, slow, wait;

	(void)state;
	story_begin(&story);
	socket = story_datagram(&story, CLIENT, &local, NULL);
	story.recording->sockets[socket - 1].kind = SONDE_SOCKET_OTHER;
	slow = CALL(&story, CLIENT, "recvfrom", 100, 900, 28, .line = 81,
		    .socket = socket);
	wait = CALL(&story, CLIENT, "poll", 1000, 1900, 1, .line = 82,
		    .watched = {{socket, SONDE_READY_READ, SONDE_READY_READ}});
	add_packet(&story, 800, SONDE_PACKET_ICMP, 0);
	story_end(&story);
	check_verdict(&story, slow, SONDE_UNKNOWN, SONDE_WHY_NOT_JOINED, 0);
	check_verdict(&story, wait, SONDE_UNKNOWN, SONDE_WHY_NOT_JOINED, 0);
	story_done(&story);
}

/* What did not wait did not always find something. */
static void test_at_once(void **state)
{
	struct story story;
	struct talk talk;
	uint32_t send, failed, nothing, polled, full;

	(void)state;
	story_begin(&story);
	talk = story_talk(&story, 5000, 100);
	send = CALL(&story, CLIENT, "sendto", 300, 310, 10, .line = 81,
		    .socket = talk.client);
	nothing = CALL(&story, CLIENT, "recvfrom", 400, 410, -EAGAIN, .line = 82,
		       .socket = talk.client, .flags = SONDE_CALL_NONBLOCKING);
	polled = CALL(&story, CLIENT, "poll", 500, 510, 0, .line = 83,
		      .flags = SONDE_CALL_NONBLOCKING, .timeout_ms = -1,
		      .watched = {{talk.client, SONDE_READY_READ, 0}});
	full = CALL(&story, CLIENT, "sendto", 600, 610, -EAGAIN, .line = 84,
		    .socket = talk.client, .flags = SONDE_CALL_NONBLOCKING);
	failed = CALL(&story, CLIENT, "recvfrom", 700, 710, -EFAULT, .line = 85,
		      .socket = talk.client);
	story_end(&story);
	check_verdict(&story, send, SONDE_NO, SONDE_WHY_BUFFERED, 0);
	check_verdict(&story, nothing, SONDE_NO, SONDE_WHY_AT_ONCE, 0);
	check_verdict(&story, polled, SONDE_NO, SONDE_WHY_AT_ONCE, 0);
	check_verdict(&story, full, SONDE_NO, SONDE_WHY_AT_ONCE, 0);
	check_verdict(&story, failed, SONDE_NO, SONDE_WHY_AT_ONCE, 0);
	story_done(&story);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_icmp),
		cmocka_unit_test(test_raw_socket),
		cmocka_unit_test(test_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
