/* Resource records of DNS messages. */
#include <string.h>

#include "dissect/dns_part.h"

enum {
	TYPE_A = 1,
	TYPE_NS = 2,
	TYPE_CNAME = 5,
	TYPE_SOA = 6,
	TYPE_PTR = 12,
	TYPE_HINFO = 13,
	TYPE_MX = 15,
	TYPE_TXT = 16,
	TYPE_AAAA = 28,
	TYPE_SRV = 33,
	TYPE_OPT = 41,
	TYPE_CAA = 257,
	OPTION_COOKIE = 10,
};

/* A name within a record's data, which may point out of it; the bytes it takes, or 0. */
static uint32_t add_name(struct sonde_dissector *d, unsigned own,
			 const struct span *message, uint32_t at, bool is_told)
{
	struct dns_name name;
	char *kept;

	if (!dns_name_read(message, at, &name)) {
		dissect_set_malformed(d);
		return 0;
	}
	if (is_told) {
		column_add(dissect_info(d), " ");
		column_add_escaped(dissect_info(d), name.text, name.size);
	}
	if (dissect_wants(d, own)) {
		kept = dissect_keep(d, name.size);
		if (kept)
			memcpy(kept, name.text, name.size);
		dissect_add_text(d, own, message, at, name.length, kept, name.size);
	}
	return name.length;
}

static void add_soa(struct sonde_dissector *d, const struct span *message, uint32_t at,
		    bool is_told)
{
	uint32_t length = add_name(d, DNS_SOA_MNAME, message, at, is_told);

	at += length;
	if (length)
		length = add_name(d, DNS_SOA_RNAME, message, at, false);
	at += length;
	for (unsigned i = 0; length && i < 5; i++)
		dissect_add_be(d, DNS_SOA_SERIAL + i, message, at + 4 * i, 4);
}

/* Strings, each behind its length. */
static void add_strings(struct sonde_dissector *d, const struct span *data,
			unsigned length_own, unsigned own, unsigned step, unsigned most)
{
	uint32_t at = 0;

	for (unsigned i = 0; i < most && at < span_left(data); i++) {
		uint8_t n = span_bytes(data)[at];

		dissect_add_be(d, length_own + step * i, data, at, 1);
		if (n > span_left(data) - at - 1) {
			dissect_set_malformed(d);
			return;
		}
		dissect_add_bytes(d, own + step * i, data, at + 1, n);
		at += 1u + n;
	}
}

static void add_caa(struct sonde_dissector *d, const struct span *data)
{
	uint32_t n;

	if (span_left(data) < 2)
		return;
	n = span_bytes(data)[1];
	dissect_add_be(d, DNS_CAA_FLAGS, data, 0, 1);
	dissect_add_be(d, DNS_CAA_TAG_LENGTH, data, 1, 1);
	if (n > span_left(data) - 2)
		return;
	dissect_add_bytes(d, DNS_CAA_TAG, data, 2, n);
	dissect_add_bytes(d, DNS_CAA_VALUE, data, 2 + n, span_left(data) - 2 - n);
}

static void add_options(struct sonde_dissector *d, const struct span *data)
{
	uint32_t at = 0;

	while (span_left(data) >= at + 4) {
		const uint8_t *bytes = span_bytes(data) + at;
		uint32_t n = (uint32_t)(bytes[2] << 8 | bytes[3]);
		struct span option = span_part(data, at, 4 + n);

		if (span_left(&option) < 4 + n) {
			dissect_set_malformed(d);
			return;
		}
		dissect_add_number(d, DNS_OPTION, &option, 0, 4 + n, 1);
		dissect_nest(d);
		dissect_add_be(d, DNS_OPTION_CODE, &option, 0, 2);
		dissect_add_be(d, DNS_OPTION_LENGTH, &option, 2, 2);
		dissect_add_bytes(d, DNS_OPTION_DATA, &option, 4, n);
		if ((bytes[0] << 8 | bytes[1]) == OPTION_COOKIE && n >= 8) {
			dissect_add_bytes(d, DNS_COOKIE_CLIENT, &option, 4, 8);
			dissect_add_bytes(d, DNS_COOKIE_SERVER, &option, 12, n - 8);
		}
		dissect_unnest(d);
		at += 4 + n;
	}
}

static void tell_address(struct sonde_dissector *d, const struct span *data, bool is_four)
{
	struct sonde_address address = {.family = is_four ? SONDE_FAMILY_INET
							  : SONDE_FAMILY_INET6};

	memcpy(address.bytes, span_bytes(data), is_four ? 4 : 16);
	column_add(dissect_info(d), " ");
	column_add_host(dissect_info(d), &address);
}

static void add_data(struct sonde_dissector *d, const struct span *message,
		     const struct span *data, uint16_t type, bool is_told)
{
	uint32_t at = data->at - message->at, left = span_left(data);

	switch (type) {
	case TYPE_A:
		if (left == 4) {
			dissect_add_be(d, DNS_A, data, 0, 4);
			if (is_told)
				tell_address(d, data, true);
		}
		break;
	case TYPE_AAAA:
		if (left == 16) {
			dissect_add_bytes(d, DNS_AAAA, data, 0, 16);
			if (is_told)
				tell_address(d, data, false);
		}
		break;
	case TYPE_NS:
		add_name(d, DNS_NS, message, at, is_told);
		break;
	case TYPE_CNAME:
		add_name(d, DNS_CNAME, message, at, is_told);
		break;
	case TYPE_PTR:
		add_name(d, DNS_PTR, message, at, is_told);
		break;
	case TYPE_MX:
		dissect_add_be(d, DNS_MX_PREFERENCE, data, 0, 2);
		if (is_told && left >= 2)
			column_add_pair(dissect_info(d), " ",
					(uint64_t)(span_bytes(data)[0] << 8 |
						   span_bytes(data)[1]));
		add_name(d, DNS_MX, message, at + 2, is_told);
		break;
	case TYPE_SRV:
		for (unsigned i = 0; i < 3; i++) {
			dissect_add_be(d, DNS_SRV_PRIORITY + i, data, 2 * i, 2);
			if (is_told && left >= 6)
				column_add_pair(dissect_info(d), " ",
						(uint64_t)(span_bytes(data)[2 * i] << 8 |
							   span_bytes(data)[2 * i + 1]));
		}
		add_name(d, DNS_SRV_TARGET, message, at + 6, is_told);
		break;
	case TYPE_SOA:
		add_soa(d, message, at, is_told);
		break;
	case TYPE_TXT:
		add_strings(d, data, DNS_TXT_LENGTH, DNS_TXT, 0, UINT32_MAX);
		break;
	case TYPE_HINFO:
		add_strings(d, data, DNS_HINFO_CPU_LENGTH, DNS_HINFO_CPU, 2, 2);
		break;
	case TYPE_CAA:
		add_caa(d, data);
		break;
	case TYPE_OPT:
		add_options(d, data);
		break;
	default:
		dissect_add_bytes(d, DNS_DATA, data, 0, left);
		break;
	}
}

/* _service._protocol.name (RFC 2782). */
static void add_service(struct sonde_dissector *d, const struct span *message,
			uint32_t at, const struct dns_name *name)
{
	char *kept = dissect_keep(d, name->size);
	uint32_t from = 0;

	if (!kept)
		return;
	memcpy(kept, name->text, name->size);
	for (unsigned i = 0; i < 3; i++) {
		const char *dot =
			i < 2 ? memchr(kept + from, '.', name->size - from) : NULL;
		uint32_t end = dot ? (uint32_t)(dot - kept) : name->size;

		dissect_add_text(d, DNS_SRV_SERVICE + i, message, at, name->length,
				 kept + from, end - from);
		from = end < name->size ? end + 1 : end;
	}
}

/* The four words behind type: an EDNS record has its own use for them (RFC 6891). */
static void add_words(struct sonde_dissector *d, const struct span *message, uint32_t at,
		      uint16_t type)
{
	const uint8_t *bytes = span_bytes(message) + at;

	dissect_add_be(d, DNS_TYPE, message, at, 2);
	if (type != TYPE_OPT) {
		dissect_add_be(d, DNS_CLASS, message, at + 2, 2);
		dissect_add_be(d, DNS_TTL, message, at + 4, 4);
		dissect_add_be(d, DNS_DATA_LENGTH, message, at + 8, 2);
		return;
	}
	dissect_add_be(d, DNS_UDP_SIZE, message, at + 2, 2);
	dissect_add_be(d, DNS_EXTENDED_RCODE, message, at + 4, 1);
	dissect_add_be(d, DNS_EDNS_VERSION, message, at + 5, 1);
	dissect_add_be(d, DNS_EDNS_Z, message, at + 6, 2);
	dissect_nest(d);
	dissect_add_number(d, DNS_EDNS_DO, message, at + 6, 2, bytes[6] >> 7);
	dissect_add_number(d, DNS_EDNS_RESERVED, message, at + 6, 2,
			   (uint64_t)((bytes[6] & 0x7f) << 8 | bytes[7]));
	dissect_unnest(d);
	dissect_add_be(d, DNS_DATA_LENGTH, message, at + 8, 2);
}

bool dns_record_add(struct sonde_dissector *d, const struct span *message, uint32_t *at,
		    bool is_told)
{
	const uint8_t *bytes;
	struct dns_name name;
	struct span data;
	uint32_t from = *at, length;
	uint16_t type;

	if (!dns_name_read(message, *at, &name) ||
	    span_left(message) < *at + name.length + 10)
		return false;
	*at += name.length;
	bytes = span_bytes(message) + *at;
	type = (uint16_t)(bytes[0] << 8 | bytes[1]);
	length = (uint32_t)(bytes[8] << 8 | bytes[9]);
	if (is_told) {
		column_add(dissect_info(d), " ");
		column_add(dissect_info(d), dns_type_name(type));
	}
	if (type == TYPE_SRV)
		add_service(d, message, from, &name);
	else
		add_name(d, DNS_NAME, message, from, false);
	add_words(d, message, *at, type);
	*at += 10;
	if (span_left(message) < *at + length)
		return false;
	data = span_part(message, *at, length);
	add_data(d, message, &data, type, is_told);
	*at += length;
	return true;
}
