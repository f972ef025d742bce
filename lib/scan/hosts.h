/* A set of addresses as ranges, and the text that names some.
 *
 * Each address of the set has a number; the ranges are sorted and do not overlap once
 * hosts_settle() ran. */
#ifndef SCAN_HOSTS_H
#define SCAN_HOSTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/address.h>
#include <sonde/error.h>

struct host_range {
	uint8_t family; /* enum sonde_family */
	uint32_t scope_id;
	uint8_t first[16], last[16]; /* IPv4 in the first four bytes */
	uint64_t before;             /* addresses in the ranges before this one */
};

struct hosts {
	struct host_range *ranges; /* owned */
	size_t count, room;
};

void hosts_done(struct hosts *hosts);
/* Adds what the text names, the grammar of sonde_scan_add_target().  0, or a negative
 * errno: -EINVAL for what cannot be meant, -ENOENT for an unknown name. */
int hosts_parse(struct hosts *hosts, const char *text, struct sonde_error *err);
/* Sorts and merges, takes `without` (settled or not) away, and numbers.  0 or -ENOMEM. */
int hosts_settle(struct hosts *hosts, struct hosts *without);

/* Of a settled set. */
uint64_t hosts_size(const struct hosts *hosts);
/* at < hosts_size(); port 0. */
struct sonde_address hosts_at(const struct hosts *hosts, uint64_t at);
/* The number of an address, or -1. */
int64_t hosts_find(const struct hosts *hosts, const struct sonde_address *address);

#endif
