/* The error queue of a socket. */
#include "scan/icmp.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <linux/errqueue.h>

static bool is_error(const struct cmsghdr *header)
{
	return (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_RECVERR) ||
	       (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_RECVERR);
}

int icmp_read_error(int fd, struct icmp_report *ret)
{
	struct sockaddr_storage about = {0};
	uint8_t bytes[64];
	union {
		struct cmsghdr header;
		uint8_t room[512];
	} control;
	struct iovec part = {.iov_base = bytes, .iov_len = sizeof(bytes)};
	struct msghdr message = {
		.msg_name = &about,
		.msg_namelen = sizeof(about),
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	if (recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
		return 0;
	*ret = (struct icmp_report){0};
	sonde_address_from_sockaddr((const struct sockaddr *)&about, message.msg_namelen,
				    &ret->about);
	for (struct cmsghdr *at = CMSG_FIRSTHDR(&message); at;
	     at = CMSG_NXTHDR(&message, at)) {
		struct {
			struct sock_extended_err error;
			struct sockaddr_in6 offender;
		} told = {0};
		size_t n = at->cmsg_len - CMSG_LEN(0);

		if (!is_error(at))
			continue;
		memcpy(&told, CMSG_DATA(at), n < sizeof(told) ? n : sizeof(told));
		ret->is_icmp = told.error.ee_origin == SO_EE_ORIGIN_ICMP ||
			       told.error.ee_origin == SO_EE_ORIGIN_ICMP6;
		ret->type = told.error.ee_type;
		ret->code = told.error.ee_code;
		ret->error_number = (int)told.error.ee_errno;
		sonde_address_from_sockaddr((const struct sockaddr *)&told.offender,
					    sizeof(told.offender), &ret->from);
		ret->from.port = 0;
	}
	return 1;
}
