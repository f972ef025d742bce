/* A datagram that finds no room in this machine was not sent: through the public header,
 * with a sendto() that says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <sonde/scan.h>

enum { PORTS = 3, ALWAYS = 1 << 30 };

static struct {
	int fd; /* bound, and silent */
	uint16_t port;
	unsigned refusals; /* that it gets still, with this errno: */
	int refusal;
	unsigned sent, events; /* datagrams that left, results */
	struct sonde_scan_event result;
} ports[PORTS];

static size_t find(uint16_t port)
{
	for (size_t i = 0; i < PORTS; i++)
		if (ports[i].port == port)
			return i;
	return PORTS;
}

/* The library's calls come here. */
ssize_t sendto(int fd, const void *bytes, size_t n, int flags, __CONST_SOCKADDR_ARG to,
	       socklen_t length)
{
	struct sockaddr_in address = {0};

	memcpy(&address, to.__sockaddr__,
	       length < sizeof(address) ? length : sizeof(address));
	size_t at = find(ntohs(address.sin_port));
	if (at < PORTS && ports[at].refusals > 0) {
		ports[at].refusals--;
		errno = ports[at].refusal;
		return -1;
	}
	if (at < PORTS)
		ports[at].sent++;
	return syscall(SYS_sendto, fd, bytes, n, flags, to.__sockaddr__, length);
}

static void observe(void *context, const struct sonde_scan_event *event)
{
	(void)context;
	if (event->kind != SONDE_SCAN_PORT)
		return;
	size_t at = find(event->address.port);
	assert_true(at < PORTS);
	ports[at].result = *event;
	ports[at].events++;
}

static int open_ports(void **state)
{
	(void)state;
	for (size_t i = 0; i < PORTS; i++) {
		struct sockaddr_in address = {.sin_family = AF_INET,
					      .sin_addr = {htonl(INADDR_LOOPBACK)}};
		socklen_t length = sizeof(address);

		memset(&ports[i], 0, sizeof(ports[i]));
		ports[i].fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		assert_true(ports[i].fd >= 0);
		assert_int_equal(
			bind(ports[i].fd, (struct sockaddr *)&address, sizeof(address)),
			0);
		getsockname(ports[i].fd, (struct sockaddr *)&address, &length);
		ports[i].port = ntohs(address.sin_port);
	}
	return 0;
}

static int close_ports(void **state)
{
	(void)state;
	for (size_t i = 0; i < PORTS; i++)
		close(ports[i].fd);
	return 0;
}

static struct sonde_scan_summary scan(void)
{
	const struct sonde_scan_options options = {.method = SONDE_SCAN_UDP,
						   .timeout_ns = 10000000,
						   .skip_ping = true,
						   .observer = observe};
	struct sonde_scan_summary summary;
	struct sonde_scan *scan;
	struct sonde_error err;
	char text[64];

	assert_int_equal(sonde_scan_new(&options, &scan, &err), 0);
	for (size_t i = 0; i < PORTS; i++) {
		snprintf(text, sizeof(text), "%u", ports[i].port);
		assert_int_equal(sonde_scan_add_ports(scan, text, &err), 0);
	}
	assert_int_equal(sonde_scan_add_target(scan, "127.0.0.1", &err), 0);
	assert_int_equal(sonde_scan_run(scan, -1, &err), 0);
	summary = *sonde_scan_summary(scan);
	sonde_scan_free(scan);
	for (size_t i = 0; i < PORTS; i++)
		assert_int_equal(ports[i].events, 1);
	return summary;
}

/* Every call of the first rounds is refused: the port is asked as often as the others all
 * the same, and what is told is what has left. */
static void asks_again_what_did_not_leave(void **state)
{
	struct sonde_scan_summary summary;
	uint64_t sent = 0;

	(void)state;
	ports[1].refusals = ports[2].refusals = 40;
	ports[1].refusal = EAGAIN;
	ports[2].refusal = ENOBUFS;
	summary = scan();
	for (size_t i = 0; i < PORTS; i++) {
		assert_int_equal(ports[i].refusals, 0);
		assert_int_equal(ports[i].result.state, SONDE_SCAN_OPEN_FILTERED);
		assert_int_equal(ports[i].result.tries, ports[i].sent);
		assert_true(ports[i].sent >= 2);
		sent += ports[i].sent;
	}
	assert_int_equal(summary.probes, sent);
	assert_int_equal(summary.repeated, sent - PORTS);
}

/* It ends, and says what the kernel said. */
static void ends_where_nothing_leaves(void **state)
{
	(void)state;
	for (size_t i = 0; i < PORTS; i++) {
		ports[i].refusals = ALWAYS;
		ports[i].refusal = ENOBUFS;
	}
	scan();
	for (size_t i = 0; i < PORTS; i++) {
		assert_int_equal(ports[i].sent, 0);
		assert_int_equal(ports[i].result.state, SONDE_SCAN_UNREACHABLE);
		assert_int_equal(ports[i].result.reason, SONDE_SCAN_REFUSED);
		assert_int_equal(ports[i].result.error_number, ENOBUFS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(asks_again_what_did_not_leave, open_ports,
						close_ports),
		cmocka_unit_test_setup_teardown(ends_where_nothing_leaves, open_ports,
						close_ports),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
