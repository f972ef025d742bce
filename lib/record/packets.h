/* Packets from the ring to the recording: whose they are, and what becomes of them. */
#ifndef RECORD_PACKETS_H
#define RECORD_PACKETS_H

#include <stdbool.h>
#include <stdint.h>

#include <sonde/recording.h>

#include "capture/ring.h"
#include "record/capture_file.h"
#include "record/flows.h"
#include "record/held.h"
#include "timeline/said.h"

struct packets {
	struct sonde_recording *recording; /* borrowed */
	struct capture_file *file;         /* borrowed */
	int ring_fd;                       /* its namespace has the interfaces' names */
	bool is_isolated;                  /* all packets are the programs' */
	struct flows flows;                /* else: what tells theirs */
	struct held held;
	struct said *said;     /* owned */
	uint32_t frame_number; /* of the last one */
	bool said_packets, said_interfaces;
};

void packets_done(struct packets *packets);
void packets_take(struct packets *packets, const struct ring_packet *packet);
/* Everything that the tracer had to tell until known_ns has come. */
void packets_judge(struct packets *packets, int64_t known_ns);
/* Nothing comes any more. */
void packets_end(struct packets *packets);
/* How long a wait may last at the most until the next judgement; -1 for ever. */
int packets_patience_ms(const struct packets *packets);
/* What the kernel has lost, and what it had counted `before` the ring was read to its end
 * and never gave. */
void packets_count_lost(struct packets *packets, const struct ring_counts *before,
			const struct ring_counts *after);

#endif
