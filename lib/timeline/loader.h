/* What a loader has gathered: elements in a scratch recording, in the order in which the
 * rows name them, and where each number is there. */
#ifndef TIMELINE_LOADER_H
#define TIMELINE_LOADER_H

#include <sonde/recording_file.h>

#include "base/json_read.h"
#include "timeline/said.h"

/* [number - 1]: place in the scratch arrays from 1 on, 0 not seen. */
struct loader_numbers {
	uint32_t *places;
	size_t room, count;
};

struct loader_run {
	bool is_known;
	int64_t ended_ns, margin_ns, held_ns;
	bool has_packets;
	uint64_t packets_dropped, packets_foreign, calls_dropped, stops;
	uint32_t main_program;
};

struct sonde_loader {
	struct sonde_recording *scratch; /* owned */
	struct said *said;               /* owned */
	struct json_document document;
	struct loader_numbers programs, sockets, places, stacks, holders, calls;
	uint32_t *interfaces; /* [number in the file]: of the recording */
	size_t interface_room;
	struct loader_run run;
	int64_t epoch_ns; /* 0 not known */
	uint64_t rows_refused, packets_refused;
};

/* A row's SONDE_CALL, and the SONDE_RUN that the last one has.  0, -EBADMSG: it says
 * nothing that can be used, -ENOMEM. */
int loader_take_call(struct sonde_loader *loader, const char *text, size_t n);
int loader_take_run(struct sonde_loader *loader, const char *text, size_t n);

/* Where the element of that number is among the scratch ones; 0 none. */
uint32_t loader_find(const struct loader_numbers *numbers, uint32_t number);

#endif
