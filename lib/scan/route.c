/* Questions to the kernel's routing and neighbour tables; no privilege is needed. */
#include "scan/route.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_BYTES = 16384 };

int route_open(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	return fd < 0 ? -errno : fd;
}

static struct sonde_address read_address(struct rtattr *attribute, uint8_t family)
{
	struct sonde_address address = {.family = family == AF_INET ? SONDE_FAMILY_INET
								    : SONDE_FAMILY_INET6};
	size_t n = RTA_PAYLOAD(attribute), most = family == AF_INET ? 4 : 16;

	memcpy(address.bytes, RTA_DATA(attribute), n < most ? n : most);
	return address;
}

static bool is_link_local(const struct sonde_address *address)
{
	return address->family == SONDE_FAMILY_INET6 && address->bytes[0] == 0xfe &&
	       (address->bytes[1] & 0xc0) == 0x80;
}

static void read_route(struct nlmsghdr *header, struct route *ret)
{
	struct rtmsg *message = NLMSG_DATA(header);
	struct rtattr *attribute = RTM_RTA(message);
	int left = (int)RTM_PAYLOAD(header);

	*ret = (struct route){0};
	if (message->rtm_type == RTN_LOCAL)
		ret->kind = ROUTE_LOCAL;
	else if (message->rtm_type == RTN_BROADCAST)
		ret->kind = ROUTE_BROADCAST;
	else if (message->rtm_type == RTN_MULTICAST)
		ret->kind = ROUTE_MULTICAST;
	for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
		if (attribute->rta_type == RTA_GATEWAY || attribute->rta_type == RTA_VIA)
			ret->has_gateway = true;
		else if (attribute->rta_type == RTA_PREFSRC)
			ret->source = read_address(attribute, message->rtm_family);
		else if (attribute->rta_type == RTA_OIF)
			memcpy(&ret->interface_index, RTA_DATA(attribute), sizeof(int));
	}
}

int route_get(int fd, const struct sonde_address *to, struct route *ret)
{
	bool is_inet6 = to->family == SONDE_FAMILY_INET6;
	uint16_t bytes = is_inet6 ? 16 : 4;
	struct {
		struct nlmsghdr header;
		struct rtmsg message;
		uint8_t attributes[64];
	} question = {
		.header = {.nlmsg_len =
				   NLMSG_LENGTH(sizeof(struct rtmsg)) + RTA_SPACE(bytes),
			   .nlmsg_type = RTM_GETROUTE,
			   .nlmsg_flags = NLM_F_REQUEST},
		.message = {.rtm_family = is_inet6 ? AF_INET6 : AF_INET,
			    .rtm_dst_len = (uint8_t)(bytes * 8)},
	};
	struct rtattr *attribute = (struct rtattr *)(void *)question.attributes;
	union {
		struct nlmsghdr header;
		uint8_t bytes[ANSWER_BYTES];
	} answer;
	ssize_t n;

	attribute->rta_type = RTA_DST;
	attribute->rta_len = RTA_LENGTH(bytes);
	memcpy(RTA_DATA(attribute), to->bytes, bytes);
	if (to->scope_id) {
		int scope = (int)to->scope_id;

		attribute =
			(struct rtattr *)(void *)(question.attributes + RTA_SPACE(bytes));
		attribute->rta_type = RTA_OIF;
		attribute->rta_len = RTA_LENGTH(sizeof(scope));
		memcpy(RTA_DATA(attribute), &scope, sizeof(scope));
		question.header.nlmsg_len += RTA_SPACE(sizeof(scope));
	}
	if (send(fd, &question, question.header.nlmsg_len, 0) < 0)
		return -errno;
	n = recv(fd, &answer, sizeof(answer), 0);
	if (n < 0)
		return -errno;
	if (!NLMSG_OK(&answer.header, n))
		return -EIO;
	if (answer.header.nlmsg_type == NLMSG_ERROR) {
		const struct nlmsgerr *error = NLMSG_DATA(&answer.header);
		return error->error ? error->error : -EIO;
	}
	read_route(&answer.header, ret);
	if (is_link_local(to) && ret->source.family == SONDE_FAMILY_INET6)
		ret->source.scope_id = to->scope_id;
	return 0;
}

static void read_neighbour(struct nlmsghdr *header,
			   void (*visit)(void *context,
					 const struct neighbour *neighbour),
			   void *context)
{
	const uint16_t known =
		NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT;
	struct ndmsg *message = NLMSG_DATA(header);
	uint8_t *at = (uint8_t *)message + NLMSG_ALIGN(sizeof(*message));
	struct rtattr *attribute = (void *)at;
	int left = (int)NLMSG_PAYLOAD(header, sizeof(*message));
	struct neighbour neighbour = {0};

	if (!(message->ndm_state & known))
		return;
	for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
		if (attribute->rta_type == NDA_DST)
			neighbour.address = read_address(attribute, message->ndm_family);
		else if (attribute->rta_type == NDA_LLADDR &&
			 RTA_PAYLOAD(attribute) == LINK_BYTES) {
			memcpy(neighbour.link.bytes, RTA_DATA(attribute), LINK_BYTES);
			neighbour.link.interface_index = message->ndm_ifindex;
		}
	}
	if (neighbour.address.family == SONDE_FAMILY_NONE)
		return;
	if (is_link_local(&neighbour.address))
		neighbour.address.scope_id = (uint32_t)message->ndm_ifindex;
	visit(context, &neighbour);
}

int route_each_neighbour(int fd,
			 void (*visit)(void *context, const struct neighbour *neighbour),
			 void *context)
{
	struct {
		struct nlmsghdr header;
		struct ndmsg message;
	} question = {
		.header = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct ndmsg)),
			   .nlmsg_type = RTM_GETNEIGH,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
	};
	union {
		struct nlmsghdr header;
		uint8_t bytes[ANSWER_BYTES * 2];
	} answer;

	if (send(fd, &question, question.header.nlmsg_len, 0) < 0)
		return -errno;
	for (;;) {
		ssize_t n = recv(fd, &answer, sizeof(answer), 0);
		struct nlmsghdr *header = &answer.header;

		if (n < 0)
			return -errno;
		for (; NLMSG_OK(header, n); header = NLMSG_NEXT(header, n)) {
			if (header->nlmsg_type == NLMSG_DONE ||
			    header->nlmsg_type == NLMSG_ERROR)
				return 0;
			if (header->nlmsg_type == RTM_NEWNEIGH)
				read_neighbour(header, visit, context);
		}
	}
}

int route_open_news(void)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_NEIGH};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			NETLINK_ROUTE);
	int r;

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

int route_next_neighbours(int fd,
			  void (*visit)(void *context, const struct neighbour *neighbour),
			  void *context)
{
	union {
		struct nlmsghdr header;
		uint8_t bytes[ANSWER_BYTES];
	} news;

	for (;;) {
		ssize_t n = recv(fd, &news, sizeof(news), 0);
		struct nlmsghdr *header = &news.header;

		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		for (; NLMSG_OK(header, n); header = NLMSG_NEXT(header, n))
			if (header->nlmsg_type == RTM_NEWNEIGH)
				read_neighbour(header, visit, context);
	}
}
