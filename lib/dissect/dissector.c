/* The table of dissectors, and the fields of all of them under one numbering. */
#include "dissect/dissector.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include <sonde/text.h>

#include "dissect/state.h"

const struct dissector *const dissectors[] = {
	&dissector_frame,
	&dissector_eth,
	&dissector_vlan,
	&dissector_ieee8021ad,
	&dissector_llc,
	&dissector_sll,
	&dissector_null,
	&dissector_raw,
	&dissector_arp,
	&dissector_ip,
	&dissector_ipv6,
	&dissector_icmp,
	&dissector_icmpv6,
	&dissector_tcp,
	&dissector_udp,
	&dissector_data,
	&dissector_malformed,
	&dissector_short,
	/* Applications, in the order in which they are asked about bytes on unknown
	 * ports. */
	&dissector_http,
	&dissector_dns,
	&dissector_tls,
	&dissector_smtp,
	&dissector_imap,
	&dissector_calc,
	&dissector_echo,
	&dissector_discard,
	&dissector_daytime,
	&dissector_qotd,
	&dissector_chargen,
	&dissector_time,
};
const size_t dissector_count = sizeof(dissectors) / sizeof(dissectors[0]);
static_assert(sizeof(dissectors) / sizeof(dissectors[0]) <= DISSECTORS_MOST,
	      "there is room for all");

unsigned dissector_place(const struct dissector *dissector)
{
	unsigned place = 0;

	while (dissectors[place] != dissector)
		place++;
	return place;
}

size_t sonde_field_count(void)
{
	size_t count = 0;

	for (size_t i = 0; i < dissector_count; i++)
		count += dissectors[i]->field_count;
	return count;
}

const struct sonde_field_info *sonde_field_info(uint16_t field)
{
	for (size_t i = 0; i < dissector_count; i++) {
		if (field < dissectors[i]->field_count)
			return &dissectors[i]->fields[field];
		field = (uint16_t)(field - dissectors[i]->field_count);
	}
	return NULL;
}

int sonde_field_find(const char *name, size_t n)
{
	size_t number = 0;

	for (size_t i = 0; i < dissector_count; i++) {
		const struct dissector *dissector = dissectors[i];

		for (size_t own = 0; own < dissector->field_count; own++, number++) {
			const char *other = dissector->fields[own].name;

			if (strncmp(other, name, n) == 0 && other[n] == '\0')
				return (int)number;
		}
	}
	return -ENOENT;
}

const char *sonde_field_nearest(const char *name, size_t n)
{
	const char *names[WANTED_WORDS * 64];
	size_t count = 0;
	char text[64];

	if (n >= sizeof(text))
		return NULL;
	memcpy(text, name, n);
	text[n] = '\0';
	for (size_t i = 0; i < dissector_count; i++)
		for (size_t own = 0; own < dissectors[i]->field_count; own++)
			if (count < sizeof(names) / sizeof(names[0]))
				names[count++] = dissectors[i]->fields[own].name;
	return sonde_text_nearest(text, names, count);
}
