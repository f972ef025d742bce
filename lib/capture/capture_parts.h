/* A capture inside. */
#ifndef CAPTURE_PARTS_H
#define CAPTURE_PARTS_H

#include <sonde/capture.h>

#include <net/if.h>

#include "capture/ring.h"

enum { VLAN_TAG_BYTES = 4 };

struct source {
	struct ring *ring;
	int interface_index; /* 0 all */
	uint32_t number;     /* of its interface, where it has one */
	bool is_there;       /* packet has not been given yet */
	bool is_done;        /* at the end: nothing more is taken from its ring */
	struct ring_packet packet;
};

struct interface {
	int index;
	uint16_t link;
	uint64_t packets;
	char name[IF_NAMESIZE];
};

struct sonde_capture {
	struct source *sources; /* owned */
	size_t source_count;
	struct interface *interfaces; /* owned */
	size_t interface_count, interface_capacity;
	uint32_t latest; /* interface of `any` that was looked up last */
	uint32_t snap_bytes;
	uint32_t frames;
	int names_fd; /* asks for names of interfaces */
	bool is_ending;
	int64_t held_ns; /* so long packets wait for earlier ones */
};

/* Its number is the count before; 0, or -ENOMEM. */
int capture_know_interface(struct sonde_capture *capture, int index, uint16_t link,
			   const char *name);

#endif
