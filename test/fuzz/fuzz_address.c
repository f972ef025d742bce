/* Fuzz target: addresses as text and as sockaddr.
 *
 * Properties: what is read is written in one form, which is read as the same address and
 * written as the same text; inet_pton() takes the same texts for the same addresses
 * (where there is no bracket and no scope, which are ours alone); a sockaddr of any bytes
 * gives an error or an address that survives the way to a sockaddr and back. */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/address.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_forms(const struct sonde_address *address)
{
	struct sonde_address again;
	char host[SONDE_ADDRESS_CHARS], twice[SONDE_ADDRESS_CHARS];

	sonde_address_format_host(address, host);
	require(sonde_address_parse_host(host, &again) == 0);
	require(sonde_address_equal_host(address, &again));
	sonde_address_format_host(&again, twice);
	require(strcmp(host, twice) == 0);
	sonde_address_format(address, twice);
	if (!sonde_address_is_any(address))
		require(strstr(twice, host) != NULL);
}

static void check_text(const char *text)
{
	struct sonde_address address = {0};
	int family = strchr(text, ':') ? AF_INET6 : AF_INET;
	uint8_t theirs[16] = {0};
	bool taken = sonde_address_parse_host(text, &address) == 0;

	if (taken) {
		require(address.port == 0);
		check_forms(&address);
	}
	if (strchr(text, '%') || strchr(text, '['))
		return;
	require(taken == (inet_pton(family, text, theirs) == 1));
	if (taken)
		require(memcmp(address.bytes, theirs, sizeof(theirs)) == 0);
}

static void check_sockaddr(const uint8_t *bytes, size_t n)
{
	struct sonde_address address, again;
	struct sockaddr_storage storage;
	socklen_t length;

	if (sonde_address_from_sockaddr((const struct sockaddr *)bytes, (socklen_t)n,
					&address) < 0)
		return;
	length = sonde_address_to_sockaddr(&address, &storage);
	if (!length)
		return;
	require(sonde_address_from_sockaddr((struct sockaddr *)&storage, length,
					    &again) == 0);
	require(sonde_address_equal(&address, &again));
	check_forms(&address);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	char text[SONDE_ADDRESS_CHARS + 8];

	check_sockaddr(bytes, n);
	if (n < sizeof(text)) {
		memcpy(text, bytes, n);
		text[n] = '\0';
		check_text(text);
	}
	return 0;
}
