/* What people who know strace, or tshark and tcpdump, type where they look at a run, and
 * what it is called here. */
#include "trace_foreign.h"

#define ALWAYS "leave it out: children and threads are always traced, too"
#define NO_ATTACH "it cannot attach to what runs already: sonde trace -- CMD starts it"
#define TIMES "leave it out: times are milliseconds since the start; --json: nanoseconds"
#define LINES "leave it out: source lines are shown, and --json has whole stacks"
#define BYTES "write with -w FILE; sonde follow FILE STREAM shows what was said"
#define CALLS "leave it out: calls on sockets and pipes are traced, no others"
#define NO_NAMES "leave it out: no address or port is looked up"
#define FILTER "sonde read FILE -Y FILTER -w PART; then sonde explain PART"
#define FIELDS "--json has every packet; sonde read -e FIELD FILE shows chosen fields"
#define NAME_FILE "name the file alone: sonde explain FILE"

const struct foreign_option trace_foreign_options[] = {
	{"-f", ALWAYS},
	{"-ff", ALWAYS},
	{"--follow-forks", ALWAYS},
	{"-p", NO_ATTACH},
	{"--attach", NO_ATTACH},
	{"-e", CALLS},
	{"--trace", CALLS},
	{"-P", CALLS},
	{"--trace-path", CALLS},
	{"-k", LINES},
	{"-kk", LINES},
	{"--stack-traces", LINES},
	{"-i", LINES},
	{"-n", LINES},
	{"-s", BYTES},
	{"--string-limit", BYTES},
	{"-x", BYTES},
	{"-xx", BYTES},
	{"-c", "--json has a line for each call, with its times"},
	{"-C", "--json has a line for each call, with its times"},
	{"--summary", "--json has a line for each call, with its times"},
	{"--summary-only", "--json has a line for each call, with its times"},
	{"-t", TIMES},
	{"-tt", TIMES},
	{"-ttt", TIMES},
	{"-r", "times are since the start; a file is shown by sonde explain FILE"},
	{"-T", "leave it out: how long each call was blocked is shown"},
	{"-y", "leave it out: a ladder has the addresses of its sockets"},
	{"-yy", "leave it out: a ladder has the addresses of its sockets"},
	{"--decode-fds", "leave it out: a ladder has the addresses of its sockets"},
	{"-E", "env sets a variable: sonde trace -- env NAME=VALUE CMD"},
	{"-u", "sudo -u USER sonde trace -- CMD runs it as USER"},
	{"--seccomp-bpf", "leave it out: other calls are not stopped at"},
	{"-Y", "write with -w FILE; then sonde read -Y FILTER FILE"},
	{NULL, NULL},
};

const struct foreign_option explain_foreign_options[] = {
	{"-r", NAME_FILE},
	{"--read-file", NAME_FILE},
	{"-nr", NAME_FILE},
	{"-nnr", NAME_FILE},
	{"-n", NO_NAMES},
	{"-nn", NO_NAMES},
	{"-N", NO_NAMES},
	{"-Y", FILTER},
	{"-R", FILTER},
	{"-2", FILTER},
	{"-c", FILTER},
	{"-w", "-o FILE takes what is printed; sonde read FILE -w PART writes packets"},
	{"-z", "--stream N explains one stream; sonde read --stats KIND FILE counts"},
	{"-e", FIELDS},
	{"-E", FIELDS},
	{"-T", FIELDS},
	{"-V", "sonde read --tree FILE shows packets in full"},
	{"-O", "sonde read --tree FILE shows packets in full"},
	{"-x", "sonde read -x FILE shows the bytes"},
	{"-xx", "sonde read -x FILE shows the bytes"},
	{"-X", "sonde read -x FILE shows the bytes"},
	{"-A", "sonde follow FILE STREAM shows what was said"},
	{"-d", "sonde read -d tcp.port==5001,calc FILE decodes as"},
	{"-t", "sonde read -t FORMAT FILE lists packets with other times"},
	{"-tt", "sonde read -t e FILE lists packets with other times"},
	{"-ttt", "sonde read -t d FILE lists packets with other times"},
	{"-i", "sonde trace -- CMD shows a run, sonde capture captures"},
	{"-D", "sonde capture -D lists the interfaces"},
	{NULL, NULL},
};
