/* What an UDP port is asked: many services answer only what they understand. */
#ifndef SCAN_UDP_PAYLOAD_H
#define SCAN_UDP_PAYLOAD_H

#include <stddef.h>
#include <stdint.h>

/* The bytes for this port; static. */
const uint8_t *udp_payload(uint16_t port, size_t *ret_bytes);

#endif
