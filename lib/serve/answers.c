/* Sending the answers of a batch.
 *
 * What a short datagram costs is its way through the kernel, nearly all of it on the
 * sender's side: route, headers, filters, the interface, the way up to the receiver.  So
 * that a server with much to do need not walk it for each one, answers of the same length to
 * the same peer that stand behind each other leave as one message, which the kernel cuts
 * into datagrams (UDP_SEGMENT) only where a receiver needs them single.  Their answers lie
 * in one piece already: nothing is copied.
 *
 * Receivers do not notice.  A capture on the interface does: it shows the message before it
 * is cut.  Who captures a question and its answer, or a window of them, shall see what was
 * sent.  Therefore a socket does so only while it has answered LIMIT_SINGLE_BURST more than
 * LIMIT_SINGLE_RATE a second allow, and never where an answer is long: there the way is the
 * smaller part.  And only to loopback, the one place where so many are answered (rate.c)
 * and where no driver has its own idea of it.
 *
 * A message that the kernel refuses (a route with a small MTU, EINVAL) is sent datagram by
 * datagram, and so is all that follows on its socket. */
#include "serve/answers.h"

#include <errno.h>
#include <netinet/udp.h>
#include <string.h>

#include <sonde/address.h>

#include "base/clock.h"

/* --- the batch */

uint8_t *answers_room(struct answers *answers)
{
	if (answers->count == LIMIT_DATAGRAM_BATCH ||
	    ANSWERS_BYTES - answers->used < LIMIT_DATAGRAM)
		return NULL;
	return answers->output + answers->used;
}

/* The answer goes out by any way that leads to the peer, from the address that was asked:
 * makes the request's control message the answer's.  Returns its length. */
static size_t turn_control(struct msghdr *request)
{
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(request);

	if (!cmsg || request->msg_flags & MSG_CTRUNC)
		return 0;
	if (cmsg->cmsg_level == IPPROTO_IP && cmsg->cmsg_type == IP_PKTINFO) {
		struct in_pktinfo info;
		memcpy(&info, CMSG_DATA(cmsg), sizeof(info));
		info.ipi_ifindex = 0;
		memcpy(CMSG_DATA(cmsg), &info, sizeof(info));
	} else if (cmsg->cmsg_level == IPPROTO_IPV6 && cmsg->cmsg_type == IPV6_PKTINFO) {
		struct in6_pktinfo info;
		memcpy(&info, CMSG_DATA(cmsg), sizeof(info));
		if (IN6_IS_ADDR_MULTICAST(&info.ipi6_addr))
			return 0;
		if (!IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
			info.ipi6_ifindex = 0;
		memcpy(CMSG_DATA(cmsg), &info, sizeof(info));
	} else {
		return 0;
	}
	return request->msg_controllen;
}

void answers_add(struct answers *answers, struct msghdr *request, size_t n)
{
	unsigned at = answers->count++;
	struct msghdr *answer = &answers->messages[at].msg_hdr;

	answers->parts[at] = (struct iovec){
		.iov_base = answers->output + answers->used,
		.iov_len = n,
	};
	*answer = (struct msghdr){
		.msg_name = request->msg_name,
		.msg_namelen = request->msg_namelen,
		.msg_iov = &answers->parts[at],
		.msg_iovlen = 1,
	};
	if (request->msg_controllen > 0) {
		answer->msg_controllen = turn_control(request);
		if (answer->msg_controllen > 0)
			answer->msg_control = request->msg_control;
	}
	answers->used += n;
}

const struct msghdr *answers_take_last(struct answers *answers)
{
	const struct msghdr *last = &answers->messages[--answers->count].msg_hdr;

	answers->used -= last->msg_iov->iov_len;
	return last;
}

/* --- when to merge */

void answers_pace_init(struct answers_pace *pace, int fd)
{
	int bytes = 0;
	socklen_t length = sizeof(bytes);

	/* A kernel that does not know it (before 4.18) would pass over it in a message, and
	 * send all as one datagram. */
	pace->can_merge = getsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &bytes, &length) == 0;
	pace->ahead_until_ns = 0;
}

bool answers_pace_merges(struct answers_pace *pace, unsigned count, int64_t now_ns)
{
	const int64_t interval_ns = NS_PER_S / LIMIT_SINGLE_RATE;
	const int64_t most_ns = now_ns + 2 * LIMIT_SINGLE_BURST * interval_ns;

	if (pace->ahead_until_ns < now_ns)
		pace->ahead_until_ns = now_ns;
	pace->ahead_until_ns += count * interval_ns;
	/* A pause shall end it soon, however long it was busy. */
	if (pace->ahead_until_ns > most_ns)
		pace->ahead_until_ns = most_ns;
	return pace->can_merge &&
	       pace->ahead_until_ns - now_ns > LIMIT_SINGLE_BURST * interval_ns;
}

/* --- merging */

static bool is_alike(const struct msghdr *a, const struct msghdr *b)
{
	if (a->msg_iov->iov_len != b->msg_iov->iov_len ||
	    a->msg_namelen != b->msg_namelen || a->msg_controllen != b->msg_controllen ||
	    memcmp(a->msg_name, b->msg_name, a->msg_namelen) != 0)
		return false;
	if (a->msg_controllen == 0)
		return true;
	const struct cmsghdr *mine = a->msg_control, *other = b->msg_control;
	return mine->cmsg_len == other->cmsg_len &&
	       memcmp(mine, other, mine->cmsg_len) == 0;
}

static bool may_merge(const struct msghdr *answer)
{
	struct sonde_address peer = {0};
	size_t n = answer->msg_iov->iov_len;

	sonde_address_from_sockaddr(answer->msg_name, answer->msg_namelen, &peer);
	return n > 0 && n <= LIMIT_MERGED_ANSWER && sonde_address_is_loopback(&peer);
}

/* How many answers from `at` on become one message. */
static unsigned count_alike(const struct answers *answers, unsigned at)
{
	const struct msghdr *first = &answers->messages[at].msg_hdr;
	unsigned end = at + 1;

	while (end < answers->count && is_alike(first, &answers->messages[end].msg_hdr))
		end++;
	return end - at > 1 && may_merge(first) ? end - at : 1;
}

/* The control message of the answers, if they have one, with the length to cut at behind. */
static void add_cut(struct msghdr *merged, struct answers_control *control, uint16_t n)
{
	size_t before = merged->msg_controllen;
	struct cmsghdr *cut;

	memset(control, 0, sizeof(*control));
	if (before > 0)
		memcpy(control->bytes, merged->msg_control, before);
	merged->msg_control = control->bytes;
	merged->msg_controllen = before + CMSG_SPACE(sizeof(n));
	cut = (struct cmsghdr *)(void *)(control->bytes + before);
	cut->cmsg_level = IPPROTO_UDP;
	cut->cmsg_type = UDP_SEGMENT;
	cut->cmsg_len = CMSG_LEN(sizeof(n));
	memcpy(CMSG_DATA(cut), &n, sizeof(n));
}

/* Returns how many messages became of the answers. */
static unsigned merge_all(struct answers *answers)
{
	unsigned count = 0;

	for (unsigned at = 0; at < answers->count; count++) {
		const struct msghdr *first = &answers->messages[at].msg_hdr;
		struct msghdr *merged = &answers->merged[count].msg_hdr;
		unsigned members = count_alike(answers, at);

		*merged = *first;
		answers->members[count] = (uint8_t)members;
		at += members;
		if (members == 1)
			continue;
		answers->merged_parts[count] = (struct iovec){
			.iov_base = first->msg_iov->iov_base,
			.iov_len = first->msg_iov->iov_len * members,
		};
		merged->msg_iov = &answers->merged_parts[count];
		add_cut(merged, &answers->controls[count],
			(uint16_t)first->msg_iov->iov_len);
	}
	return count;
}

/* --- sending */

/* Sends the answers [at, end) singly; returns how many could not be sent. */
static unsigned send_single(struct answers *answers, int fd, unsigned at, unsigned end)
{
	unsigned failed = 0;

	while (at < end) {
		int r = sendmmsg(fd, answers->messages + at, end - at, MSG_NOSIGNAL);
		if (r > 0) {
			at += (unsigned)r;
			continue;
		}
		if (r < 0 && errno == EINTR)
			continue;
		/* The first of them cannot go; the next ones have other destinations. */
		failed++;
		at++;
	}
	return failed;
}

/* *ret_sent: answers that left.  Stops at the first message that cannot. */
static int send_merged(struct answers *answers, int fd, unsigned *ret_sent)
{
	unsigned count = merge_all(answers), sent = 0;
	int error = 0;

	while (sent < count && error == 0) {
		int r = sendmmsg(fd, answers->merged + sent, count - sent, MSG_NOSIGNAL);
		if (r < 0 && errno != EINTR)
			error = -errno;
		for (int i = 0; i < r; i++)
			*ret_sent += answers->members[sent++];
	}
	return error;
}

unsigned answers_send(struct answers *answers, int fd, bool merge, bool *ret_refused)
{
	unsigned sent = 0;

	if (merge) {
		int r = send_merged(answers, fd, &sent);
		*ret_refused =
			r == -EINVAL || r == -EIO || r == -EMSGSIZE || r == -EOPNOTSUPP;
	}
	unsigned failed = send_single(answers, fd, sent, answers->count);
	answers->count = 0;
	answers->used = 0;
	return failed;
}
