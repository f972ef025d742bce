/* The fields of DNS, and the names of its numbers. */
#include "dissect/dns_part.h"

#include <stddef.h>

/* IANA's registry of resource record types. */
const struct sonde_value_name dns_types[] = {
	{1, "A (Host Address)"},
	{2, "NS (authoritative Name Server)"},
	{5, "CNAME (Canonical NAME for an alias)"},
	{6, "SOA (Start Of a zone of Authority)"},
	{12, "PTR (domain name PoinTeR)"},
	{13, "HINFO (host information)"},
	{15, "MX (Mail eXchange)"},
	{16, "TXT (Text strings)"},
	{28, "AAAA (IPv6 Address)"},
	{33, "SRV (Server Selection)"},
	{35, "NAPTR (naming authority pointer)"},
	{39, "DNAME (non-terminal DNS name redirection)"},
	{41, "OPT"},
	{43, "DS (Delegation Signer)"},
	{46, "RRSIG"},
	{47, "NSEC (Next secured)"},
	{48, "DNSKEY (DNS Public Key)"},
	{50, "NSEC3"},
	{52, "TLSA"},
	{64, "SVCB (General-purpose service binding)"},
	{65, "HTTPS (HTTPS Specific Service Endpoints)"},
	{99, "SPF (Sender Policy Framework)"},
	{251, "IXFR (Incremental Zone Transfer)"},
	{252, "AXFR (Transfer of entire zone)"},
	{255, "* (A request for all records the server/cache has available)"},
	{257, "CAA (Certification Authority Restriction)"},
	{0, NULL}};
static const struct sonde_value_name short_types[] = {
	{1, "A"},      {2, "NS"},      {5, "CNAME"},  {6, "SOA"},    {12, "PTR"},
	{13, "HINFO"}, {15, "MX"},     {16, "TXT"},   {28, "AAAA"},  {33, "SRV"},
	{35, "NAPTR"}, {39, "DNAME"},  {41, "OPT"},   {43, "DS"},    {46, "RRSIG"},
	{47, "NSEC"},  {48, "DNSKEY"}, {50, "NSEC3"}, {52, "TLSA"},  {64, "SVCB"},
	{65, "HTTPS"}, {99, "SPF"},    {251, "IXFR"}, {252, "AXFR"}, {255, "ANY"},
	{257, "CAA"},  {0, NULL}};
const struct sonde_value_name dns_classes[] = {{1, "IN"},     {3, "CH"},    {4, "HS"},
					       {254, "NONE"}, {255, "ANY"}, {0, NULL}};
static const struct sonde_value_name option_codes[] = {{3, "NSID"},
						       {8, "CSUBNET - Client subnet"},
						       {9, "EXPIRE"},
						       {10, "COOKIE"},
						       {11, "EDNS TCP keepalive"},
						       {12, "PADDING"},
						       {15, "Extended DNS Error"},
						       {0, NULL}};

const char *dns_type_name(uint16_t type)
{
	return value_name(short_types, type, "Unknown");
}

const struct sonde_field_info dns_fields[DNS_FIELDS] = {
	[DNS] = FIELD("dns", "Domain Name System", PROTOCOL),
	[DNS_LENGTH] = NUMBER("dns.length", "Length", 16, DECIMAL, NULL),
	[DNS_ID] = NUMBER("dns.id", "Transaction ID", 16, HEX, NULL),
	[DNS_FLAGS] = NUMBER("dns.flags", "Flags", 16, HEX, NULL),
	[DNS_FLAG_RESPONSE] = FIELD("dns.flags.response", "Response", BOOL),
	[DNS_FLAG_OPCODE] =
		NUMBER("dns.flags.opcode", "Opcode", 16, DECIMAL, dns_opcodes),
	[DNS_FLAG_AUTHORITATIVE] =
		FIELD("dns.flags.authoritative", "Authoritative", BOOL),
	[DNS_FLAG_TRUNCATED] = FIELD("dns.flags.truncated", "Truncated", BOOL),
	[DNS_FLAG_RECURSION_DESIRED] =
		FIELD("dns.flags.recdesired", "Recursion desired", BOOL),
	[DNS_FLAG_RECURSION_AVAILABLE] =
		FIELD("dns.flags.recavail", "Recursion available", BOOL),
	[DNS_FLAG_Z] = FIELD("dns.flags.z", "Z", BOOL),
	[DNS_FLAG_AUTHENTICATED] =
		FIELD("dns.flags.authenticated", "Answer authenticated", BOOL),
	[DNS_FLAG_CHECK_DISABLED] =
		FIELD("dns.flags.checkdisable", "Non-authenticated data", BOOL),
	[DNS_FLAG_RCODE] =
		NUMBER("dns.flags.rcode", "Reply code", 16, DECIMAL, dns_rcodes),
	[DNS_QUERIES] = NUMBER("dns.count.queries", "Questions", 16, DECIMAL, NULL),
	[DNS_ANSWERS] = NUMBER("dns.count.answers", "Answer RRs", 16, DECIMAL, NULL),
	[DNS_AUTHORITIES] =
		NUMBER("dns.count.auth_rr", "Authority RRs", 16, DECIMAL, NULL),
	[DNS_ADDITIONALS] =
		NUMBER("dns.count.add_rr", "Additional RRs", 16, DECIMAL, NULL),
	[DNS_ZONES] = NUMBER("dns.count.zones", "Zones", 16, DECIMAL, NULL),
	[DNS_PREREQUISITES] =
		NUMBER("dns.count.prerequisites", "Prerequisites", 16, DECIMAL, NULL),
	[DNS_UPDATES] = NUMBER("dns.count.updates", "Updates", 16, DECIMAL, NULL),
	[DNS_QUERY_NAME] = FIELD("dns.qry.name", "Name", TEXT),
	[DNS_QUERY_NAME_LENGTH] =
		NUMBER("dns.qry.name.len", "Name Length", 16, DECIMAL, NULL),
	[DNS_LABELS] = NUMBER("dns.count.labels", "Label Count", 16, DECIMAL, NULL),
	[DNS_QUERY_TYPE] = NUMBER("dns.qry.type", "Type", 16, DECIMAL, dns_types),
	[DNS_QUERY_CLASS] = NUMBER("dns.qry.class", "Class", 16, HEX, dns_classes),
	[DNS_NAME] = FIELD("dns.resp.name", "Name", TEXT),
	[DNS_TYPE] = NUMBER("dns.resp.type", "Type", 16, DECIMAL, dns_types),
	[DNS_CLASS] = NUMBER("dns.resp.class", "Class", 16, HEX, dns_classes),
	[DNS_TTL] = NUMBER("dns.resp.ttl", "Time to live", 32, DECIMAL, NULL),
	[DNS_DATA_LENGTH] = NUMBER("dns.resp.len", "Data length", 16, DECIMAL, NULL),
	[DNS_A] = FIELD("dns.a", "Address", IPV4),
	[DNS_AAAA] = FIELD("dns.aaaa", "AAAA Address", IPV6),
	[DNS_CNAME] = FIELD("dns.cname", "CNAME", TEXT),
	[DNS_NS] = FIELD("dns.ns", "Name Server", TEXT),
	[DNS_PTR] = FIELD("dns.ptr.domain_name", "Domain Name", TEXT),
	[DNS_MX_PREFERENCE] =
		NUMBER("dns.mx.preference", "Preference", 16, DECIMAL, NULL),
	[DNS_MX] = FIELD("dns.mx.mail_exchange", "Mail Exchange", TEXT),
	[DNS_TXT_LENGTH] = NUMBER("dns.txt.length", "TXT Length", 8, DECIMAL, NULL),
	[DNS_TXT] = FIELD("dns.txt", "TXT", TEXT),
	[DNS_SOA_MNAME] = FIELD("dns.soa.mname", "Primary name server", TEXT),
	[DNS_SOA_RNAME] = FIELD("dns.soa.rname", "Responsible authority's mailbox", TEXT),
	[DNS_SOA_SERIAL] =
		NUMBER("dns.soa.serial_number", "Serial Number", 32, DECIMAL, NULL),
	[DNS_SOA_REFRESH] =
		NUMBER("dns.soa.refresh_interval", "Refresh Interval", 32, DECIMAL, NULL),
	[DNS_SOA_RETRY] =
		NUMBER("dns.soa.retry_interval", "Retry Interval", 32, DECIMAL, NULL),
	[DNS_SOA_EXPIRE] =
		NUMBER("dns.soa.expire_limit", "Expire limit", 32, DECIMAL, NULL),
	[DNS_SOA_MINIMUM] =
		NUMBER("dns.soa.minimum_ttl", "Minimum TTL", 32, DECIMAL, NULL),
	[DNS_SRV_SERVICE] = FIELD("dns.srv.service", "Service", TEXT),
	[DNS_SRV_PROTO] = FIELD("dns.srv.proto", "Protocol", TEXT),
	[DNS_SRV_NAME] = FIELD("dns.srv.name", "Name", TEXT),
	[DNS_SRV_PRIORITY] = NUMBER("dns.srv.priority", "Priority", 16, DECIMAL, NULL),
	[DNS_SRV_WEIGHT] = NUMBER("dns.srv.weight", "Weight", 16, DECIMAL, NULL),
	[DNS_SRV_PORT] = NUMBER("dns.srv.port", "Port", 16, DECIMAL, NULL),
	[DNS_SRV_TARGET] = FIELD("dns.srv.target", "Target", TEXT),
	[DNS_CAA_FLAGS] = NUMBER("dns.caa.flags", "CAA Flags", 8, HEX, NULL),
	[DNS_CAA_TAG_LENGTH] =
		NUMBER("dns.caa.tag_length", "Tag length", 8, DECIMAL, NULL),
	[DNS_CAA_TAG] = FIELD("dns.caa.tag", "Tag", TEXT),
	[DNS_CAA_VALUE] = FIELD("dns.caa.value", "Value", TEXT),
	[DNS_HINFO_CPU_LENGTH] =
		NUMBER("dns.hinfo.cpu_length", "CPU Length", 8, DECIMAL, NULL),
	[DNS_HINFO_CPU] = FIELD("dns.hinfo.cpu", "CPU", TEXT),
	[DNS_HINFO_OS_LENGTH] =
		NUMBER("dns.hinfo.os_length", "OS Length", 8, DECIMAL, NULL),
	[DNS_HINFO_OS] = FIELD("dns.hinfo.os", "OS", TEXT),
	[DNS_UDP_SIZE] =
		NUMBER("dns.rr.udp_payload_size", "UDP payload size", 16, DECIMAL, NULL),
	[DNS_EXTENDED_RCODE] = NUMBER("dns.resp.ext_rcode",
				      "Higher bits in extended RCODE", 8, HEX, NULL),
	[DNS_EDNS_VERSION] =
		NUMBER("dns.resp.edns0_version", "EDNS0 version", 8, DECIMAL, NULL),
	[DNS_EDNS_Z] = NUMBER("dns.resp.z", "Z", 16, HEX, NULL),
	[DNS_EDNS_DO] = FIELD("dns.resp.z.do", "DO bit", BOOL),
	[DNS_EDNS_RESERVED] = NUMBER("dns.resp.z.reserved", "Reserved", 16, HEX, NULL),
	[DNS_OPTION] = FIELD("dns.opt", "Option", NOTE),
	[DNS_OPTION_CODE] =
		NUMBER("dns.opt.code", "Option Code", 16, DECIMAL, option_codes),
	[DNS_OPTION_LENGTH] = NUMBER("dns.opt.len", "Option Length", 16, DECIMAL, NULL),
	[DNS_OPTION_DATA] = FIELD("dns.opt.data", "Option Data", BYTES),
	[DNS_COOKIE_CLIENT] = FIELD("dns.opt.cookie.client", "Client Cookie", BYTES),
	[DNS_COOKIE_SERVER] = FIELD("dns.opt.cookie.server", "Server Cookie", BYTES),
	[DNS_DATA] = FIELD("dns.data", "Data", BYTES),
	[DNS_RESPONSE_TO] = NUMBER("dns.response_to", "Request In", 32, DECIMAL, NULL),
	[DNS_TIME] = FIELD("dns.time", "Time", DURATION),
};
