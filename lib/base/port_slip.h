/* Ports that are taken for each other: by a slip of the finger, or of the order of bytes. */
#ifndef BASE_PORT_SLIP_H
#define BASE_PORT_SLIP_H

#include <stdbool.h>
#include <stdint.h>

/* One has the two bytes of the other in the other order. */
bool port_is_swapped(uint16_t a, uint16_t b);
/* As they are written, one digit is another, is missing, is one too many, or two neighbours
 * have changed places. */
bool port_is_slip(uint16_t a, uint16_t b);

#endif
