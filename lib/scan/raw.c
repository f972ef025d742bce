/* Raw sockets and the ring, for SYN scans and pings. */
#include "scan/raw_parts.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "scan/mate.h"

enum {
	IPV6_BYTES = 40,
	PORT_TRIES = 200,
	SEND_BUFFER = 4 << 20,
	SNAP_BYTES = 256,
	RING_BLOCKS = 64, /* 8 MiB: some 40,000 answers */
};

static int hold_port(uint16_t port)
{
	struct sockaddr_in6 both = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr_in inet = {.sin_family = AF_INET, .sin_port = htons(port)};
	const int off = 0;
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), r;

	if (fd >= 0) {
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
		r = bind(fd, (const struct sockaddr *)&both, sizeof(both));
	} else {
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0)
			return -errno;
		r = bind(fd, (const struct sockaddr *)&inet, sizeof(inet));
	}
	if (r < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

static void let_ports_go(struct raw *raw)
{
	for (unsigned i = 0; i < RAW_PORTS; i++) {
		if (raw->held[i] >= 0)
			close(raw->held[i]);
		raw->held[i] = -1;
	}
}

/* A number that the kernel picks: others in each run, because a host may still hold what
 * an earlier run opened. */
static int pick_port(uint16_t *ret)
{
	struct sockaddr_storage bound;
	struct sonde_address address;
	socklen_t length = sizeof(bound);
	int fd = hold_port(0), r;

	if (fd < 0)
		return fd;
	r = getsockname(fd, (struct sockaddr *)&bound, &length) < 0 ? -errno : 0;
	close(fd);
	if (r == 0)
		r = sonde_address_from_sockaddr((const struct sockaddr *)&bound, length,
						&address);
	if (r == 0)
		*ret = address.port;
	return r;
}

static int hold_ports(struct raw *raw)
{
	int r = -EADDRINUSE;

	for (unsigned tries = 0; tries < PORT_TRIES && r < 0; tries++) {
		r = pick_port(&raw->first_port);
		if (r < 0)
			return r;
		if (raw->first_port > UINT16_MAX - RAW_PORTS)
			raw->first_port = UINT16_MAX - RAW_PORTS;
		for (unsigned i = 0; i < RAW_PORTS; i++) {
			r = hold_port((uint16_t)(raw->first_port + i));
			if (r < 0)
				break;
			raw->held[i] = r;
		}
		if (r < 0)
			let_ports_go(raw);
		if (r < 0 && r != -EADDRINUSE)
			return r;
	}
	return r < 0 ? r : 0;
}

/* ICMP, and TCP to our ports; nothing that leaves. */
static int open_ring(const struct raw *raw, struct sonde_error *err)
{
	const uint32_t net = (uint32_t)SKF_NET_OFF;
	const uint32_t first = raw->first_port, last = first + RAW_PORTS - 1;
	/* clang-format off: the jumps are counted by line */
	const struct sock_filter code[] = {
		/* 0 */ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_PKTTYPE),
		/* 1 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 20, 0),
		/* 2 */ BPF_STMT(BPF_LD | BPF_B | BPF_ABS, net),
		/* 3 */ BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 4),
		/* 4 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 6, 9, 0),
		/* 5 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 4, 0, 16),
		/* 6 */ BPF_STMT(BPF_LD | BPF_B | BPF_ABS, net + 9),
		/* 7 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMP, 13, 0),
		/* 8 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0, 13),
		/* 9 */ BPF_STMT(BPF_LD | BPF_B | BPF_ABS, net),
		/* 10 */ BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x0f),
		/* 11 */ BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 2),
		/* 12 */ BPF_STMT(BPF_MISC | BPF_TAX, 0),
		/* 13 */ BPF_STMT(BPF_JMP | BPF_JA, 4),
		/* 14 */ BPF_STMT(BPF_LD | BPF_B | BPF_ABS, net + 6),
		/* 15 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMPV6, 5, 0),
		/* 16 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0, 5),
		/* 17 */ BPF_STMT(BPF_LDX | BPF_W | BPF_IMM, IPV6_BYTES),
		/* 18 */ BPF_STMT(BPF_LD | BPF_H | BPF_IND, net + 2),
		/* 19 */ BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, first, 0, 2),
		/* 20 */ BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, last, 1, 0),
		/* 21 */ BPF_STMT(BPF_RET | BPF_K, SNAP_BYTES),
		/* 22 */ BPF_STMT(BPF_RET | BPF_K, 0),
	};
	/* clang-format on */

	const struct ring_options options = {
		.blocks = RING_BLOCKS,
		.block_ms = 1, /* an answer is waited for */
		.filter = code,
		.filter_count = sizeof(code) / sizeof(code[0]),
		.is_whole_filter = true,
		.ignores_outgoing = true,
	};

	return ring_open_with(&options, err);
}

static int open_sender(int family)
{
	const int bytes = SEND_BUFFER;
	int fd = socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	return fd;
}

static int refuse(struct sonde_error *err, int code, const char *what)
{
	sonde_error_set(err, sonde_error_kind_of(-code), code, "scan", what, NULL);
	if (code == -EPERM || code == -EACCES)
		sonde_error_hint(err, "raw packets need CAP_NET_RAW: run it as root, or "
				      "use --connect");
	else if (code == -EMFILE)
		sonde_error_hint(err, "raise the limit of open files: ulimit -n 1024");
	return code;
}

int raw_open(struct raw **ret, struct sonde_error *err)
{
	struct raw *raw = array_new(1, sizeof(*raw));
	int r;

	if (!raw)
		return refuse(err, -ENOMEM, "by raw packets");
	raw->fds[INET] = raw->fds[INET6] = raw->fds[FRAME] = -1;
	for (unsigned i = 0; i < RAW_PORTS; i++)
		raw->held[i] = -1;
	if (getrandom(raw->key, sizeof(raw->key), 0) < 0)
		raw->key[0] = raw->key[1] = (uint64_t)clock_monotonic_ns();
	raw->mate = mate_new();
	raw->echo_id = (uint16_t)(raw->key[0] >> 48);
	r = hold_ports(raw);
	if (r < 0) {
		refuse(err, r, "hold own ports");
		goto out;
	}
	raw->fds[INET] = open_sender(AF_INET);
	raw->fds[INET6] = open_sender(AF_INET6);
	if (raw->fds[INET] < 0 &&
	    (raw->fds[INET6] < 0 || raw->fds[INET] != -EAFNOSUPPORT)) {
		r = refuse(err, raw->fds[INET], "by raw packets");
		goto out;
	}
	r = open_ring(raw, err);
	if (r >= 0)
		r = ring_map_blocks(r, RING_BLOCKS, &raw->ring, err);
	if (r < 0)
		goto out;
	raw->fds[FRAME] = ring_fd(raw->ring);
	for (unsigned i = 0; i < RAW_BATCH; i++) {
		raw->messages[i].msg_hdr.msg_iov = &raw->parts[i];
		raw->messages[i].msg_hdr.msg_iovlen = 1;
		raw->messages[i].msg_hdr.msg_name = &raw->to[i];
	}
	*ret = raw;
	return 0;
out:
	raw_close(raw);
	return r;
}

void raw_close(struct raw *raw)
{
	if (!raw)
		return;
	mate_free(raw->mate);
	ring_free(raw->ring);
	if (raw->fds[INET] >= 0)
		close(raw->fds[INET]);
	if (raw->fds[INET6] >= 0)
		close(raw->fds[INET6]);
	let_ports_go(raw);
	array_free(raw);
}

int raw_fd(const struct raw *raw)
{
	return ring_fd(raw->ring);
}

/* Whose answer it is: only who saw the probe knows its number. */
static bool is_ours(const struct raw *raw, struct raw_answer *answer)
{
	const struct reply *reply = &answer->reply;
	uint32_t most = COURSE_SENTINELS;

	if (reply->kind == REPLY_ECHO)
		return reply->own_port == raw->echo_id;
	if (reply->own_port < raw->first_port ||
	    reply->own_port >= raw->first_port + RAW_PORTS)
		return false;
	answer->port_at = reply->own_port - raw->first_port;
	answer->difference =
		reply->number - reply_cookie(raw->key, &reply->about, reply->own_port);
	if (reply->kind == REPLY_CHALLENGE)
		return true;
	return answer->difference < (answer->port_at < COURSE_ATTEMPTS ? 1 : most);
}

int raw_next(struct raw *raw, struct raw_answer *ret)
{
	struct ring_packet packet;

	while (ring_next(raw->ring, &packet) > 0) {
		if (!reply_read((enum sonde_link)packet.link, packet.bytes,
				packet.captured_length, &ret->reply))
			continue;
		ret->at_ns = packet.at_ns;
		/* Such an address is one only together with its link. */
		if (ret->reply.about.family == SONDE_FAMILY_INET6 &&
		    ret->reply.about.bytes[0] == 0xfe &&
		    (ret->reply.about.bytes[1] & 0xc0) == 0x80)
			ret->reply.about.scope_id = (uint32_t)packet.interface_index;
		if (is_ours(raw, ret))
			return 1;
		if (ret->reply.kind != REPLY_ECHO)
			raw->foreign++;
	}
	return 0;
}

uint64_t raw_drops(struct raw *raw)
{
	struct ring_counts counts;
	uint64_t since;

	ring_count(raw->ring, &counts);
	since = counts.dropped - raw->dropped;
	raw->dropped = counts.dropped;
	return since;
}

uint64_t raw_foreign(const struct raw *raw)
{
	return raw->foreign;
}
