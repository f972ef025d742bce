/* Every maximum of sonde, in one place.  What passes one of them is counted and said. */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

enum {
	/* A recording. */
	LIMIT_PROGRAMS = 1 << 16,
	LIMIT_SOCKETS = 1 << 20,
	LIMIT_PLACES = 1 << 20,
	LIMIT_STACKS = 1 << 20,
	/* About 300 bytes each with what the join makes of them: 0.6 GB, and 0.6 GB more.
	 * A wait that asks about many sockets takes 8 bytes more for each of them. */
	LIMIT_CALLS = 1 << 21,
	LIMIT_PACKETS = 1 << 21,
	LIMIT_INTERFACES = 1 << 10,
	LIMIT_HOLDERS = 64,         /* of addresses that somebody else wanted */
	LIMIT_SAYINGS = 1 << 18,    /* of packets that findings ask about */
	LIMIT_SAID_TALKS = 1 << 12, /* conversations that are listened to for them */
	LIMIT_NOTES = 1 << 8,
	LIMIT_NOTES_FED = 240,   /* of them the tracer's: the end has some to say, too */
	LIMIT_STACK_DEPTH = 32,  /* places kept of one stack */
	LIMIT_WATCHED = 64,      /* sockets kept of one poll, select or epoll_wait */
	LIMIT_RIGHTS = 256,      /* descriptors kept of one call that sends some */
	LIMIT_SOURCE_LINE = 240, /* bytes of source text kept of one line */
	LIMIT_SOURCE_FILE = 1 << 22, /* bytes read of one source file */
	LIMIT_PATH = 4096,
	LIMIT_ARGUMENTS = 64, /* of one program, and their bytes: */
	LIMIT_ARGUMENT_BYTES = 8192,

	/* The reader of Python's frames, for one process. */
	LIMIT_PYTHON_INTERPRETERS = 1 << 8,
	LIMIT_PYTHON_THREADS = 1 << 12,   /* looked through for one */
	LIMIT_PYTHON_CODES = 1 << 8,      /* code objects remembered */
	LIMIT_PYTHON_LINETABLE = 1 << 20, /* bytes of one */
	LIMIT_PYTHON_STRINGS = 1 << 16,
	LIMIT_ELF_SEGMENTS = 64,
	LIMIT_ELF_DYNAMIC = 256, /* entries */

	/* The reader of native code, for one process. */
	LIMIT_DWARF_MODULES = 1 << 12,
	LIMIT_DWARF_SITES = 1 << 16, /* instructions remembered */
	LIMIT_DWARF_NEST = 128,      /* scopes in each other */
	LIMIT_UNWIND_OPERATIONS = 64,
	LIMIT_SYMBOL = 1024,        /* bytes of a name */
	LIMIT_DEBUG_FILE = 1 << 30, /* bytes of one that was split off */

	/* The join. */
	LIMIT_STATEMENT_OPTIONS = 64, /* calls of a statement that options still join */
	LIMIT_STREAM_HOLES = 1024,    /* segments out of order kept of one direction */
	LIMIT_DATAGRAM_SENDS = 64,    /* calls that are looked at for one datagram */
	LIMIT_DATAGRAMS_AHEAD = 4096, /* arrivals that a receive may find dropped */
	LIMIT_SAME_PORT = 64,         /* sockets that one datagram may be for */
	/* That an edge is spread over: where more are possible, none is named. */
	LIMIT_CANDIDATES = 64,

	LIMIT_FINDINGS = 1 << 10,

	/* Files. */
	LIMIT_PCAPNG_BLOCK = 1 << 24,     /* bytes of one block that is believed */
	LIMIT_FILE_PACKET = 1 << 24,      /* bytes of one packet of a pcap file */
	LIMIT_FILE_INTERFACES = 1 << 16,  /* of one section, and of one file written */
	LIMIT_INTERFACE_NUMBER = 1 << 20, /* of a file that is written anew */
	LIMIT_INTERFACE_NAME = 255,       /* bytes kept of a file's name for one */
	LIMIT_FRAME_COMMENTS = 1 << 10,   /* kept of one frame */
	LIMIT_CAPTURE_PENDING = 1 << 26,  /* bytes kept for a pipe with a slow reader */
	LIMIT_CAPTURE_STALL_MS = 10000, /* then a reader that takes nothing is given up */

	/* Display filters. */
	LIMIT_FILTER_TEXT = 1 << 16,
	LIMIT_FILTER_DEPTH = 256,         /* parentheses and operators that wait */
	LIMIT_FILTER_SLICE = 1 << 24,     /* bytes of one that is put together */
	LIMIT_FOLLOW_HELD = 1 << 24,      /* bytes of one direction that wait for a gap */
	LIMIT_STATISTICS_ROWS = 1 << 20,  /* of one table */
	LIMIT_STATISTICS_LAYERS = 32,     /* of one frame */
	LIMIT_REGEX_STEPS = 1000000,      /* of one match */
	LIMIT_REGEX_STEPS_ALL = 50000000, /* in the page: of one filter */
	LIMIT_REGEX_KILOBYTES = 16 << 10, /* of one match */

	/* Capture.  A block is used up when it is full or RING_BLOCK_MS old, so that many
	 * small ones let the reader be late for longer (a second); each has to hold the
	 * largest packet. */
	LIMIT_RING_BLOCK_BYTES = 1 << 17,
	LIMIT_RING_BLOCKS = 256,
	LIMIT_SNAP_BYTES = 262144,
	LIMIT_HELD_MS = 1000,       /* a packet waits for a tracer that may be late */
	LIMIT_HELD_BYTES = 1 << 24, /* of such packets */

	/* Dissection. */
	LIMIT_DISSECT_FLOWS = 1 << 22,   /* conversations that have numbers */
	LIMIT_DISSECT_NOTED = 1 << 20,   /* and of which TCP analysis is made */
	LIMIT_DISSECT_UNACKED = 1 << 18, /* segments under way, of all */
	LIMIT_DISSECT_FIELDS = 1 << 14,  /* of one frame */
	LIMIT_DISSECT_FRAGMENTED = 256,  /* datagrams that wait for fragments */
	LIMIT_DISSECT_FRAGMENTS = 8192,  /* of one of them */
	LIMIT_DISSECT_FRAGMENT_BYTES = 1 << 23,
	LIMIT_DISSECT_ASKED = 1 << 12,   /* requests that wait for replies */
	LIMIT_DISSECT_PDU = 1 << 22,     /* bytes of a message that is put together */
	LIMIT_DISSECT_HELD = 1 << 25,    /* of all of them */
	LIMIT_DISSECT_STREAMS = 1 << 18, /* that have something under way */
	LIMIT_DISSECT_AHEAD = 64,        /* segments of a direction kept behind a gap */
	LIMIT_DISSECT_PARTED = 1 << 12,  /* messages in several pieces (TLS records) */
	LIMIT_DISSECT_PARTED_MESSAGE = 1 << 16, /* bytes of one */
	LIMIT_DISSECT_PARTED_BYTES = 1 << 23,   /* of all of them */

	/* Names. */
	LIMIT_ADDRESSES = 32, /* kept of one name */

	/* Servers. */
	LIMIT_SERVICES = 64,
	LIMIT_LISTENERS = 256,
	LIMIT_WORKERS = 64,
	LIMIT_SERVICE_FILE = 1 << 20, /* bytes of a file that a service reads */
	LIMIT_CLIENT_INPUT = 1 << 16, /* bytes of one read from a client */
	LIMIT_CLIENT_OUTPUT =
		1 << 16, /* bytes waiting for one slow client: then no more is read */
	LIMIT_CLIENT_ROUNDS = 4, /* answers that fill the output, of one client a turn */
	LIMIT_ACCEPTS = 64,      /* connections taken from one listening socket a turn */
	LIMIT_DATAGRAM_BATCH = 64,
	LIMIT_DATAGRAMS_WAITING = 1
				  << 22, /* bytes in the kernel of one socket, each way */
	LIMIT_DATAGRAM_BATCHES = 4,      /* of one socket a turn */
	LIMIT_SINGLE_RATE = 20000,       /* answers a second that leave one by one */
	LIMIT_SINGLE_BURST = 2000,       /* and at once, after a pause */
	LIMIT_MERGED_ANSWER = 512,       /* bytes of one that may leave with others */
	LIMIT_DATAGRAM_FOREIGN = 512,    /* bytes of an answer that leaves this machine */
	LIMIT_SOURCE_RATE = 256,         /* datagrams a second of one that is not here */
	LIMIT_SOURCE_BURST = 512,        /* and at once, after a pause */
	LIMIT_SOURCES = 1 << 12,         /* of which this is remembered */
	LIMIT_DELAYED_BYTES = 1 << 24,   /* answers under way, where they are late */
	LIMIT_PORT_RETRIES = 64,         /* numbers tried until all sockets share one */
	LIMIT_LINGER_MS = 1000, /* for the peer's FIN, and for the server's end */
	/* Longer than a segment waits for the acknowledgement of the one before (40 ms). */
	LIMIT_MESSAGE_PAUSE_MS = 100, /* then a message that has no end is over */
	LIMIT_ACCEPT_PAUSE_MS = 250,  /* without descriptors */
	LIMIT_QUIET_MS = 10000,       /* between two log lines of one trouble */
	LIMIT_DATAGRAM = 65535,

	/* Scans. */
	LIMIT_SCAN_HOSTS = 1 << 20,
	LIMIT_SCAN_TARGETS = 1 << 27, /* hosts by ports: 5 bytes each */
	LIMIT_SCAN_RANGES = 1 << 16,  /* of addresses */
	LIMIT_SCAN_FLIGHT = 1 << 18,  /* probes that may still be answered */
	LIMIT_SCAN_CONNECTS = 4096,   /* connects under way, where descriptors suffice */
	LIMIT_SCAN_TRIES = 14,        /* of one port */
	LIMIT_SCAN_SOURCES = 1 << 10, /* own addresses of an UDP scan */
	LIMIT_SCAN_TALKS = 64,        /* open ports talked to at once */
	LIMIT_SCAN_SAID = 4096,       /* bytes kept of what one of them says */

	/* Connect and listen. */
	LIMIT_TALK_BYTES = 1 << 18,  /* of one read and one write in a pipe */
	LIMIT_PIPE_BYTES = 1 << 20,  /* wanted of the pipes on both sides */
	LIMIT_TALK_DATAGRAM = 65507, /* the largest that IPv4 can carry */
	LIMIT_TELNET_ANSWER = 256,   /* bytes, to one command */
	LIMIT_EXEC_END_MS = 2000,    /* for a program without a peer to end, twice */
	LIMIT_SCRIPT_STEPS = 1 << 16,
	LIMIT_SCRIPT_TEXT = 1 << 20,   /* bytes of a file */
	LIMIT_SCRIPT_BYTES = 1 << 20,  /* kept of what came and nobody expected yet */
	LIMIT_SCRIPT_SEND_S = 60,      /* for a peer to take what is sent */
	LIMIT_TALK_QUEUE = 1 << 20,    /* bytes waiting for a peer that takes nothing */
	LIMIT_LISTEN_QUEUED = 1 << 26, /* the same for all clients of a broker or chat */
	LIMIT_LISTEN_CLIENTS = 8192,
	LIMIT_LISTEN_SPARE = 16,       /* buffers kept for the next slow reader */
	LIMIT_LISTEN_LINE = 4096,      /* bytes of a chat's line; a longer one is cut */
	LIMIT_LISTEN_INPUT = 1 << 16,  /* bytes of one read that goes to many */
	LIMIT_LISTEN_ROUNDS = 8,       /* reads of one end a turn */
	LIMIT_LISTEN_REACH_MS = 10000, /* to connect to --to, and for TLS */
	LIMIT_LOAD_DRAIN_MS = 200,     /* for answers under way when a load ends */
};

#endif
