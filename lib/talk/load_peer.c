/* One connection of a load. */
#include "talk/load.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

/* Told once for all that came: the kernel then does not look at each connection again after
 * it was read. */
#define STREAM_READS                                                                     \
	((uint32_t)EPOLLIN | (uint32_t)EPOLLPRI | (uint32_t)EPOLLRDHUP |                 \
	 (uint32_t)EPOLLET)

static void fail(struct load *load, int error, uint64_t number)
{
	if (load->failed == 0) {
		load->failed = error;
		load->failed_number = number;
	}
}

static struct load_slot *slot_of(const struct load *load, const struct load_peer *peer,
				 uint64_t number)
{
	return &peer->slots[number % load->options->depth];
}

/* A message with its number, which repeats after 2^32 requests. */
static void fill(uint8_t *to, const uint8_t *message, size_t n, uint64_t number)
{
	memcpy(to, message, n);
	for (unsigned i = 0; i < 4; i++)
		to[i] = (uint8_t)(number >> 8 * i);
}

/* --- out */

static void queue(struct load *load, struct load_peer *peer)
{
	const struct sonde_load_options *options = load->options;
	int64_t now_ns = clock_monotonic_ns();

	while (peer->queued - peer->ended < options->depth &&
	       (options->rate > 0 ? peer->owed > 0 : !load->ended)) {
		struct load_slot *slot = slot_of(load, peer, peer->queued);
		if (slot->busy)
			return; /* UDP: the others were faster */
		*slot = (struct load_slot){
			.due_ns = options->rate > 0
					  ? load_due_ns(load, peer, peer->queued)
					  : now_ns,
			.number = peer->queued,
			.busy = true,
		};
		peer->queued++;
		load->on_their_way++;
		if (options->rate > 0)
			peer->owed--;
	}
}

/* As many whole requests as the buffer holds, from the one that is sent in part. */
static void send_stream(struct load *load, struct load_peer *peer)
{
	const struct sonde_load_options *options = load->options;
	size_t n = options->request_bytes;

	while (peer->sent < peer->queued * n) {
		uint64_t first = peer->sent / n;
		size_t skip = peer->sent % n;
		size_t count = peer->queued - first;
		if (count > LOAD_BUFFER / n)
			count = LOAD_BUFFER / n;
		for (size_t i = 0; i < count; i++)
			fill(load->buffer + i * n, options->request, n, first + i);
		ssize_t r = send(peer->fd, load->buffer + skip, count * n - skip,
				 MSG_NOSIGNAL);
		if (r < 0 && errno == EAGAIN)
			break;
		if (r < 0 && errno != EINTR) {
			fail(load, -errno, first);
			return;
		}
		peer->sent += r > 0 ? (uint64_t)r : 0;
	}
}

static void send_datagrams(struct load *load, struct load_peer *peer)
{
	const struct sonde_load_options *options = load->options;
	struct mmsghdr messages[LOAD_BATCH];
	struct iovec parts[LOAD_BATCH];
	size_t n = options->request_bytes;

	while (peer->sent < peer->queued) {
		unsigned count = 0;
		while (count < LOAD_BATCH && (count + 1) * n <= LOAD_BUFFER &&
		       peer->sent + count < peer->queued) {
			uint8_t *at = load->buffer + count * n;
			fill(at, options->request, n, peer->sent + count);
			parts[count] = (struct iovec){at, n};
			messages[count].msg_hdr = (struct msghdr){
				.msg_iov = &parts[count],
				.msg_iovlen = 1,
			};
			count++;
		}
		int r = sendmmsg(peer->fd, messages, count, MSG_NOSIGNAL);
		if (r < 0 && (errno == EAGAIN || errno == ENOBUFS))
			break;
		if (r < 0 && errno != EINTR) {
			fail(load, -errno, peer->sent);
			return;
		}
		peer->sent += r > 0 ? (uint64_t)r : 0;
	}
}

void load_peer_pump(struct load *load, struct load_peer *peer)
{
	const struct sonde_load_options *options = load->options;
	uint32_t reads = options->udp ? EPOLLIN : STREAM_READS;
	uint64_t wanted;

	queue(load, peer);
	if (options->udp)
		send_datagrams(load, peer);
	else
		send_stream(load, peer);
	wanted = options->udp ? peer->queued : peer->queued * options->request_bytes;
	loop_watch(load->loop, peer->slot,
		   peer->sent < wanted ? EPOLLIN | EPOLLOUT : reads);
}

/* --- in */

static void end_request(struct load *load, struct load_peer *peer, struct load_slot *slot)
{
	slot->busy = false;
	peer->ended++;
	load->on_their_way--;
}

static void take_answer(struct load *load, struct load_peer *peer, struct load_slot *slot,
			int64_t now_ns)
{
	end_request(load, peer, slot);
	load->heard_ns = now_ns;
	if (slot->due_ns < load->counts_ns)
		return;
	load->answered++;
	histogram_add(&load->histogram, now_ns - slot->due_ns);
}

/* Compares bytes[0..n) with the answers that are expected at this place. */
static void take_stream(struct load *load, struct load_peer *peer, const uint8_t *bytes,
			size_t n)
{
	const struct sonde_load_options *options = load->options;
	uint8_t expected[SONDE_LOAD_MESSAGE_BYTES];
	int64_t now_ns = clock_monotonic_ns();

	while (n > 0) {
		uint64_t number = peer->received / options->answer_bytes;
		size_t skip = peer->received % options->answer_bytes;
		size_t part = options->answer_bytes - skip;
		if (part > n)
			part = n;
		fill(expected, options->answer, options->answer_bytes, number);
		if (number >= peer->queued || memcmp(bytes, expected + skip, part) != 0) {
			fail(load, -EBADMSG, number);
			return;
		}
		peer->received += part;
		bytes += part;
		n -= part;
		if (skip + part == options->answer_bytes)
			take_answer(load, peer, slot_of(load, peer, number), now_ns);
	}
}

/* What one recv may have left behind is read at once: more than the buffer holds, what
 * follows an urgent byte, the end. */
static void receive_stream(struct load *load, struct load_peer *peer, uint32_t events)
{
	bool reads_all = events & ~((uint32_t)EPOLLIN | (uint32_t)EPOLLOUT);
	ssize_t n;

	do {
		n = recv(peer->fd, load->buffer, LOAD_BUFFER, 0);
		if (n > 0)
			take_stream(load, peer, load->buffer, (size_t)n);
		else if (n == 0)
			fail(load, -ECONNABORTED, peer->ended);
		else if (errno != EAGAIN && errno != EINTR)
			fail(load, -errno, peer->ended);
	} while (
		(n == LOAD_BUFFER || (n > 0 && reads_all) || (n < 0 && errno == EINTR)) &&
		load->failed == 0);
}

/* A late or a doubled answer is passed over: its request was given up. */
static void take_datagram(struct load *load, struct load_peer *peer, const uint8_t *bytes,
			  size_t n, int64_t now_ns)
{
	const struct sonde_load_options *options = load->options;
	uint8_t expected[SONDE_LOAD_MESSAGE_BYTES];
	uint32_t low = 0;

	if (n < 4) {
		fail(load, -EBADMSG, peer->ended);
		return;
	}
	for (unsigned i = 0; i < 4; i++)
		low |= (uint32_t)bytes[i] << 8 * i;
	/* The latest number that ends so. */
	uint64_t number =
		peer->queued - 1 - (uint32_t)((uint32_t)(peer->queued - 1) - low);
	struct load_slot *slot = slot_of(load, peer, number);
	if (!slot->busy || slot->number != number)
		return;
	fill(expected, options->answer, options->answer_bytes, number);
	if (n != options->answer_bytes || memcmp(bytes, expected, n) != 0)
		fail(load, -EBADMSG, number);
	else
		take_answer(load, peer, slot, now_ns);
}

static void receive_datagrams(struct load *load, struct load_peer *peer)
{
	struct mmsghdr messages[LOAD_BATCH / 2];
	struct iovec parts[LOAD_BATCH / 2];
	enum { COUNT = LOAD_BATCH / 2, STRIDE = LOAD_BUFFER / COUNT };

	for (unsigned i = 0; i < COUNT; i++) {
		parts[i] = (struct iovec){load->buffer + (size_t)i * STRIDE, STRIDE};
		messages[i].msg_hdr =
			(struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
	}
	int count = recvmmsg(peer->fd, messages, COUNT, MSG_DONTWAIT, NULL);
	if (count < 0 && errno != EAGAIN && errno != EINTR)
		fail(load, -errno, peer->ended);
	int64_t now_ns = clock_monotonic_ns();
	for (int i = 0; i < count; i++)
		take_datagram(load, peer, parts[i].iov_base, messages[i].msg_len, now_ns);
}

void load_peer_expire(struct load *load, struct load_peer *peer, int64_t before_ns)
{
	for (unsigned i = 0; i < load->options->depth; i++) {
		struct load_slot *slot = &peer->slots[i];
		if (!slot->busy || slot->due_ns >= before_ns)
			continue;
		end_request(load, peer, slot);
		if (slot->due_ns >= load->counts_ns)
			load->lost++;
	}
}

void load_peer_ready(void *context, void *object, uint32_t events)
{
	struct load *load = context;
	struct load_peer *peer = object;

	if (events & ~(uint32_t)EPOLLOUT) {
		if (load->options->udp)
			receive_datagrams(load, peer);
		else
			receive_stream(load, peer, events);
	}
	if (load->failed == 0)
		load_peer_pump(load, peer);
}

int load_peer_open(struct load *load, unsigned index, int64_t deadline_ns)
{
	struct load_peer *peer = &load->peers[index];
	enum sock_transport transport = load->options->udp ? SOCK_UDP : SOCK_TCP;
	int fd = sock_open(&load->address, transport);

	peer->fd = -1;
	peer->index = index;
	peer->slots = &load->slots[(size_t)index * load->options->depth];
	if (fd < 0)
		return fd;
	int r = sock_connect(fd, &load->address, load->also_fd, deadline_ns);
	if (r == 0 && transport == SOCK_TCP)
		r = sock_set_no_delay(fd);
	if (r == 0)
		r = loop_add(load->loop, 0, fd, EPOLLIN, peer);
	if (r < 0) {
		close(fd);
		return r;
	}
	peer->slot = r;
	peer->fd = fd;
	load->connected++;
	return 0;
}
