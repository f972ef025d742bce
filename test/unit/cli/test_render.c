/* Recordings made by hand in, exact text out: test/golden/trace-*.
 *
 * SONDE_GOLDEN=write writes the files anew; look at what changed before it is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "label.h"
#include "render.h"
#include "sample.h"

/* CALL(kind, name, socket and further initialisers): never without an argument, which
 * clang does not allow. */
#define CALL(what, its_name, ...)                                                        \
	((struct sonde_call){.kind = SONDE_CALL_##what,                                  \
			     .name = its_name,                                           \
			     .fd = 3,                                                    \
			     .timeout_ns = -1,                                           \
			     .socket = __VA_ARGS__})

enum {
	SYN = SONDE_TCP_SYN,
	ACK = SONDE_TCP_ACK,
	FIN = SONDE_TCP_FIN,
	PSH = SONDE_TCP_PSH
};

enum { FORM_TEXT = 0, FORM_FULL, FORM_JSON, FORM_MARKDOWN, FORM_SVG };

/* How one sample is rendered into one file. */
struct rendering {
	const char *file;
	unsigned width;
	bool has_utf8, has_color;
	int form;
};

static char *render(struct sonde_recording *recording, const struct rendering *how)
{
	const struct render_options options = {.is_full = how->form == FORM_FULL};
	struct sonde_timeline timeline;
	struct sonde_findings findings;
	struct output output;
	struct sonde_error err;
	char *text = NULL;
	size_t bytes;

	assert_int_equal(sonde_timeline_build(recording, &timeline), 0);
	assert_int_equal(sonde_findings_build(&timeline, &findings), 0);
	output_init(&output, how->has_color ? COLOR_ALWAYS : COLOR_NEVER);
	output.width = how->width;
	output.has_utf8 = how->has_utf8;
	output.file = open_memstream(&text, &bytes);
	assert_non_null(output.file);
	if (how->form == FORM_JSON) {
		assert_int_equal(
			render_trace_json(&output, &timeline, &findings, NULL, &options),
			0);
	} else if (how->form == FORM_MARKDOWN) {
		assert_int_equal(
			render_markdown(&output, &timeline, &findings, NULL, &options),
			0);
	} else if (how->form == FORM_SVG) {
		assert_int_equal(render_svg(&output, &timeline, &options), 0);
	} else {
		if (timeline.stream_count)
			assert_int_equal(render_ladders(&output, &timeline, &options), 0);
		else
			render_statements(&output, &timeline, &options);
		assert_int_equal(render_tables(&output, &timeline, &options), 0);
		render_findings(&output, &timeline, &findings, &options);
		render_summary(&output, &timeline);
	}
	assert_int_equal(output_finish(&output, &err), 0);
	sonde_findings_done(&findings);
	sonde_timeline_done(&timeline);
	return text;
}

static char *read_golden(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = NULL;
	size_t capacity = 0;

	if (!file)
		return NULL;
	if (getdelim(&text, &capacity, '\0', file) < 0) {
		free(text);
		text = NULL;
	}
	fclose(file);
	return text;
}

static void write_golden(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* The first line that differs, both ways: the whole texts are too long to be seen. */
static void compare(const char *path, const char *got, const char *wanted)
{
	unsigned line = 1;

	if (strcmp(got, wanted) == 0)
		return;
	while (*got && *wanted) {
		size_t n = strcspn(got, "\n"), m = strcspn(wanted, "\n");

		if (n != m || memcmp(got, wanted, n) != 0)
			break;
		got += n + (got[n] == '\n');
		wanted += m + (wanted[m] == '\n');
		line++;
	}
	print_error("%s:%u: wanted: %.*s\n", path, line, (int)strcspn(wanted, "\n"),
		    wanted);
	print_error("%s:%u: got:    %.*s\n", path, line, (int)strcspn(got, "\n"), got);
	fail();
}

static void check(const struct sample *sample, const struct rendering *how)
{
	const char *mode = getenv("SONDE_GOLDEN");
	char path[4096];
	char *got = render(sample->recording, how), *wanted;

	snprintf(path, sizeof(path), "%s/%s", GOLDEN_FOLDER, how->file);
	if (mode && strcmp(mode, "write") == 0)
		write_golden(path, got);
	wanted = read_golden(path);
	if (!wanted)
		fail_msg("%s cannot be read", path);
	compare(path, got, wanted);
	free(wanted);
	free(got);
}

static void done(struct sample *sample)
{
	sonde_recording_free(sample->recording);
}

/* ---- the lab's pair: connect, question, answer, close ---- */

static void make_pair(struct sample *s)
{
	uint32_t server, client, listening, a, b;

	sample_init(s);
	server = sample_program(s, "server.py", 811);
	client = sample_program(s, "client.py", 812);
	listening = sample_socket(s, server, 3, 100, 50000, 0);
	a = sample_socket(s, client, 3, 1000, 40112, 50000);
	b = sample_socket(s, server, 4, 1600, 50000, 40112);

	sample_call(s, server, 8, "sock.bind((HOST, PORT))", 100, 110,
		    CALL(BIND, "bind", listening));
	sample_call(s, server, 9, "sock.listen()", 120, 130,
		    CALL(LISTEN, "listen", listening, .how = 16));
	sample_call(s, server, 12, "conn, addr = sock.accept()", 200, 1630,
		    CALL(ACCEPT, "accept4", listening, .new_socket = b, .result = 4));
	sample_call(s, client, 9, "sock.connect((HOST, PORT))", 1500, 1640,
		    CALL(CONNECT, "connect", a));
	sample_packet(s, 1520, 40112, 50000, SYN, 0);
	sample_packet(s, 1530, 50000, 40112, SYN | ACK, 0);
	sample_packet(s, 1601, 40112, 50000, ACK, 0);

	sample_call(s, server, 14, "data = conn.recv(1024)", 1700, 2130,
		    CALL(RECEIVE, "recvfrom", b, .result = 18, .length = 1024));
	sample_call(s, client, 12,
		    "sock.sendall(struct.pack('<I', 1) + b'Summe' + zahlen)", 2000, 2140,
		    CALL(SEND, "sendto", a, .result = 18, .length = 18));
	sample_packet(s, 2100, 40112, 50000, PSH | ACK, 18);
	sample_packet(s, 2105, 50000, 40112, ACK, 0);
	/* The server thinks for a while. */
	sample_call(s, client, 13, "reply = sock.recv(1024)", 2200, 152260,
		    CALL(RECEIVE, "recvfrom", a, .result = 8, .length = 1024));
	sample_call(s, server, 20, "conn.sendall(reply)", 152200, 152300,
		    CALL(SEND, "sendto", b, .result = 8, .length = 8));
	sample_packet(s, 152240, 50000, 40112, PSH | ACK, 8);
	sample_packet(s, 152243, 40112, 50000, ACK, 0);

	sample_call(s, server, 14, "data = conn.recv(1024)", 152400, 152530,
		    CALL(RECEIVE, "recvfrom", b, .result = 0, .length = 1024));
	sample_call(s, client, 15, "sock.close()", 152480, 152550,
		    CALL(CLOSE, "close", a, .flags = SONDE_CALL_LAST_REFERENCE));
	sample_packet(s, 152500, 40112, 50000, FIN | ACK, 0);
	sample_call(s, server, 22, "with conn:", 152700, 152750,
		    CALL(CLOSE, "close", b, .flags = SONDE_CALL_LAST_REFERENCE));
	sample_packet(s, 152720, 50000, 40112, FIN | ACK, 0);
	sample_packet(s, 152723, 40112, 50000, ACK, 0);
	sonde_recording_seal(s->recording);
}

static void shows_the_pair(void **state)
{
	static const struct rendering renderings[] = {
		{"trace-pair.txt", 80, true, false, FORM_TEXT},
		{"trace-pair-ascii.txt", 80, false, false, FORM_TEXT},
		{"trace-pair-full.txt", 80, true, false, FORM_FULL},
		{"trace-pair-60.txt", 60, true, false, FORM_TEXT},
		{"trace-pair-120.txt", 120, true, false, FORM_TEXT},
		{"trace-pair-color.txt", 80, true, true, FORM_TEXT},
		{"trace-pair.json", 80, true, false, FORM_JSON},
		{"trace-pair.md", 80, true, false, FORM_MARKDOWN},
		{"trace-pair.svg", 80, true, false, FORM_SVG},
	};
	struct sample sample;

	(void)state;
	make_pair(&sample);
	for (size_t i = 0; i < sizeof(renderings) / sizeof(renderings[0]); i++)
		check(&sample, &renderings[i]);
	done(&sample);
}

/* ---- a connection that is refused ---- */

static void shows_a_refused_connect(void **state)
{
	static const struct rendering how = {"trace-refused.txt", 80, true, false,
					     FORM_TEXT};
	struct sample s;
	uint32_t client, a;

	(void)state;
	sample_init(&s);
	client = sample_program(&s, "client.py", 812);
	a = sample_socket(&s, client, 3, 1000, 40112, 50000);
	sample_call(&s, client, 9, "sock.connect((HOST, PORT))", 1500, 1640,
		    CALL(CONNECT, "connect", a, .result = -111));
	sample_packet(&s, 1520, 40112, 50000, SYN, 0);
	sample_packet(&s, 1530, 50000, 40112, SONDE_TCP_RST | ACK, 0);
	sonde_recording_seal(s.recording);
	check(&s, &how);
	done(&s);
}

/* ---- text that is hard to show ---- */

static void shows_hard_text(void **state)
{
	static const struct rendering renderings[] = {
		{"trace-hard.txt", 80, true, false, FORM_TEXT},
		{"trace-hard-ascii.txt", 80, false, false, FORM_TEXT},
		{"trace-hard.json", 80, true, false, FORM_JSON},
		{"trace-hard.md", 80, true, false, FORM_MARKDOWN},
		{"trace-hard.svg", 80, true, false, FORM_SVG},
	};
	struct sample s;
	uint32_t client, a;

	(void)state;
	sample_init(&s);
	client = sample_program(&s, "größe\033[31m.py", 812);
	a = sample_socket(&s, client, 3, 1000, 40112, 50000);
	sample_call(&s, client, 9, "sock.connect((HOST, PORT))", 1500, 1640,
		    CALL(CONNECT, "connect", a));
	sample_packet(&s, 1520, 40112, 50000, SYN, 0);
	sample_packet(&s, 1530, 50000, 40112, SYN | ACK, 0);
	sample_packet(&s, 1540, 40112, 50000, ACK, 0);
	sample_call(&s, client, 10,
		    "sock.send('日本語のテキスト、とても長い行'.encode())", 1700, 1800,
		    CALL(SEND, "sendto", a, .result = 1, .length = 1));
	sample_packet(&s, 1750, 40112, 50000, PSH | ACK, 1);
	sample_call(&s, client, 11, "sock.send(b'\033]0;title\007\\n')", 1900, 1950,
		    CALL(SEND, "sendto", a, .result = 123456, .length = 200000));
	sample_packet(&s, 1920, 40112, 50000, PSH | ACK, 123456);
	/* Not read: no line, and no exit. */
	sample_call(&s, client, 0, NULL, 2000, 0,
		    CALL(RECEIVE, "recvfrom", a, .length = 1024));
	sonde_recording_add_note(s.recording, SONDE_WARNING, "a note", "a hint");
	s.recording->packets_dropped = 3;
	s.recording->stops = 12;
	s.recording->held_ns = 345678;
	sonde_recording_seal(s.recording);
	for (size_t i = 0; i < sizeof(renderings) / sizeof(renderings[0]); i++)
		check(&s, &renderings[i]);
	done(&s);
}

/* ---- UDP between two processes of one program, with options and several datagrams ----
 */

static void shows_datagrams(void **state)
{
	static const struct rendering how = {"trace-udp.txt", 80, true, false, FORM_TEXT};
	struct sample s;
	uint32_t one, two, a, b;

	(void)state;
	sample_init(&s);
	one = sample_program(&s, "peer.py", 811);
	two = sample_program(&s, "peer.py", 812);
	s.recording->programs[one - 1].lines = SONDE_LINES_NO_READER;
	s.recording->programs[two - 1].lines = SONDE_LINES_NO_READER;
	a = sample_socket(&s, one, 3, 100, 40112, 50000);
	b = sample_socket(&s, two, 3, 200, 50000, 40112);
	s.recording->sockets[a - 1].kind = s.recording->sockets[b - 1].kind =
		SONDE_SOCKET_UDP;
	sample_call(&s, two, 7, "sock.bind((HOST, PORT))", 210, 220,
		    CALL(BIND, "bind", b));
	sample_call(&s, one, 5, "sock.connect((HOST, PORT))", 230, 240,
		    CALL(CONNECT, "connect", a));
	sample_call(&s, one, 6, "sock.settimeout(1)", 250, 260, CALL(OPTION, "ioctl", a));
	sample_call(&s, two, 8, "sock.recv(1024)", 300, 430,
		    CALL(RECEIVE, "recvfrom", b, .result = 5, .length = 1024));
	sample_call(
		&s, one, 9, "sock.sendmsg(...)", 400, 440,
		CALL(SEND, "sendmmsg", a, .result = 10, .length = 10, .datagrams = 2));
	sample_packet(&s, 410, 40112, 50000, 0, 5);
	sample_packet(&s, 412, 40112, 50000, 0, 5);
	sample_call(&s, one, 10, "sock.recv(1024)", 500, 1000500,
		    CALL(RECEIVE, "recvfrom", a, .result = -11, .length = 1024));
	for (uint32_t i = 0; i < s.recording->packet_count; i++)
		s.recording->packets[i].decoded.proto = SONDE_PACKET_UDP;
	sonde_recording_seal(s.recording);
	check(&s, &how);
	done(&s);
}

/* ---- no packets: calls and lines alone ---- */

static void shows_calls_without_packets(void **state)
{
	static const struct rendering renderings[] = {
		{"trace-calls.txt", 80, true, false, FORM_TEXT},
		{"trace-calls.json", 80, true, false, FORM_JSON},
	};
	struct sample s;
	uint32_t client, a;

	(void)state;
	sample_init(&s);
	s.recording->has_packets = false;
	client = sample_program(&s, "client.py", 812);
	a = sample_socket(&s, client, 3, 1000, 40112, 50000);
	sample_call(&s, client, 9, "sock.connect((HOST, PORT))", 1500, 1640,
		    CALL(CONNECT, "connect", a));
	sample_call(&s, client, 12, "sock.sendall(request)", 2000, 2140,
		    CALL(SEND, "sendto", a, .result = 18, .length = 18));
	sample_call(&s, client, 13, "reply = sock.recv(1024)", 2200, 152260,
		    CALL(RECEIVE, "recvfrom", a, .result = -104, .length = 1024));
	sample_call(&s, client, 15, "more = sock.recv(1024)", 153000, 0,
		    CALL(RECEIVE, "recvfrom", a, .length = 1024));
	sonde_recording_seal(s.recording);
	for (size_t i = 0; i < sizeof(renderings) / sizeof(renderings[0]); i++)
		check(&s, &renderings[i]);
	done(&s);
}

/* ---- more streams than are drawn ---- */

static void draws_the_first_streams(void **state)
{
	static const struct rendering renderings[] = {
		{"trace-streams.txt", 80, true, false, FORM_TEXT},
		{"trace-streams-full.txt", 80, true, false, FORM_FULL},
		{"trace-streams.md", 80, true, false, FORM_MARKDOWN},
		{"trace-streams.svg", 80, true, false, FORM_SVG},
	};
	struct sample s;
	uint32_t client;

	(void)state;
	sample_init(&s);
	client = sample_program(&s, "client.py", 812);
	for (int i = 0; i < 6; i++) {
		uint16_t port = (uint16_t)(40112 + i);
		int at = 1000 * (i + 1);
		uint32_t a = sample_socket(&s, client, 3 + i, at, port, 50000);

		s.client_port = port;
		sample_call(&s, client, 9, "sock.connect((HOST, PORT))", at + 500,
			    at + 640, CALL(CONNECT, "connect", a));
		sample_packet(&s, at + 520, port, 50000, SYN, 0);
		sample_packet(&s, at + 530, 50000, port, SYN | ACK, 0);
		sample_packet(&s, at + 540, port, 50000, ACK, 0);
	}
	sonde_recording_seal(s.recording);
	for (size_t i = 0; i < sizeof(renderings) / sizeof(renderings[0]); i++)
		check(&s, &renderings[i]);
	done(&s);
}

/* ---- nothing at all ---- */

static void shows_an_empty_recording(void **state)
{
	static const struct rendering renderings[] = {
		{"trace-empty.txt", 80, true, false, FORM_TEXT},
		{"trace-empty.json", 80, true, false, FORM_JSON},
	};
	struct sample s;

	(void)state;
	sample_init(&s);
	s.recording->main_program = 0;
	sonde_recording_seal(s.recording);
	for (size_t i = 0; i < sizeof(renderings) / sizeof(renderings[0]); i++)
		check(&s, &renderings[i]);
	done(&s);
}

/* ---- packets in words ---- */

static void names_packets(void **state)
{
	static const struct {
		struct sonde_decoded decoded;
		const char *names[3]; /* by enum label_form */
	} rows[] = {
		{{.proto = SONDE_PACKET_TCP, .tcp_flags = SYN}, {"SYN", "SYN", "S"}},
		{{.proto = SONDE_PACKET_TCP,
		  .tcp_flags = FIN | PSH | ACK,
		  .payload_length = 1},
		 {"FIN,PSH,ACK 1 byte", "FIN,PSH,ACK 1 B", "FPA 1 B"}},
		{{.proto = SONDE_PACKET_TCP}, {"no flags", "no flags", "no flags"}},
		{{.proto = SONDE_PACKET_UDP}, {"UDP 0 bytes", "UDP 0 B", "UDP 0 B"}},
		{{.proto = SONDE_PACKET_ICMP, .icmp_type = 3, .icmp_code = 3},
		 {"ICMP port unreachable", "port unreachable", "ICMP 3/3"}},
		{{.proto = SONDE_PACKET_ICMP, .icmp_type = 3, .icmp_code = 5},
		 {"ICMP 3/5", "ICMP 3/5", "ICMP 3/5"}},
		{{.proto = SONDE_PACKET_ICMP, .icmp_type = 3, .icmp_code = 200},
		 {"ICMP 3/200", "ICMP 3/200", "ICMP 3/200"}},
		{{.proto = SONDE_PACKET_ICMP, .icmp_type = 8},
		 {"ICMP 8/0", "ICMP 8/0", "ICMP 8/0"}},
		{{.proto = SONDE_PACKET_ICMP6, .icmp_type = 1, .icmp_code = 4},
		 {"ICMP port unreachable", "port unreachable", "ICMPv6 1/4"}},
		{{.proto = SONDE_PACKET_OTHER}, {"other", "other", "other"}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sonde_packet packet = {.decoded = rows[i].decoded};

		for (int form = LABEL_LONG; form <= LABEL_LETTERS; form++) {
			char storage[64];
			struct sonde_text text;

			sonde_text_init(&text, storage, sizeof(storage));
			label_packet(&text, &packet, (enum label_form)form);
			assert_string_equal(storage, rows[i].names[form]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_packets),
		cmocka_unit_test(shows_the_pair),
		cmocka_unit_test(shows_a_refused_connect),
		cmocka_unit_test(shows_hard_text),
		cmocka_unit_test(shows_datagrams),
		cmocka_unit_test(shows_calls_without_packets),
		cmocka_unit_test(draws_the_first_streams),
		cmocka_unit_test(shows_an_empty_recording),
	};

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
