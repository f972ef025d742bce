/* Link addresses, and what stands in the way of using them. */
#include "scan/link.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_BYTES = 16384 };

/* Asks for all that there is of something: true where nothing is.  A kernel that does not
 * know the question (-EINVAL, -EOPNOTSUPP) has none of it; who may not ask does not know. */
static bool is_empty(int protocol, uint16_t type)
{
	struct {
		struct nlmsghdr header;
		struct nfgenmsg message; /* of IPsec nothing is wanted here */
	} question = {
		.header = {.nlmsg_len = sizeof(question),
			   .nlmsg_type = type,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
	};
	union {
		struct nlmsghdr header;
		uint8_t bytes[ANSWER_BYTES];
	} answer;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	bool is_none = false;
	ssize_t n = -1;

	if (fd < 0)
		return errno == EPROTONOSUPPORT;
	if (send(fd, &question, question.header.nlmsg_len, 0) > 0)
		n = recv(fd, &answer, sizeof(answer), 0);
	close(fd);
	if (n < 0 || !NLMSG_OK(&answer.header, n))
		return false;
	if (answer.header.nlmsg_type == NLMSG_ERROR) {
		const struct nlmsgerr *error = NLMSG_DATA(&answer.header);

		is_none = error->error == -EINVAL || error->error == -EOPNOTSUPP;
	} else {
		is_none = answer.header.nlmsg_type == NLMSG_DONE;
	}
	return is_none;
}

/* The names of the tables of iptables, a line each; no such file: no iptables. */
static bool has_names(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char byte;
	ssize_t n;

	if (fd < 0)
		return errno != ENOENT;
	n = read(fd, &byte, 1);
	close(fd);
	return n != 0;
}

bool link_is_free(void)
{
	return is_empty(NETLINK_NETFILTER,
			NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE) &&
	       !has_names("/proc/net/ip_tables_names") &&
	       !has_names("/proc/net/ip6_tables_names") &&
	       is_empty(NETLINK_XFRM, XFRM_MSG_GETPOLICY);
}

int link_get_own(int interface_index, uint8_t ret[LINK_BYTES])
{
	struct ifreq request = {0};
	int fd, r = 0;

	if (!if_indextoname((unsigned)interface_index, request.ifr_name))
		return -errno;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (ioctl(fd, SIOCGIFHWADDR, &request) < 0)
		r = -errno;
	else if (request.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		r = -EPROTONOSUPPORT;
	else
		memcpy(ret, request.ifr_hwaddr.sa_data, LINK_BYTES);
	close(fd);
	return r;
}

void link_put_header(uint8_t *at, const struct link *to, const uint8_t own[LINK_BYTES],
		     bool is_inet6)
{
	memcpy(at, to->bytes, LINK_BYTES);
	memcpy(at + LINK_BYTES, own, LINK_BYTES);
	at[12] = is_inet6 ? 0x86 : 0x08;
	at[13] = is_inet6 ? 0xdd : 0x00;
}
