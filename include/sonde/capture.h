/* Packets as they pass: interfaces, capture filters, the kernel's packet ring.
 *
 * Opening needs CAP_NET_RAW in the network namespace, and that alone: afterwards a program
 * does well to give up what it can (<sonde/sandbox.h>). */
#ifndef SONDE_CAPTURE_H
#define SONDE_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/address.h>
#include <sonde/error.h>
#include <sonde/export.h>
#include <sonde/frame.h>

/* ---- interfaces ---- */

enum {
	SONDE_INTERFACE_UP = 0x1,
	SONDE_INTERFACE_RUNNING = 0x2, /* it has a link */
	SONDE_INTERFACE_LOOPBACK = 0x4,
	SONDE_INTERFACE_ETHERNET = 0x8, /* packets begin with Ethernet's header */
};

struct sonde_interface_info {
	int index;
	unsigned flags; /* SONDE_INTERFACE_* */
	char name[16];
	struct sonde_address addresses[8]; /* ports 0 */
	size_t address_count;
};

/* By their index.  Owned: free(3).  0 or a negative errno. */
SONDE_API int sonde_interfaces_list(struct sonde_interface_info **ret, size_t *ret_count,
				    struct sonde_error *err);

/* Moves the calling process, which must have one thread, into a network namespace of its
 * own with loopback up; where that needs a privilege that it lacks, into a user namespace
 * too.  Other processes of the same user may enter it. */
SONDE_API int sonde_capture_isolate(struct sonde_error *err);

/* ---- capture ---- */

struct sonde_capture_options {
	/* Names, or "any": all interfaces, those to come included.  0 of them: any. */
	const char *const *interfaces;
	size_t interface_count;
	const char *filter;  /* in libpcap's language; NULL or empty: everything */
	uint32_t snap_bytes; /* taken of each packet; 0 all; SONDE_CAPTURE_SNAP_MOST */
	uint64_t ring_bytes; /* of each ring; 0: SONDE_CAPTURE_RING_BYTES */
	bool is_promiscuous; /* of named interfaces: packets for other machines, too */
};

#define SONDE_CAPTURE_RING_BYTES (UINT64_C(32) << 20)
/* What is beyond is refused. */
#define SONDE_CAPTURE_RING_LEAST (UINT64_C(256) << 10)
#define SONDE_CAPTURE_RING_MOST (UINT64_C(4) << 30)
#define SONDE_CAPTURE_SNAP_MOST (UINT32_C(256) << 10)

struct sonde_capture;

/* Capture begins at once.  0, or a negative errno with *err filled: -EINVAL a filter that
 * does not compile, with libpcap's words; -EPERM without CAP_NET_RAW; -ENODEV. */
SONDE_API int sonde_capture_open(const struct sonde_capture_options *options,
				 struct sonde_capture **ret, struct sonde_error *err);
SONDE_API void sonde_capture_close(struct sonde_capture *capture);

/* Writes the descriptors to poll for POLLIN, at most `most`; returns how many there are. */
SONDE_API size_t sonde_capture_fds(const struct sonde_capture *capture, int *fds,
				   size_t most);

/* The next packet that is there (one that leaves this machine has direction 2, all others
 * 0): 1; 0 none now; -ENETDOWN with *err: an interface went
 * down or away.  Of several rings the earliest of those there.  What the frame points to
 * is valid until the next call. */
SONDE_API int sonde_capture_next(struct sonde_capture *capture, struct sonde_frame *ret,
				 struct sonde_error *err);

/* After 0: so many nanoseconds a packet of one interface waits for earlier ones of another;
 * its ring is readable meanwhile.  0: none does. */
SONDE_API int64_t sonde_capture_held(const struct sonde_capture *capture);

/* Packets of the last milliseconds may lie where they cannot be read yet.  To be called in
 * turn with sonde_capture_next() at the end: 1 there may be more, 0 all that came before
 * the first call has been read, -ETIMEDOUT. */
SONDE_API int sonde_capture_drain(struct sonde_capture *capture, int timeout_ms);

/* An interface of those that frames are numbered by, in the order of their numbers. */
struct sonde_captured_interface {
	const char *name; /* borrowed */
	uint16_t link;
	uint32_t snap_bytes;
	uint64_t packets; /* given by sonde_capture_next() */
};
SONDE_API size_t sonde_capture_interface_count(const struct sonde_capture *capture);
SONDE_API void sonde_capture_interface(const struct sonde_capture *capture, size_t number,
				       struct sonde_captured_interface *ret);

/* What the kernel counts, of all rings together; or, where each interface has its own, of
 * that of interface `number`. */
struct sonde_capture_counts {
	uint64_t received; /* passed the filter; with those dropped */
	uint64_t dropped;  /* there was no room in the ring */
	uint64_t read;
};
SONDE_API void sonde_capture_count(struct sonde_capture *capture,
				   struct sonde_capture_counts *ret);
/* False where the interfaces share a ring. */
SONDE_API bool sonde_capture_count_of(struct sonde_capture *capture, size_t number,
				      struct sonde_capture_counts *ret);

#endif
