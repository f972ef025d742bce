/* Which ports of which hosts answer, and how sure that is.
 *
 *	struct sonde_scan *scan;
 *	sonde_scan_new(&options, &scan, &error);
 *	sonde_scan_add_ports(scan, "22,80,8000-8100", &error);
 *	sonde_scan_add_target(scan, "192.0.2.0/24", &error);
 *	sonde_scan_check(scan, ...);        (the fences)
 *	sonde_scan_run(scan, signal_fd, &error);
 *	... sonde_scan_summary(scan) ...
 *	sonde_scan_free(scan);
 *
 * The observer gets each result as soon as it is known.  A port is probed until the
 * chance that any port was missed is below a stated bound; that chance is in the summary.
 * What this machine lost itself (packets that found no room in the ring) is asked for
 * again and never taken for silence of the other side. */
#ifndef SONDE_SCAN_H
#define SONDE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/address.h>
#include <sonde/error.h>
#include <sonde/export.h>

enum sonde_scan_method {
	SONDE_SCAN_CONNECT = 0, /* TCP by connect(2); no privilege */
	SONDE_SCAN_SYN,         /* TCP by raw packets; CAP_NET_RAW */
	SONDE_SCAN_UDP,         /* no privilege */
};

enum sonde_scan_state {
	SONDE_SCAN_UNKNOWN = 0, /* not probed (yet) */
	SONDE_SCAN_OPEN,
	SONDE_SCAN_CLOSED,
	SONDE_SCAN_FILTERED,      /* TCP: nothing came back */
	SONDE_SCAN_OPEN_FILTERED, /* UDP: nothing came back */
	SONDE_SCAN_UNREACHABLE,   /* somebody on the way said so */
	SONDE_SCAN_STATES,
};

/* The packet that says so. */
enum sonde_scan_reason {
	SONDE_SCAN_NO_RESPONSE = 0,
	SONDE_SCAN_SYN_ACK,
	SONDE_SCAN_RST,
	SONDE_SCAN_ICMP,       /* type, code and sender beside it */
	SONDE_SCAN_UDP_REPLY,  /* a datagram from that very port */
	SONDE_SCAN_REFUSED,    /* this machine sent nothing; error_number beside it */
	SONDE_SCAN_ECHO_REPLY, /* of a host: */
	SONDE_SCAN_NEIGHBOUR,  /* it answered ARP, or neighbour discovery */
	SONDE_SCAN_LOCAL,      /* it is this machine */
	SONDE_SCAN_USER,       /* skip_ping */
};

enum sonde_scan_event_kind {
	SONDE_SCAN_HOST = 0, /* address, is_up, reason, rtt_ns */
	SONDE_SCAN_PORT,     /* all of the first group */
	SONDE_SCAN_SAID,     /* an open port's words: bytes, service */
	SONDE_SCAN_PROGRESS, /* remaining, total, eta_ns; about ten times a second */
	SONDE_SCAN_NOTE,     /* text: what the user must know */
	SONDE_SCAN_PONG,     /* of an UDP ping: sequence, rtt_ns; -1 lost */
};

/* What happened; valid only during the call. */
struct sonde_scan_event {
	enum sonde_scan_event_kind kind;
	int64_t at_ns;                /* CLOCK_REALTIME */
	struct sonde_address address; /* with the port */
	bool udp;
	enum sonde_scan_state state;
	enum sonde_scan_reason reason;
	uint8_t icmp_type, icmp_code;
	uint8_t ttl;               /* 0 not known */
	int error_number;          /* errno, 0 none */
	struct sonde_address from; /* who sent the ICMP message */
	int64_t rtt_ns;            /* -1 not known */
	unsigned tries;            /* probes that this port got; 0 not counted */

	bool is_up;

	const uint8_t *bytes; /* the network's: escape them */
	size_t n;
	const char *service; /* what the bytes prove; NULL not known.  Static */
	bool was_asked;      /* it spoke only after a question */

	uint64_t remaining, total; /* ports */
	bool of_hosts;             /* no: hosts, which are looked for first */
	int64_t eta_ns;            /* -1 not known */
	uint64_t sequence;

	const char *text;
};

typedef void sonde_scan_observer(void *context, const struct sonde_scan_event *event);

struct sonde_scan_options {
	enum sonde_scan_method method;
	double max_rate; /* probes a second, never more; 0: no limit but the network's */
	double blind_rate;  /* while nothing answers; 0: 5000 */
	int64_t timeout_ns; /* the longest wait for one reply; 0: as measured */
	unsigned max_tries; /* of one port; 0: as the stated risk wants it */
	bool skip_ping;     /* every host is taken to be up */
	bool only_ping;
	bool only_open;  /* the observer gets open ports only (the summary counts all) */
	bool talk;       /* listen to each open port, ask the silent ones */
	const char *say; /* to each open port instead; NULL; borrowed until the end */
	size_t say_bytes;
	sonde_scan_observer *observer; /* NULL none */
	void *context;
};

struct sonde_scan_summary {
	uint64_t hosts, hosts_up, ports; /* ports of one host */
	uint64_t hosts_unknown;          /* stopped before they could answer */
	uint64_t targets; /* pairs of host and port, of hosts that are up */
	uint64_t states[SONDE_SCAN_STATES];
	uint64_t refused;  /* ports that this machine's own error kept from being asked */
	uint64_t probes;   /* sent, those that measure too */
	uint64_t repeated; /* of them, to a port that was asked before */
	uint64_t own_drops; /* packets that this machine had no room for */
	uint64_t foreign;   /* replies that fit to no probe: wrong address or number */
	double loss;        /* measured, both ways together; -1 not known */
	double miss_probability; /* that any open or closed port was missed; -1 not known */
	double rate_limit;       /* RST or ICMP a second that the other side gives; 0 */
	int64_t rtt_ns;          /* smoothed; -1 */
	int64_t took_ns;
	bool is_complete; /* false: stopped early */
};

struct sonde_scan;

/* Whether raw packets are permitted here. */
SONDE_API bool sonde_scan_can_syn(void);

SONDE_API int sonde_scan_new(const struct sonde_scan_options *options,
			     struct sonde_scan **ret, struct sonde_error *err);
/* PORTS = ITEM[,ITEM]...; ITEM = PORT | FIRST-LAST | -LAST | FIRST- | - (all) | NAME of
 * /etc/services.  May be called again: ports add up. */
SONDE_API int sonde_scan_add_ports(struct sonde_scan *scan, const char *text,
				   struct sonde_error *err);
/* The ports of /etc/services for the method's protocol and those of sonde's services. */
SONDE_API int sonde_scan_add_default_ports(struct sonde_scan *scan,
					   struct sonde_error *err);
/* A name (all its addresses), an address, ADDRESS/BITS, FIRST-LAST, and of IPv4 numbers
 * with ranges: 192.0.2.1-20, 192.0.2-3.1.  Blocks while a name server is asked. */
SONDE_API int sonde_scan_add_target(struct sonde_scan *scan, const char *text,
				    struct sonde_error *err);
/* The same grammar; order does not matter. */
SONDE_API int sonde_scan_exclude(struct sonde_scan *scan, const char *text,
				 struct sonde_error *err);
/* Own addresses that UDP probes leave from, in turn: an answer limit counts for each of
 * them.  The grammar of targets. */
SONDE_API int sonde_scan_add_source(struct sonde_scan *scan, const char *text,
				    struct sonde_error *err);

/* To be called when all targets are known.  Refuses multicast, broadcast and "any"
 * addresses.  1 with the first such address: one is neither loopback, nor link-local, nor
 * of a private range (RFC 1918, RFC 4193); the user should be asked.  0: none is. */
SONDE_API int sonde_scan_check(struct sonde_scan *scan, struct sonde_address *ret,
			       struct sonde_error *err);

/* 0 done; 1: also_fd (-1 none) became readable, and what is known by then is in the
 * summary and was told.  Or a negative errno. */
SONDE_API int sonde_scan_run(struct sonde_scan *scan, int also_fd,
			     struct sonde_error *err);
SONDE_API const struct sonde_scan_summary *
sonde_scan_summary(const struct sonde_scan *scan);
/* The ports of one host, ascending, once sonde_scan_check() has succeeded; borrowed.
 * Returns their number. */
SONDE_API size_t sonde_scan_ports(const struct sonde_scan *scan, const uint16_t **ret);
SONDE_API void sonde_scan_free(struct sonde_scan *scan);

/* Datagrams with a number to one UDP port, one each interval; each answer, or its
 * absence, is a SONDE_SCAN_PONG.  Any answer that repeats the number counts; capital
 * letters do not matter. */
struct sonde_udp_ping_options {
	const char *host, *port;
	unsigned count; /* 0: until also_fd */
	int64_t interval_ns, timeout_ns;
	sonde_scan_observer *observer;
	void *context;
};
struct sonde_udp_ping_result {
	struct sonde_address address;
	uint64_t sent, received, duplicates, refused; /* refused: ICMP errors */
	uint64_t not_sent; /* of those sent: this machine did not let them out */
	int64_t least_ns, mean_ns, most_ns, deviation_ns; /* of those received; else 0 */
};
SONDE_API int sonde_udp_ping(const struct sonde_udp_ping_options *options, int also_fd,
			     struct sonde_udp_ping_result *ret, struct sonde_error *err);

/* "open", "open|filtered". */
SONDE_API const char *sonde_scan_state_name(enum sonde_scan_state state);
/* "syn-ack", "admin-prohibited": nmap's words where it has one. */
SONDE_API const char *sonde_scan_reason_name(const struct sonde_scan_event *event);

#endif
