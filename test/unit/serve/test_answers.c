/* Answers of a batch: what is merged, what arrives, and when a socket is busy enough. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "serve/answers.h"

enum { ALICE, BOB, PEERS };

/* A server's socket, two peers, and the batch.  Alice takes what was merged in one piece
 * (UDP_GRO) and so sees how it came; Bob does not. */
struct lab {
	int server;
	int peers[PEERS];
	struct sockaddr_storage addresses[PEERS];
	struct msghdr requests[PEERS];
	socklen_t length;
	struct answers *answers;
};

static int bound(int family, struct sockaddr_storage *ret, socklen_t *ret_length)
{
	struct sockaddr_in inet = {.sin_family = AF_INET};
	struct sockaddr_in6 inet6 = {.sin6_family = AF_INET6};
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	inet.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	inet6.sin6_addr = in6addr_loopback;
	*ret_length = family == AF_INET ? sizeof(inet) : sizeof(inet6);
	memcpy(ret, family == AF_INET ? (void *)&inet : (void *)&inet6, *ret_length);
	assert_true(fd >= 0);
	assert_return_code(bind(fd, (struct sockaddr *)ret, *ret_length), 0);
	assert_return_code(getsockname(fd, (struct sockaddr *)ret, ret_length), 0);
	return fd;
}

static struct lab open_lab(int family)
{
	struct lab lab = {.answers = calloc(1, sizeof(struct answers))};
	struct sockaddr_storage address;
	struct timeval limit = {.tv_sec = 20};
	int on = 1;

	assert_non_null(lab.answers);
	lab.server = bound(family, &address, &lab.length);
	for (int i = 0; i < PEERS; i++) {
		lab.peers[i] = bound(family, &lab.addresses[i], &lab.length);
		setsockopt(lab.peers[i], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	}
	assert_return_code(
		setsockopt(lab.peers[ALICE], IPPROTO_UDP, UDP_GRO, &on, sizeof(on)), 0);
	return lab;
}

static void close_lab(struct lab *lab)
{
	for (int i = 0; i < PEERS; i++)
		close(lab->peers[i]);
	close(lab->server);
	free(lab->answers);
}

/* Answer i has n bytes, of which the first is i. */
static void answer(struct lab *lab, int peer, uint8_t i, size_t n)
{
	uint8_t *room = answers_room(lab->answers);

	assert_non_null(room);
	memset(room, 'a', n);
	if (n > 0)
		room[0] = i;
	lab->requests[peer].msg_name = &lab->addresses[peer];
	lab->requests[peer].msg_namelen = lab->length;
	answers_add(lab->answers, &lab->requests[peer], n);
}

/* `count` answers of n bytes, from number i on, that come in one piece. */
static void expect(const struct lab *lab, int peer, uint8_t i, unsigned count, size_t n)
{
	static uint8_t bytes[LIMIT_DATAGRAM];
	uint8_t storage[CMSG_SPACE(sizeof(int))];
	struct iovec part = {bytes, sizeof(bytes)};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = storage,
				 .msg_controllen = sizeof(storage)};

	assert_int_equal(recvmsg(lab->peers[peer], &message, 0), count * n);
	const struct cmsghdr *cut = CMSG_FIRSTHDR(&message);
	int length = 0;
	if (cut)
		memcpy(&length, CMSG_DATA(cut), sizeof(length));
	assert_int_equal(length, count > 1 ? n : 0);
	for (unsigned k = 0; n > 0 && k < count; k++) {
		assert_int_equal(bytes[k * n], i + k);
		for (size_t at = 1; at < n; at++)
			assert_int_equal(bytes[k * n + at], 'a');
	}
}

static void expect_nothing_more(const struct lab *lab)
{
	uint8_t byte;

	for (int i = 0; i < PEERS; i++)
		assert_int_equal(recv(lab->peers[i], &byte, 1, MSG_DONTWAIT), -1);
}

static unsigned send_all(struct lab *lab, bool merge)
{
	bool refused = false;
	unsigned failed = answers_send(lab->answers, lab->server, merge, &refused);

	assert_false(refused);
	assert_int_equal(lab->answers->count, 0);
	return failed;
}

/* --- merging */

static void merges_neighbours(int family)
{
	struct lab lab = open_lab(family);

	for (uint8_t i = 0; i < 5; i++)
		answer(&lab, ALICE, i, 8);
	answer(&lab, BOB, 5, 8);
	answer(&lab, BOB, 6, 8);
	for (uint8_t i = 7; i < 10; i++)
		answer(&lab, ALICE, i, 20);
	answer(&lab, ALICE, 10, 8);
	answer(&lab, ALICE, 11, 0);
	answer(&lab, ALICE, 12, 0);
	assert_int_equal(send_all(&lab, true), 0);

	expect(&lab, ALICE, 0, 5, 8);
	expect(&lab, BOB, 5, 1, 8);
	expect(&lab, BOB, 6, 1, 8);
	expect(&lab, ALICE, 7, 3, 20);
	expect(&lab, ALICE, 10, 1, 8);
	expect(&lab, ALICE, 11, 1, 0);
	expect(&lab, ALICE, 12, 1, 0);
	expect_nothing_more(&lab);
	close_lab(&lab);
}

static void merges_neighbours_of_one_peer_and_length(void **state)
{
	(void)state;
	merges_neighbours(AF_INET);
	merges_neighbours(AF_INET6);
}

static void merges_a_whole_batch(void **state)
{
	(void)state;
	struct lab lab = open_lab(AF_INET);

	for (uint8_t i = 0; i < LIMIT_DATAGRAM_BATCH; i++)
		answer(&lab, ALICE, i, LIMIT_MERGED_ANSWER);
	assert_null(answers_room(lab.answers));
	assert_int_equal(send_all(&lab, true), 0);
	expect(&lab, ALICE, 0, LIMIT_DATAGRAM_BATCH, LIMIT_MERGED_ANSWER);
	expect_nothing_more(&lab);
	close_lab(&lab);
}

static void leaves_alone_what_is_long_or_not_wanted(void **state)
{
	(void)state;
	struct lab lab = open_lab(AF_INET);

	answer(&lab, ALICE, 0, LIMIT_MERGED_ANSWER + 1);
	answer(&lab, ALICE, 1, LIMIT_MERGED_ANSWER + 1);
	assert_int_equal(send_all(&lab, true), 0);
	expect(&lab, ALICE, 0, 1, LIMIT_MERGED_ANSWER + 1);
	expect(&lab, ALICE, 1, 1, LIMIT_MERGED_ANSWER + 1);

	answer(&lab, ALICE, 0, 8);
	answer(&lab, ALICE, 1, 8);
	assert_int_equal(send_all(&lab, false), 0);
	expect(&lab, ALICE, 0, 1, 8);
	expect(&lab, ALICE, 1, 1, 8);
	expect_nothing_more(&lab);
	close_lab(&lab);
}

static void one_that_was_taken_out_does_not_leave(void **state)
{
	(void)state;
	struct lab lab = open_lab(AF_INET);

	for (uint8_t i = 0; i < 3; i++)
		answer(&lab, ALICE, i, 8);
	const struct msghdr *last = answers_take_last(lab.answers);
	assert_int_equal(*(uint8_t *)last->msg_iov->iov_base, 2);
	assert_int_equal(send_all(&lab, true), 0);
	expect(&lab, ALICE, 0, 2, 8);
	expect_nothing_more(&lab);
	close_lab(&lab);
}

/* The address that was asked stays the source of all of them. */
static void keeps_the_control_message(void **state)
{
	(void)state;
	struct lab lab = open_lab(AF_INET);
	struct answers_control controls[3] = {0};
	struct sockaddr_in from;
	socklen_t length = sizeof(from);
	struct in_pktinfo info = {.ipi_ifindex = 1};
	int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint8_t bytes[64];

	assert_true(any >= 0);
	for (uint8_t i = 0; i < 3; i++) {
		struct msghdr *request = &lab.requests[ALICE];
		/* The last one had another address. */
		info.ipi_spec_dst.s_addr = htonl(INADDR_LOOPBACK + (i < 2 ? 7 : 8));
		request->msg_control = controls[i].bytes;
		request->msg_controllen = CMSG_SPACE(sizeof(info));
		struct cmsghdr *cmsg = CMSG_FIRSTHDR(request);
		cmsg->cmsg_level = IPPROTO_IP;
		cmsg->cmsg_type = IP_PKTINFO;
		cmsg->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(cmsg), &info, sizeof(info));
		answer(&lab, ALICE, i, 8);
	}
	bool refused = false;
	assert_int_equal(answers_send(lab.answers, any, true, &refused), 0);
	assert_false(refused);
	assert_int_equal(recvfrom(lab.peers[ALICE], bytes, sizeof(bytes), 0,
				  (struct sockaddr *)&from, &length),
			 16);
	assert_int_equal(ntohl(from.sin_addr.s_addr), INADDR_LOOPBACK + 7);
	assert_int_equal(recvfrom(lab.peers[ALICE], bytes, sizeof(bytes), 0,
				  (struct sockaddr *)&from, &length),
			 8);
	assert_int_equal(ntohl(from.sin_addr.s_addr), INADDR_LOOPBACK + 8);
	expect_nothing_more(&lab);
	close(any);
	close_lab(&lab);
}

/* --- what the kernel does not do */

static void sends_singly_where_the_kernel_refuses(void **state)
{
	(void)state;
	struct lab lab = open_lab(AF_INET);
	bool refused = false;
	int on = 1;

	/* Without checksums it cuts nothing. */
	assert_return_code(
		setsockopt(lab.server, SOL_SOCKET, SO_NO_CHECK, &on, sizeof(on)), 0);
	answer(&lab, BOB, 0, 30);
	for (uint8_t i = 0; i < 3; i++)
		answer(&lab, ALICE, i, 8);
	answer(&lab, BOB, 1, 30);
	assert_int_equal(answers_send(lab.answers, lab.server, true, &refused), 0);
	assert_true(refused);
	for (uint8_t i = 0; i < 3; i++)
		expect(&lab, ALICE, i, 1, 8);
	expect(&lab, BOB, 0, 1, 30);
	expect(&lab, BOB, 1, 1, 30);
	expect_nothing_more(&lab);
	close_lab(&lab);
}

/* A destination that cannot be reached costs its own answers alone. */
static void counts_what_cannot_be_sent(void **state)
{
	(void)state;
	for (int merge = 0; merge < 2; merge++) {
		struct lab lab = open_lab(AF_INET);
		answer(&lab, ALICE, 0, 8);
		((struct sockaddr_in *)&lab.addresses[BOB])->sin_port = 0;
		answer(&lab, BOB, 1, 8);
		answer(&lab, BOB, 2, 8);
		answer(&lab, ALICE, 3, 8);
		bool refused = false;
		assert_int_equal(answers_send(lab.answers, lab.server, merge, &refused),
				 2);
		expect(&lab, ALICE, 0, 1, 8);
		expect(&lab, ALICE, 3, 1, 8);
		expect_nothing_more(&lab);
		close_lab(&lab);
	}
}

/* --- when */

static void asks_the_kernel_whether_it_can(void **state)
{
	(void)state;
	struct answers_pace pace;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	answers_pace_init(&pace, fd);
	assert_true(pace.can_merge);
	answers_pace_init(&pace, other);
	assert_false(pace.can_merge);
	close(fd);
	close(other);
}

static void merges_only_above_the_rate(void **state)
{
	(void)state;
	const int64_t interval_ns = NS_PER_S / LIMIT_SINGLE_RATE;
	struct answers_pace pace = {.can_merge = true}, cannot = {0};
	int64_t now_ns = 1000 * NS_PER_S;

	/* As fast as the rate, for ten seconds. */
	for (int i = 0; i < 10 * LIMIT_SINGLE_RATE; i += 10) {
		assert_false(answers_pace_merges(&pace, 10, now_ns));
		now_ns += 10 * interval_ns;
	}
	/* A burst, and one more. */
	now_ns += NS_PER_S;
	assert_false(answers_pace_merges(&pace, LIMIT_SINGLE_BURST, now_ns));
	assert_true(answers_pace_merges(&pace, 1, now_ns));
	/* For as long as it goes on twice as fast. */
	for (int i = 0; i < 10 * LIMIT_SINGLE_RATE; i += 10) {
		assert_true(answers_pace_merges(&pace, 20, now_ns));
		assert_false(answers_pace_merges(&cannot, 20, now_ns));
		now_ns += 10 * interval_ns;
	}
	/* And not after a pause, however long it went on. */
	now_ns += 2 * LIMIT_SINGLE_BURST * interval_ns;
	assert_false(answers_pace_merges(&pace, LIMIT_SINGLE_BURST, now_ns));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(merges_neighbours_of_one_peer_and_length),
		cmocka_unit_test(merges_a_whole_batch),
		cmocka_unit_test(leaves_alone_what_is_long_or_not_wanted),
		cmocka_unit_test(one_that_was_taken_out_does_not_leave),
		cmocka_unit_test(keeps_the_control_message),
		cmocka_unit_test(sends_singly_where_the_kernel_refuses),
		cmocka_unit_test(counts_what_cannot_be_sent),
		cmocka_unit_test(asks_the_kernel_whether_it_can),
		cmocka_unit_test(merges_only_above_the_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
