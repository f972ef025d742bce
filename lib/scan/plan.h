/* What a scan asks for: pairs of a host and a port, numbered without gaps.  Target t is
 * port t % port_count of the (t / port_count)-th host. */
#ifndef SCAN_PLAN_H
#define SCAN_PLAN_H

#include <stdint.h>

#include "scan/hosts.h"
#include "scan/ports.h"

#define PLAN_NONE UINT64_MAX

struct plan {
	struct hosts hosts;  /* owned; settled */
	uint16_t *ports;     /* owned; ascending */
	int32_t *port_index; /* owned; of each port, -1 where it is not asked for */
	uint32_t port_count;
	uint32_t host_count;
};

/* Takes the hosts; -E2BIG where there are too many pairs. */
int plan_init(struct plan *plan, struct hosts *hosts, const struct ports *ports,
	      struct sonde_error *err);
void plan_done(struct plan *plan);

uint64_t plan_size(const struct plan *plan);
/* With the port. */
struct sonde_address plan_address(const struct plan *plan, uint64_t target);
/* PLAN_NONE for an address or a port that nobody asked for. */
uint64_t plan_find(const struct plan *plan, const struct sonde_address *address);

#endif
