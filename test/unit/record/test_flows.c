/* Which packets are the traced programs'. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "record/flows.h"

static struct sonde_address at(const char *host, uint16_t port)
{
	struct sonde_address address;

	assert_int_equal(sonde_address_parse_host(host, &address), 0);
	address.port = port;
	return address;
}

static struct sonde_decoded packet(uint8_t proto, struct sonde_address src,
				   struct sonde_address dst)
{
	return (struct sonde_decoded){.proto = proto, .src = src, .dst = dst};
}

static void an_empty_set_has_nothing(void **context)
{
	struct flows flows = {0};
	struct sonde_decoded decoded =
		packet(SONDE_PACKET_TCP, at("127.0.0.1", 1), at("127.0.0.1", 2));

	(void)context;
	assert_false(flows_has(&flows, &decoded));
	flows_done(&flows);
}

static void both_directions_belong(void **context)
{
	struct sonde_socket socket = {
		.kind = SONDE_SOCKET_TCP,
		.local = at("127.0.0.1", 40000),
		.peer = at("127.0.0.1", 50000),
	};
	struct sonde_decoded out = packet(SONDE_PACKET_TCP, socket.local, socket.peer);
	struct sonde_decoded back = packet(SONDE_PACKET_TCP, socket.peer, socket.local);
	struct sonde_decoded udp = packet(SONDE_PACKET_UDP, socket.local, socket.peer);
	struct sonde_decoded other =
		packet(SONDE_PACKET_TCP, at("127.0.0.1", 40001), at("127.0.0.1", 50001));
	struct flows flows = {0};

	(void)context;
	assert_int_equal(flows_add_socket(&flows, &socket), 0);
	assert_true(flows_has(&flows, &out));
	assert_true(flows_has(&flows, &back));
	assert_false(flows_has(&flows, &udp));
	assert_false(flows_has(&flows, &other));
	flows_done(&flows);
}

static void a_wildcard_is_every_address(void **context)
{
	struct sonde_socket socket = {.kind = SONDE_SOCKET_UDP,
				      .local = at("0.0.0.0", 53)};
	struct sonde_decoded four =
		packet(SONDE_PACKET_UDP, at("192.0.2.1", 9), at("192.0.2.7", 53));
	struct sonde_decoded six =
		packet(SONDE_PACKET_UDP, at("2001:db8::1", 9), at("2001:db8::2", 53));
	struct sonde_decoded other =
		packet(SONDE_PACKET_UDP, at("192.0.2.1", 9), at("192.0.2.7", 54));
	struct flows flows = {0};

	(void)context;
	assert_int_equal(flows_add_socket(&flows, &socket), 0);
	assert_true(flows_has(&flows, &four));
	assert_true(flows_has(&flows, &six));
	assert_false(flows_has(&flows, &other));
	flows_done(&flows);
}

/* A connect to a host that never answers returns late: its SYNs must be seen before. */
static void the_argument_of_a_call_counts(void **context)
{
	struct sonde_socket socket = {.kind = SONDE_SOCKET_TCP};
	struct sonde_address peer = at("192.0.2.1", 80);
	struct sonde_decoded syn = packet(SONDE_PACKET_TCP, at("192.0.2.9", 40000), peer);
	struct flows flows = {0};

	(void)context;
	assert_int_equal(flows_add_socket(&flows, &socket), 0);
	assert_false(flows_has(&flows, &syn));
	assert_int_equal(flows_add_peer(&flows, &socket, &peer), 0);
	assert_true(flows_has(&flows, &syn));
	flows_done(&flows);
}

static void an_icmp_error_belongs_to_what_it_quotes(void **context)
{
	struct sonde_socket socket = {
		.kind = SONDE_SOCKET_UDP,
		.local = at("127.0.0.1", 40000),
		.peer = at("127.0.0.1", 50000),
	};
	struct sonde_decoded icmp =
		packet(SONDE_PACKET_ICMP, at("127.0.0.1", 0), at("127.0.0.1", 0));
	struct flows flows = {0};

	(void)context;
	flows_add_socket(&flows, &socket);
	assert_false(flows_has(&flows, &icmp));
	icmp.has_quote = true;
	icmp.quote_proto = SONDE_PACKET_UDP;
	icmp.quote_src = socket.local;
	icmp.quote_dst = socket.peer;
	assert_true(flows_has(&flows, &icmp));
	flows_done(&flows);
}

static void it_grows(void **context)
{
	struct flows flows = {0};

	(void)context;
	for (unsigned port = 1; port <= 20000; port++) {
		struct sonde_socket socket = {
			.kind = SONDE_SOCKET_TCP,
			.local = at("127.0.0.1", (uint16_t)port),
		};

		assert_int_equal(flows_add_socket(&flows, &socket), 0);
	}
	for (unsigned port = 1; port <= 40000; port++) {
		struct sonde_decoded decoded =
			packet(SONDE_PACKET_TCP, at("127.0.0.1", (uint16_t)port),
			       at("127.0.0.2", 60000));

		assert_int_equal(flows_has(&flows, &decoded), port <= 20000);
	}
	flows_done(&flows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_set_has_nothing),
		cmocka_unit_test(both_directions_belong),
		cmocka_unit_test(a_wildcard_is_every_address),
		cmocka_unit_test(the_argument_of_a_call_counts),
		cmocka_unit_test(an_icmp_error_belongs_to_what_it_quotes),
		cmocka_unit_test(it_grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
