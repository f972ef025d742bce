/* The UDP sockets of a server.
 *
 * Datagrams are taken and answered in batches, one recvmmsg and one sendmmsg for up to
 * LIMIT_DATAGRAM_BATCH of them.  The buffers are shared by all sockets.  What a batch of
 * short datagrams touches lies close together: a datagram's first SLOT_BYTES have their
 * place beside those of the others, the rest of a long one goes elsewhere, and is put
 * together before the service sees it.
 *
 * A socket with much to do is hot (io/loop.h): the kernel then does not tell epoll of each
 * datagram that comes and of each answer that has left, a twentieth of all its work.
 *
 * A UDP source is whoever the sender says it is.  So that two servers cannot be set on
 * each other (CERT CA-1996-01), and nobody's flood is made bigger or longer here:
 *
 *	nothing is answered that seems to come from a group, a broadcast or no address,
 *	from a port below 1024 or NFS's 2049 (where other servers answer), or from a
 *	port of our own;
 *	what leaves this machine is never longer than its request, nor than
 *	LIMIT_DATAGRAM_FOREIGN, and each source has LIMIT_SOURCE_RATE a second.
 *
 * (That a source in 127/8 came in by another interface is seen to by the kernel.)  What
 * is refused is counted, and said once an interval.
 *
 * A socket that is bound to every address must answer from the one that was asked, or the
 * client does not know the answer for its own: IP_PKTINFO tells and sets it. */
#include "serve/server.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/chance.h"
#include "base/limits.h"
#include "serve/answers.h"
#include "serve/crew.h"
#include "serve/fault.h"

enum {
	SLOT_BYTES =
		512 + 64, /* no power of two: they shall not share cache lines' sets */
	PARTS = 2,
	NFS_PORT = 2049,
	HOT_COUNT =
		16, /* of a batch that more will follow soon: two calls of epoll pay */
};

struct control {
	_Alignas(struct cmsghdr) uint8_t bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

/* Of a UDP socket; sockaddr_storage would be four times as long. */
union peer {
	struct sockaddr any;
	struct sockaddr_in inet;
	struct sockaddr_in6 inet6;
};

/* A batch; its answers go to the same peers, with the same control messages. */
struct requests {
	struct mmsghdr messages[LIMIT_DATAGRAM_BATCH];
	struct iovec parts[LIMIT_DATAGRAM_BATCH][PARTS];
	union peer peers[LIMIT_DATAGRAM_BATCH];
	struct control controls[LIMIT_DATAGRAM_BATCH];
	uint8_t slots[LIMIT_DATAGRAM_BATCH][SLOT_BYTES];
};

struct datagrams {
	struct requests in;
	struct answers out;
	uint8_t own_ports[65536 / 8]; /* a bit for each that a UDP service has */
	struct server_quiet quiet_source, quiet_allow, quiet_rate, quiet_size, quiet_send,
		quiet_receive, quiet_delay;
	struct fault fault;
	int delayed_slot; /* -1 without a delay */
	uint8_t rests[LIMIT_DATAGRAM_BATCH][LIMIT_DATAGRAM - SLOT_BYTES];
};

struct socket {
	const struct serve_spec *spec; /* borrowed */
	int fd;                        /* the loop's */
	int slot;
	bool any; /* bound to every address */
	struct answers_pace pace;
};

/* --- who may ask */

static bool is_group_or_nobody(const struct sonde_address *peer)
{
	uint8_t first = peer->bytes[0];

	if (peer->family == SONDE_FAMILY_INET6)
		return first == 0xff || sonde_address_is_any(peer);
	return first == 0 || first >= 224; /* 0/8, 224/4, 240/4 with 255/8 */
}

static bool may_ask(const struct datagrams *datagrams, const struct sonde_address *peer)
{
	bool own = datagrams->own_ports[peer->port / 8] & 1u << peer->port % 8;

	return peer->port >= 1024 && peer->port != NFS_PORT && !own &&
	       !is_group_or_nobody(peer);
}

static size_t answer_limit(const struct sonde_address *peer, size_t request)
{
	if (sonde_address_is_loopback(peer))
		return LIMIT_DATAGRAM;
	return request < LIMIT_DATAGRAM_FOREIGN ? request : LIMIT_DATAGRAM_FOREIGN;
}

/* --- out */

static void send_batch(struct sonde_server *server, struct socket *socket)
{
	struct datagrams *datagrams = server->datagrams;
	struct answers *answers = &datagrams->out;
	bool refused = false;

	if (answers->count == 0)
		return;
	bool merge = answers_pace_merges(&socket->pace, answers->count,
					 loop_now_ns(server->loop));
	unsigned failed = answers_send(answers, socket->fd, merge, &refused);
	if (refused)
		socket->pace.can_merge = false;
	for (; failed > 0; failed--)
		trouble_add(server, &datagrams->quiet_send, socket->spec, true,
			    "an answer could not be sent");
}

/* --- in */

static void notify(struct sonde_server *server, const struct socket *socket,
		   enum sonde_serve_event_kind kind, const struct sonde_address *peer,
		   size_t bytes, uint32_t requests, const char *reason)
{
	if (!server_tells_steps(server))
		return;
	struct sonde_serve_event event = {
		.kind = kind,
		.service = socket->spec->service->name,
		.udp = true,
		.peer = *peer,
		.bytes = bytes,
		.requests = requests,
		.reason = reason,
	};
	server_notify(server, &event);
}

static void tell_answer(struct sonde_server *server, const struct socket *socket,
			const struct sonde_address *peer, size_t bytes, uint32_t requests,
			const char *remark)
{
	struct counts *counts = &socket->spec->counts[SPEC_UDP];

	counts_add(&counts->sent, bytes);
	counts_add(&counts->answered, requests);
	notify(server, socket, SONDE_SERVE_ANSWERED, peer, bytes, requests, remark);
}

/* Takes the answer that was added last out of the batch, to send it later. */
static void delay_answer(struct sonde_server *server, const struct socket *socket,
			 const struct service_turn *turn)
{
	struct datagrams *datagrams = server->datagrams;
	const struct msghdr *answer = answers_take_last(&datagrams->out);
	bool was_empty = fault_due_ns(&datagrams->fault) == INT64_MAX;

	if (fault_keep(&datagrams->fault, socket->spec, socket->fd, answer,
		       turn->answered, turn_remark(turn), loop_now_ns(server->loop)) < 0)
		trouble_add(server, &datagrams->quiet_delay, socket->spec, true,
			    "not answered: too many answers are under way");
	else if (was_empty)
		loop_set_deadline(server->loop, datagrams->delayed_slot,
				  fault_due_ns(&datagrams->fault));
}

static void send_delayed(struct sonde_server *server, const struct fault_answer *answer)
{
	struct datagrams *datagrams = server->datagrams;
	const struct socket socket = {.spec = answer->spec, .fd = answer->fd};
	struct sonde_address peer = {0};

	sonde_address_from_sockaddr(answer->message.msg_name, answer->message.msg_namelen,
				    &peer);
	if (sendmsg(answer->fd, &answer->message, MSG_NOSIGNAL) < 0)
		trouble_add(server, &datagrams->quiet_send, answer->spec, true,
			    "an answer could not be sent");
	else
		tell_answer(server, &socket, &peer, answer->part.iov_len,
			    answer->requests, answer->remark[0] ? answer->remark : NULL);
}

static void send_due(struct sonde_server *server, int64_t now_ns)
{
	struct fault_answer *answer;

	while ((answer = fault_take(&server->datagrams->fault, now_ns))) {
		send_delayed(server, answer);
		fault_answer_free(answer);
	}
}

void datagrams_late(void *context, void *object)
{
	struct sonde_server *server = context;

	(void)object;
	send_due(server, loop_now_ns(server->loop));
	loop_set_deadline(server->loop, server->datagrams->delayed_slot,
			  fault_due_ns(&server->datagrams->fault));
}

/* One datagram, in one piece. */
static const uint8_t *take_bytes(struct sonde_server *server, unsigned at, size_t n)
{
	const struct iovec *parts = server->datagrams->in.parts[at];

	if (n <= SLOT_BYTES)
		return parts[0].iov_base;
	memcpy(server->input, parts[0].iov_base, SLOT_BYTES);
	memcpy(server->input + SLOT_BYTES, parts[1].iov_base, n - SLOT_BYTES);
	return server->input;
}

static void answer_one(struct sonde_server *server, struct socket *socket, unsigned at)
{
	struct datagrams *datagrams = server->datagrams;
	struct msghdr *message = &datagrams->in.messages[at].msg_hdr;
	const struct service *service = socket->spec->service;
	struct counts *counts = &socket->spec->counts[SPEC_UDP];
	struct sonde_address peer = {0};
	size_t asked = datagrams->in.messages[at].msg_len;
	struct service_turn turn;

	sonde_address_from_sockaddr(message->msg_name, message->msg_namelen, &peer);
	if (!may_ask(datagrams, &peer)) {
		datagrams->quiet_source.peer = peer;
		trouble_add(server, &datagrams->quiet_source, socket->spec, true,
			    "not answered: the request comes from where a server or "
			    "a group answers, and might make a loop");
		return;
	}
	if (!server_allows(server, &peer)) {
		datagrams->quiet_allow.peer = peer;
		trouble_add(server, &datagrams->quiet_allow, socket->spec, true,
			    "not answered: not of an allowed network (--allow)");
		return;
	}
	if (!sonde_address_is_loopback(&peer) &&
	    !crew_admit(server->crew, &peer, loop_now_ns(server->loop))) {
		datagrams->quiet_rate.peer = peer;
		trouble_add(server, &datagrams->quiet_rate, socket->spec, true,
			    "not answered: its network asks too often");
		return;
	}
	uint8_t *room = answers_room(&datagrams->out);
	if (!room) {
		send_batch(server, socket);
		room = answers_room(&datagrams->out);
	}
	turn_begin(server, socket->spec, &turn);
	turn.input = take_bytes(server, at, asked);
	turn.input_bytes = asked;
	turn.input_ended = true;
	turn.output = room;
	turn.output_capacity = LIMIT_DATAGRAM;
	turn.answer_limit = answer_limit(&peer, asked);

	counts_add(&counts->datagrams, 1);
	counts_add(&counts->received, asked);
	notify(server, socket, SONDE_SERVE_RECEIVED, &peer, asked, 0, NULL);
	if (fault_drops(&datagrams->fault)) {
		counts_add(&counts->dropped, 1);
		notify(server, socket, SONDE_SERVE_DROPPED, &peer, asked, 0,
		       "lost on purpose (--drop)");
		return;
	}
	bool answered = service->answer(&turn);
	if (turn.refused) {
		counts_add(&counts->refused, 1);
		notify(server, socket, SONDE_SERVE_REFUSED, &peer, 0, 0, turn.reason);
	}
	if (!answered)
		return;
	if (turn.given > turn.answer_limit) {
		datagrams->quiet_size.peer = peer;
		trouble_add(server, &datagrams->quiet_size, socket->spec, true,
			    "not answered: beyond loopback (127.0.0.0/8, ::1) no answer "
			    "is longer than its request or than 512 bytes");
		return;
	}
	answers_add(&datagrams->out, message, turn.given);
	if (datagrams->delayed_slot >= 0) {
		delay_answer(server, socket, &turn);
		return;
	}
	tell_answer(server, socket, &peer, turn.given, turn.answered, turn_remark(&turn));
}

static void prepare_input(struct datagrams *datagrams, const struct socket *socket)
{
	for (unsigned i = 0; i < LIMIT_DATAGRAM_BATCH; i++) {
		struct msghdr *message = &datagrams->in.messages[i].msg_hdr;
		message->msg_namelen = sizeof(datagrams->in.peers[i]);
		message->msg_control = socket->any ? &datagrams->in.controls[i] : NULL;
		message->msg_controllen =
			socket->any ? sizeof(datagrams->in.controls[i]) : 0;
	}
}

void datagrams_ready(void *context, void *object, uint32_t events)
{
	struct sonde_server *server = context;
	struct socket *socket = object;
	struct datagrams *datagrams = server->datagrams;

	(void)events;
	for (int i = 0; i < LIMIT_DATAGRAM_BATCHES; i++) {
		prepare_input(datagrams, socket);
		int count = recvmmsg(socket->fd, datagrams->in.messages,
				     LIMIT_DATAGRAM_BATCH, MSG_DONTWAIT, NULL);
		if (count < 0) {
			int error = errno;
			/* Where it cannot be watched again, the next turn tries. */
			loop_cool(server->loop, socket->slot);
			if (error != EAGAIN && error != EINTR)
				trouble_add(server, &datagrams->quiet_receive,
					    socket->spec, true,
					    "a datagram could not be received");
			return;
		}
		for (unsigned at = 0; at < (unsigned)count; at++)
			answer_one(server, socket, at);
		send_batch(server, socket);
		if (count >= HOT_COUNT)
			loop_heat(server->loop, socket->slot);
		else if (loop_cool(server->loop, socket->slot) == 0)
			return;
	}
}

/* --- life */

void datagrams_free(void *context, void *object)
{
	(void)context;
	free(object);
}

static int make_shared(struct sonde_server *server)
{
	/* From the system and not from the heap: only touched pages are there. */
	struct datagrams *datagrams = calloc(1, sizeof(*datagrams));

	if (!datagrams)
		return -ENOMEM;
	for (unsigned i = 0; i < LIMIT_DATAGRAM_BATCH; i++) {
		struct iovec *parts = datagrams->in.parts[i];
		parts[0] = (struct iovec){datagrams->in.slots[i], SLOT_BYTES};
		parts[1] =
			(struct iovec){datagrams->rests[i], LIMIT_DATAGRAM - SLOT_BYTES};
		datagrams->in.messages[i].msg_hdr = (struct msghdr){
			.msg_name = &datagrams->in.peers[i],
			.msg_iov = parts,
			.msg_iovlen = PARTS,
		};
	}
	datagrams->fault = (struct fault){
		.drop_parts = server->options.drop_parts,
		.delay_ns = server->options.delay_ns,
		.chance = server->options.seed > 0 ? server->options.seed
						   : chance_next(&server->chance),
	};
	datagrams->delayed_slot = -1;
	if (server->options.delay_ns > 0) {
		datagrams->delayed_slot =
			loop_add(server->loop, SERVER_DELAYED, -1, 0, NULL);
		if (datagrams->delayed_slot < 0) {
			int r = datagrams->delayed_slot;
			free(datagrams);
			return r;
		}
	}
	server->datagrams = datagrams;
	return 0;
}

static int ask_for_addresses(int fd, uint8_t family)
{
	int on = 1;
	int r = family == SONDE_FAMILY_INET6
			? setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on))
			: setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));

	return r < 0 ? -errno : 0;
}

int datagrams_add(struct sonde_server *server, int fd, const struct serve_spec *spec,
		  const struct sonde_address *bound)
{
	bool any = sonde_address_is_any(bound);
	int r = server->datagrams ? 0 : make_shared(server);

	if (r == 0 && any)
		r = ask_for_addresses(fd, bound->family);
	if (r < 0)
		return r;
	struct socket *socket = calloc(1, sizeof(*socket));
	if (!socket)
		return -ENOMEM;
	*socket = (struct socket){.spec = spec, .fd = fd, .any = any};
	r = loop_add(server->loop, SERVER_DATAGRAMS, fd, EPOLLIN, socket);
	if (r < 0) {
		free(socket);
		return r;
	}
	socket->slot = r;
	answers_pace_init(&socket->pace, fd);
	uint8_t *ports = server->datagrams->own_ports;
	ports[bound->port / 8] =
		(uint8_t)(ports[bound->port / 8] | 1u << bound->port % 8);
	return 0;
}

void datagrams_stop(struct sonde_server *server)
{
	struct datagrams *datagrams = server->datagrams;

	if (!datagrams)
		return;
	send_due(server, INT64_MAX);
	trouble_end(server, &datagrams->quiet_delay);
	trouble_end(server, &datagrams->quiet_rate);
	trouble_end(server, &datagrams->quiet_allow);
	trouble_end(server, &datagrams->quiet_source);
	trouble_end(server, &datagrams->quiet_size);
	trouble_end(server, &datagrams->quiet_send);
	trouble_end(server, &datagrams->quiet_receive);
}

void datagrams_free_shared(struct sonde_server *server)
{
	if (server->datagrams)
		fault_done(&server->datagrams->fault);
	free(server->datagrams);
	server->datagrams = NULL;
}
