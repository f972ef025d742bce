/* Kinds of IPv6 addresses that both reading and writing them must know. */
#ifndef BASE_ADDRESS_KIND_H
#define BASE_ADDRESS_KIND_H

#include <stdbool.h>
#include <stdint.h>

/* ::ffff:0:0/96, IPv4 in IPv6 (RFC 4291, section 2.5.5.2). */
bool address_is_mapped(const uint8_t bytes[16]);
/* fe80::/10, and ff02::/16, which is its multicast: only there a scope has a meaning. */
bool address_is_link_local(const uint8_t bytes[16]);

#endif
