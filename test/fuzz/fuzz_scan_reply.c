/* Fuzz target: what hosts answer to a scan: packets, and the words of services.  The first
 * byte says which link type the packet has.
 *
 * Properties: a packet is an answer of one kind, about an address, or none; only what has
 * a cookie's inputs has a number; the same bytes give the same result; a service that is
 * named is one of those that are known. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "scan/recognize.h"
#include "scan/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_reply(enum sonde_link link, const uint8_t *bytes, size_t n)
{
	struct reply reply = {0}, again = {0};
	bool is_one = reply_read(link, bytes, n, &reply);

	require(is_one == (reply.kind != REPLY_NONE));
	require(is_one == reply_read(link, bytes, n, &again));
	if (!is_one)
		return;
	require(reply.kind == again.kind && reply.number == again.number);
	require(sonde_address_equal(&reply.about, &again.about));
	require(reply.about.family == SONDE_FAMILY_INET ||
		reply.about.family == SONDE_FAMILY_INET6);
	require(reply.from.port == 0);
	if (reply.kind != REPLY_ICMP)
		require(sonde_address_equal_host(&reply.from, &reply.about));
}

static void check_words(const uint8_t *bytes, size_t n)
{
	static const char *const names[] = {
		"ssh",   "smtp", "ftp", "pop3",   "imap", "http", "vnc", "telnet",
		"mysql", "echo", "tls", "domain", "calc", "ntp",  "sip", "ssdp"};
	const char *found[7] = {recognize(NULL, bytes, n)};

	for (size_t i = 0; i < 5; i++)
		found[i + 1] = recognize(recognize_question(1, i), bytes, n);
	found[6] = recognize_datagram(bytes[0], bytes, n / 2, bytes, n);
	for (size_t i = 0; i < 7; i++) {
		bool is_known = !found[i];

		for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++)
			is_known |= found[i] && strcmp(found[i], names[k]) == 0;
		require(is_known);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static const enum sonde_link links[] = {SONDE_LINK_ETHERNET, SONDE_LINK_RAW};

	if (n == 0)
		return 0;
	check_reply(links[bytes[0] & 1], bytes + 1, n - 1);
	check_words(bytes, n);
	return 0;
}
