/* One scan, as its parts share it. */
#ifndef SCAN_SESSION_H
#define SCAN_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include <sonde/scan.h>

#include "scan/course.h"
#include "scan/link.h"
#include "scan/plan.h"

struct scan_host {
	struct sonde_address address; /* port 0 */
	struct sonde_address source;  /* ours, towards it; family NONE: not known */
	bool is_up;
	bool is_local;   /* it is this machine */
	bool is_distant; /* behind a gateway */
	bool has_no_route;
	bool has_echo;       /* it answers echo requests */
	uint8_t reason;      /* enum sonde_scan_reason */
	int64_t rtt_ns;      /* -1 not known */
	uint32_t rejected;   /* ports, by ICMP */
	int interface_index; /* towards it; 0 not known */
	struct link link;    /* of a neighbour */
};

struct sonde_scan {
	struct sonde_scan_options options;
	struct hosts wanted, excluded, source_hosts;
	struct ports ports;
	bool is_settled, has_routes;
	unsigned broadcasts; /* left out */
	struct plan plan;
	struct scan_host *hosts; /* owned; [plan.host_count] */
	uint8_t *skipped;        /* owned; nonzero for a host that is down */
	struct sonde_scan_summary summary;
	struct sonde_address *open; /* owned; where somebody answered, for the talk */
	size_t open_count, open_room;
	int also_fd;
	bool is_stopped, is_pinging;
	int64_t started_ns, told_ns; /* CLOCK_MONOTONIC */
	int64_t asked_ns;            /* also_fd, for the last time */
};

/* The result of one port: an event with its fields, and its place in the summary. */
struct scan_result {
	struct sonde_address address;
	enum sonde_scan_state state;
	enum sonde_scan_reason reason;
	uint8_t icmp_type, icmp_code, ttl;
	int error_number;
	struct sonde_address from;
	int64_t rtt_ns; /* -1 */
	unsigned tries;
	const uint8_t *bytes; /* a datagram that answered; NULL */
	size_t n;
};
/* 0 or -ENOMEM. */
int scan_tell_port(struct sonde_scan *scan, const struct scan_result *result);
void scan_tell_note(struct sonde_scan *scan, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void scan_tell_host(struct sonde_scan *scan, const struct scan_host *host);
/* Ten times a second; else it does nothing. */
void scan_tell_progress(struct sonde_scan *scan, int64_t now_ns, uint64_t remaining,
			uint64_t total, int64_t eta_ns);
void scan_emit(struct sonde_scan *scan, struct sonde_scan_event *event);
/* Whether to stop; looks at also_fd. */
bool scan_is_stopped(struct sonde_scan *scan);

/* -ENOMEM, said. */
int scan_no_memory(struct sonde_error *err);

/* What every TCP scan begins and ends with. */
int scan_new_course(struct sonde_scan *scan, struct course **ret,
		    struct sonde_error *err);
int scan_end_course(struct sonde_scan *scan, const struct course *course);

/* The methods.  0, or a negative errno. */
int scan_connect(struct sonde_scan *scan, struct sonde_error *err);
int scan_udp(struct sonde_scan *scan, struct sonde_error *err);
/* With every open port of a TCP scan. */
int scan_talk(struct sonde_scan *scan, struct sonde_error *err);
struct raw;
int scan_syn(struct sonde_scan *scan, struct raw *raw, struct sonde_error *err);

#endif
