/* Endpoints: read from text; names that need no name server looked up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/limits.h"
#include "io/resolve.h"
#include "io/service_name.h"

static void parses_endpoints(void **state)
{
	static const struct {
		const char *text, *host;
		uint16_t port;
	} cases[] = {
		{"localhost:50000", "localhost", 50000},
		{"localhost 50000", "localhost", 50000},
		{"127.0.0.1:0", "127.0.0.1", 0},
		{"[::1]:50000", "::1", 50000},
		{"::1 50000", "::1", 50000},
		{"[::1] 50000", "::1", 50000},
		{"[fe80::1%lo]:7", "fe80::1%lo", 7},
		{"[fe80::1%1]:7", "fe80::1%1", 7},
		{":50000", "", 50000},
		{" 50000", "", 50000},
		{"*:50000", "*", 50000},
		{"*:65535", "*", 65535},
		{"www.example.org:http", "www.example.org", 80},
		{"xn--bcher-kva.example:80", "xn--bcher-kva.example", 80},
		{"b\xc3\xbc"
		 "cher.example:80",
		 "b\xc3\xbc"
		 "cher.example",
		 80},
		{"my_host-1:7", "my_host-1", 7},
		{":http", "", 80},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct resolve_endpoint endpoint;
		struct sonde_error err = {0};

		if (resolve_parse(cases[i].text, &endpoint, &err) < 0)
			fail_msg("%s: %s", cases[i].text, err.reason);
		assert_string_equal(endpoint.host, cases[i].host);
		assert_int_equal(endpoint.port, cases[i].port);
	}
}

static void refuses_with_reason_and_remedy(void **state)
{
	static const struct {
		const char *text, *subject, *reason, *hint;
	} cases[] = {
		{"", "\"\"", "the port is missing",
		 "write HOST:PORT, as in localhost:50000"},
		{"localhost", "localhost", "the port is missing", "write localhost:PORT"},
		{"50000", "50000", "the port is missing",
		 "write HOST:50000, or :50000 for this machine"},
		{"[::1]", "[::1]", "the port is missing", "write [::1]:PORT"},
		{"::1", "::1", "the port is missing", "write [::1]:PORT"},
		{"::1:80", "::1:80",
		 "it is an address without a port, or one with port 80",
		 "write [::1:80]:PORT or [::1]:80"},
		{"2001:db8::1:8080", "2001:db8::1:8080",
		 "it is an address without a port, or one with port 8080",
		 "write [2001:db8::1:8080]:PORT or [2001:db8::1]:8080"},
		{"::1:f", "::1:f", "the port is missing", "write [::1:f]:PORT"},
		{"1:2:3:4:5:6:7:80", "1:2:3:4:5:6:7:80", "the port is missing",
		 "write [1:2:3:4:5:6:7:80]:PORT"},
		{"2001:db8::1:g", "2001:db8::1:g", "it has more than one colon",
		 "an IPv6 address needs brackets: [2001:db8::1]:g"},
		{"a:b:80", "a:b:80", "it has more than one colon",
		 "write HOST:PORT, or [IPV6]:PORT"},
		{"[::1", "[::1", "it has more than one colon",
		 "write HOST:PORT, or [IPV6]:PORT"},
		{"[::1]80", "[::1]80", "it is no HOST:PORT",
		 "write HOST:PORT, or [IPV6]:PORT"},
		{"a b 80", "a b 80", "it is no HOST:PORT",
		 "write HOST:PORT, or [IPV6]:PORT"},
		{"localhost:", "\"\"", "it is empty",
		 "write HOST:PORT, as in localhost:50000"},
		{"localhost:65536", "65536", "ports are 0 to 65535",
		 "0 lets the system pick one"},
		{"localhost:-1", "-1", "ports are 0 to 65535",
		 "0 lets the system pick one"},
		{"localhost:htpp", "htpp",
		 "it is no number, and no service has this name", "did you mean http?"},
		{"010.0.0.1:80", "010.0.0.1", "it is no IPv4 address",
		 "four numbers from 0 to 255, without leading zeros"},
		{"127.1:80", "127.1", "it is no IPv4 address",
		 "four numbers from 0 to 255, without leading zeros"},
		{"0x7f000001:80", "0x7f000001", "it is no IPv4 address",
		 "four numbers from 0 to 255, without leading zeros"},
		{"1.2.3.4.5:80", "1.2.3.4.5", "it is no IPv4 address",
		 "four numbers from 0 to 255, without leading zeros"},
		{"[localhost]:80", "localhost", "it is no IPv6 address",
		 "eight hexadecimal groups, :: for a run of zeros"},
		{"[]:80", "\"\"", "it is no IPv6 address",
		 "eight hexadecimal groups, :: for a run of zeros"},
		{"[fe80::1%]:80", "fe80::1%", "it is no IPv6 address",
		 "the name of an interface follows the %"},
		{"[::1%lo]:80", "::1%lo", "only link-local addresses have a scope",
		 "write ::1"},
		{"user@host:80", "user@host", "a name has no such character",
		 "write HOST:PORT, as in localhost:50000"},
		{"http://host:80", "http://host:80", "it is a URL, and no host",
		 "write its host and its port alone: HOST:PORT"},
		{"http://host 80", "http://host 80", "it is a URL, and no host",
		 "write its host and its port alone: HOST:PORT"},
		{"host:7 80", "host:7",
		 "a port stands in it, where a host alone is meant",
		 "the port has a place of its own; an IPv6 address has more colons"},
		{"ho\x1bst:80", "ho\\x1bst", "a name has no such character",
		 "write HOST:PORT, as in localhost:50000"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct resolve_endpoint endpoint = {.port = 4711};
		struct sonde_error err = {0};
		int r = resolve_parse(cases[i].text, &endpoint, &err);

		if (r != -EINVAL)
			fail_msg("\"%s\" was taken", cases[i].text);
		assert_int_equal(err.kind, SONDE_ERROR_USAGE);
		assert_int_equal(err.code, r);
		assert_string_equal(err.subject, cases[i].subject);
		assert_string_equal(err.reason, cases[i].reason);
		assert_string_equal(err.hint, cases[i].hint);
		assert_int_equal(endpoint.port, 4711);
		/* The same without anybody to tell. */
		assert_int_equal(resolve_parse(cases[i].text, &endpoint, NULL), r);
	}
}

static void long_names(void **state)
{
	struct resolve_endpoint endpoint;
	struct sonde_error err;
	char text[600];

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text + 255, ":80", 4);
	assert_int_equal(resolve_parse(text, &endpoint, &err), 0);
	assert_int_equal(strlen(endpoint.host), 255);
	memset(text, 'a', sizeof(text));
	memcpy(text + 256, ":80", 4);
	assert_int_equal(resolve_parse(text, &endpoint, &err), -EINVAL);
	assert_string_equal(err.reason, "it is too long for a name");
	memset(text, ':', sizeof(text));
	memcpy(text + 500, "%x", 3);
	assert_int_equal(resolve_parse(text, &endpoint, &err), -EINVAL);
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(resolve_parse(text, &endpoint, &err), -EINVAL);
}

static void parses_pairs(void **state)
{
	struct resolve_endpoint endpoint;
	struct sonde_error err;

	(void)state;
	assert_int_equal(resolve_parse_pair("::1", "80", &endpoint, &err), 0);
	assert_string_equal(endpoint.host, "::1");
	assert_int_equal(endpoint.port, 80);
	assert_int_equal(resolve_parse_pair("", "http", &endpoint, &err), 0);
	assert_string_equal(endpoint.host, "");
	assert_int_equal(endpoint.port, 80);
	assert_int_equal(resolve_parse_pair("*", "0", &endpoint, &err), 0);
	assert_string_equal(endpoint.host, "*");
	assert_int_equal(resolve_parse_pair("a b", "80", &endpoint, &err), -EINVAL);
	assert_int_equal(resolve_parse_pair("a", "80 ", &endpoint, &err), -EINVAL);
}

static void service_names(void **state)
{
	char nearest[SERVICE_NAME_CHARS];
	uint16_t port;

	(void)state;
	assert_int_equal(service_name_lookup("domain", &port), 0);
	assert_int_equal(port, 53);
	assert_int_equal(service_name_lookup("www", &port), 0); /* an alias */
	assert_int_equal(port, 80);
	assert_int_equal(service_name_lookup("tftp", &port), 0); /* UDP alone */
	assert_int_equal(port, 69);
	port = 4711;
	assert_int_equal(service_name_lookup("no-such-service", &port), -ENOENT);
	assert_int_equal(service_name_lookup("", &port), -ENOENT);
	assert_int_equal(service_name_lookup("#", &port), -ENOENT);
	assert_int_equal(service_name_lookup("80/tcp", &port), -ENOENT);
	assert_int_equal(port, 4711);
	assert_int_equal(service_name_nearest("domian", nearest), 6);
	assert_string_equal(nearest, "domain");
	assert_int_equal(service_name_nearest("no-such-service-at-all", nearest), 0);
}

/* Looks the text up and gives the addresses with a space between. */
static void assert_addresses(const char *text, const char *expected)
{
	struct resolve_endpoint endpoint;
	struct sonde_address addresses[LIMIT_ADDRESSES];
	struct sonde_error err = {0};
	char got[LIMIT_ADDRESSES * SONDE_ADDRESS_CHARS] = "";
	int count;

	assert_int_equal(resolve_parse(text, &endpoint, &err), 0);
	count = resolve_lookup(&endpoint, addresses, LIMIT_ADDRESSES, &err);
	if (count < 1)
		fail_msg("%s: %s", text, err.reason);
	for (int i = 0; i < count; i++) {
		char host[SONDE_ADDRESS_CHARS];
		size_t used = strlen(got);

		assert_int_equal(addresses[i].port, endpoint.port);
		sonde_address_format_host(&addresses[i], host);
		snprintf(got + used, sizeof(got) - used, "%s%s", i ? " " : "", host);
	}
	assert_string_equal(got, expected);
}

static void looks_up_numbers(void **state)
{
	(void)state;
	assert_addresses(":7", "127.0.0.1 ::1");
	assert_addresses("*:7", "0.0.0.0 ::");
	assert_addresses("192.0.2.1:7", "192.0.2.1");
	assert_addresses("[2001:db8::1]:7", "2001:db8::1");
	assert_addresses("[::ffff:192.0.2.1]:7", "::ffff:192.0.2.1"); /* as asked */
	assert_addresses("[fe80::1%9]:7", "fe80::1%9");
	assert_addresses("[fe80::1%lo]:7", "fe80::1%1"); /* lo is always the first */
}

static void localhost_is_loopback(void **state)
{
	(void)state;
	assert_addresses("localhost:7", "127.0.0.1 ::1");
	assert_addresses("LocalHost:7", "127.0.0.1 ::1");
	assert_addresses("a.b.localhost:7", "127.0.0.1 ::1");
}

/* The names that the test gives to the resolver. */
static const char hosts[] = "192.0.2.1 sonde-one sonde-many\n"
			    "192.0.2.2 sonde-many\n"
			    "192.0.2.1 sonde-many\n"
			    "2001:db8::1 sonde-six\n"
			    "192.0.2.9 notlocalhost\n";

/* Lays them over /etc/hosts, for this process alone.  Root needs no user namespace, and
 * gets none inside a chroot. */
static int replace_hosts(void)
{
	char path[] = "/tmp/test_resolve.XXXXXX";
	int fd = mkstemp(path), r;

	if (fd < 0 || write(fd, hosts, sizeof(hosts) - 1) != sizeof(hosts) - 1)
		return -errno;
	close(fd);
	if (unshare(CLONE_NEWNS) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		r = -errno;
	else if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		r = -errno;
	else
		r = mount(path, "/etc/hosts", NULL, MS_BIND, NULL) < 0 ? -errno : 0;
	unlink(path);
	return r;
}

static int count_of(const char *host, struct sonde_address ret[4])
{
	struct resolve_endpoint endpoint = {.port = 7};

	strcpy(endpoint.host, host);
	return resolve_lookup(&endpoint, ret, 4, NULL);
}

static bool is_host(const struct sonde_address *address, const char *expected)
{
	char host[SONDE_ADDRESS_CHARS];

	sonde_address_format_host(address, host);
	return strcmp(host, expected) == 0 && address->port == 7;
}

/* Run in a child, where no assertion of the framework works: the number of the first
 * check that failed, or 0. */
static int check_names(void)
{
	struct sonde_address addresses[4];

	if (count_of("sonde-one", addresses) != 1 || !is_host(addresses, "192.0.2.1"))
		return 1;
	if (count_of("sonde-six", addresses) != 1 || !is_host(addresses, "2001:db8::1"))
		return 2;
	/* Two, in whatever order the resolver's rules give them, but none twice. */
	if (count_of("sonde-many", addresses) != 2)
		return 3;
	if (!is_host(&addresses[0], "192.0.2.1") && !is_host(&addresses[1], "192.0.2.1"))
		return 4;
	if (!is_host(&addresses[0], "192.0.2.2") && !is_host(&addresses[1], "192.0.2.2"))
		return 5;
	if (count_of("notlocalhost", addresses) != 1 || !is_host(addresses, "192.0.2.9"))
		return 6;
	return 0;
}

static void looks_up_names(void **state)
{
	const int no_namespace = 100;
	int status;
	pid_t child = fork();

	(void)state;
	assert_true(child >= 0);
	if (child == 0)
		_exit(replace_hosts() < 0 ? no_namespace : check_names());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == no_namespace) {
		print_message("# SKIP no mount namespace, or no /etc/hosts to cover\n");
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void keeps_to_the_room(void **state)
{
	struct resolve_endpoint endpoint = {.host = "*", .port = 7};
	struct sonde_address addresses[2] = {[1].port = 4711};

	(void)state;
	assert_int_equal(resolve_lookup(&endpoint, addresses, 1, NULL), 1);
	assert_int_equal(addresses[1].port, 4711);
}

static void unknown_names_are_said(void **state)
{
	/* Refused before any name server is asked: a label has 63 characters at most. */
	struct resolve_endpoint endpoint = {.port = 7};
	struct sonde_address address;
	struct sonde_error err = {0};

	(void)state;
	memset(endpoint.host, 'a', 70);
	assert_int_equal(resolve_lookup(&endpoint, &address, 1, &err), -ENOENT);
	assert_int_equal(err.kind, SONDE_ERROR_NETWORK);
	assert_int_equal(err.code, -ENOENT);
	assert_string_equal(err.operation, "look up");
	assert_string_equal(err.subject, endpoint.host);
	assert_string_equal(err.reason, "no host has this name");
	assert_true(err.hint[0] != '\0');
}

static void unknown_interfaces_are_said(void **state)
{
	struct resolve_endpoint endpoint;
	struct sonde_address address;
	struct sonde_error err = {0};

	(void)state;
	assert_int_equal(resolve_parse("[fe80::1%nosuchthing]:7", &endpoint, NULL), 0);
	assert_int_equal(resolve_lookup(&endpoint, &address, 1, &err), -ENODEV);
	assert_int_equal(err.kind, SONDE_ERROR_USAGE);
	assert_string_equal(err.subject, "fe80::1%nosuchthing");
	assert_string_equal(err.reason,
			    "no interface of this machine is called nosuchthing");
	assert_string_equal(err.hint, "`ip link` lists them");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_endpoints),
		cmocka_unit_test(unknown_interfaces_are_said),
		cmocka_unit_test(refuses_with_reason_and_remedy),
		cmocka_unit_test(long_names),
		cmocka_unit_test(parses_pairs),
		cmocka_unit_test(service_names),
		cmocka_unit_test(looks_up_numbers),
		cmocka_unit_test(localhost_is_loopback),
		cmocka_unit_test(looks_up_names),
		cmocka_unit_test(keeps_to_the_room),
		cmocka_unit_test(unknown_names_are_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
