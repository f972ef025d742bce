/* A set of ports, and the text that names one. */
#ifndef SCAN_PORTS_H
#define SCAN_PORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/error.h>

struct ports {
	uint64_t bits[1024]; /* of 65536 */
};

bool ports_has(const struct ports *ports, uint16_t port);
void ports_add(struct ports *ports, uint16_t first, uint16_t last);
size_t ports_count(const struct ports *ports);
/* In ascending order; room for ports_count() of them.  Returns their number. */
size_t ports_list(const struct ports *ports, uint16_t *ret);

/* Adds what the text names, the grammar of sonde_scan_add_ports().  0, or -EINVAL with
 * the set as it was. */
int ports_parse(struct ports *ports, const char *text, struct sonde_error *err);

#endif
