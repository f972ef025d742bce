/* Numbers by which one layer names the next. */
#ifndef DISSECT_NUMBER_H
#define DISSECT_NUMBER_H

#include <sonde/dissect.h>

enum {
	ETHER_TYPE_IPV4 = 0x0800,
	ETHER_TYPE_ARP = 0x0806,
	ETHER_TYPE_VLAN = 0x8100,
	ETHER_TYPE_IPV6 = 0x86dd,
	ETHER_TYPE_VLAN_SERVICE = 0x88a8,
	ETHER_TYPE_VLAN_OLD = 0x9100,
	ETHER_TYPE_LOOPBACK = 0x9000,
};

enum {
	IP_PROTOCOL_HOP_BY_HOP = 0,
	IP_PROTOCOL_ICMP = 1,
	IP_PROTOCOL_IPV4 = 4,
	IP_PROTOCOL_TCP = 6,
	IP_PROTOCOL_UDP = 17,
	IP_PROTOCOL_IPV6 = 41,
	IP_PROTOCOL_ROUTING = 43,
	IP_PROTOCOL_FRAGMENT = 44,
	IP_PROTOCOL_AUTHENTICATION = 51,
	IP_PROTOCOL_ICMP6 = 58,
	IP_PROTOCOL_NONE = 59,
	IP_PROTOCOL_DESTINATION = 60,
};

extern const struct sonde_value_name dissect_ether_types[];
extern const struct sonde_value_name dissect_ip_protocols[];

#endif
