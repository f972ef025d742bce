/* Parts of the DNS dissector. */
#ifndef DISSECT_DNS_PART_H
#define DISSECT_DNS_PART_H

#include "dissect/dissector.h"

enum {
	DNS,
	DNS_LENGTH,
	DNS_ID,
	DNS_FLAGS,
	DNS_FLAG_RESPONSE,
	DNS_FLAG_OPCODE,
	DNS_FLAG_AUTHORITATIVE,
	DNS_FLAG_TRUNCATED,
	DNS_FLAG_RECURSION_DESIRED,
	DNS_FLAG_RECURSION_AVAILABLE,
	DNS_FLAG_Z,
	DNS_FLAG_AUTHENTICATED,
	DNS_FLAG_CHECK_DISABLED,
	DNS_FLAG_RCODE,
	DNS_QUERIES,
	DNS_ANSWERS,
	DNS_AUTHORITIES,
	DNS_ADDITIONALS,
	DNS_ZONES,
	DNS_PREREQUISITES,
	DNS_UPDATES,
	DNS_QUERY_NAME,
	DNS_QUERY_NAME_LENGTH,
	DNS_LABELS,
	DNS_QUERY_TYPE,
	DNS_QUERY_CLASS,
	DNS_NAME,
	DNS_TYPE,
	DNS_CLASS,
	DNS_TTL,
	DNS_DATA_LENGTH,
	DNS_A,
	DNS_AAAA,
	DNS_CNAME,
	DNS_NS,
	DNS_PTR,
	DNS_MX_PREFERENCE,
	DNS_MX,
	DNS_TXT_LENGTH,
	DNS_TXT,
	DNS_SOA_MNAME,
	DNS_SOA_RNAME,
	DNS_SOA_SERIAL,
	DNS_SOA_REFRESH,
	DNS_SOA_RETRY,
	DNS_SOA_EXPIRE,
	DNS_SOA_MINIMUM,
	DNS_SRV_SERVICE,
	DNS_SRV_PROTO,
	DNS_SRV_NAME,
	DNS_SRV_PRIORITY,
	DNS_SRV_WEIGHT,
	DNS_SRV_PORT,
	DNS_SRV_TARGET,
	DNS_CAA_FLAGS,
	DNS_CAA_TAG_LENGTH,
	DNS_CAA_TAG,
	DNS_CAA_VALUE,
	DNS_HINFO_CPU_LENGTH,
	DNS_HINFO_CPU,
	DNS_HINFO_OS_LENGTH,
	DNS_HINFO_OS,
	DNS_UDP_SIZE,
	DNS_EXTENDED_RCODE,
	DNS_EDNS_VERSION,
	DNS_EDNS_Z,
	DNS_EDNS_DO,
	DNS_EDNS_RESERVED,
	DNS_OPTION,
	DNS_OPTION_CODE,
	DNS_OPTION_LENGTH,
	DNS_OPTION_DATA,
	DNS_COOKIE_CLIENT,
	DNS_COOKIE_SERVER,
	DNS_DATA,
	DNS_RESPONSE_TO,
	DNS_TIME,
	DNS_FIELDS,
};

extern const struct sonde_field_info dns_fields[DNS_FIELDS];
extern const struct sonde_value_name dns_types[], dns_classes[], dns_opcodes[],
	dns_rcodes[];

/* "A", "AAAA"; "Unknown" */
const char *dns_type_name(uint16_t type);

struct dns_name {
	char text[1024]; /* labels with dots between; "<Root>" for none */
	uint32_t size;
	uint32_t length; /* bytes that it takes where it stands */
	uint32_t labels;
	bool is_root;
};

/* The name at `at` of a message, of which it may point to earlier parts (RFC 1035,
 * 4.1.4).  False where it does not end, or runs in a circle. */
bool dns_name_read(const struct span *message, uint32_t at, struct dns_name *ret);

/* The record at *at, which is moved behind it; is_told: Info names it. */
bool dns_record_add(struct sonde_dissector *d, const struct span *message, uint32_t *at,
		    bool is_told);

#endif
