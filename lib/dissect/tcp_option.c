/* TCP options: what they say, and those that contradict their own length. */
#include <string.h>

#include "base/put.h"
#include "dissect/dissect_tcp.h"
#include "dissect/state.h"

enum {
	OPTION_END = 0,
	OPTION_NOTHING = 1,
	OPTION_MSS = 2,
	OPTION_SCALE = 3,
	OPTION_SACK_PERMITTED = 4,
	OPTION_SACK = 5,
	OPTION_TIMESTAMPS = 8,
	OPTION_MD5 = 19,
	OPTION_FASTOPEN = 34,
	OPTION_EXPERIMENT_1 = 253,
	OPTION_EXPERIMENT_2 = 254,
};

enum { SCALE_MOST = 14 };

static uint32_t be32(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
	       (uint32_t)bytes[2] << 8 | bytes[3];
}

/* As nearly all segments have them, in the layout that RFC 7323 recommends. */
static bool has_timestamps_alone(const uint8_t *bytes, uint32_t length)
{
	static const uint8_t layout[4] = {OPTION_NOTHING, OPTION_NOTHING,
					  OPTION_TIMESTAMPS, 10};

	return length == 12 && memcmp(bytes, layout, sizeof(layout)) == 0;
}

static void describe_timestamps(struct sonde_dissector *d, const uint8_t *bytes)
{
	char text[48], *at = put_text(text, " TSval=");

	at = put_number(at, be32(bytes));
	at = put_text(at, " TSecr=");
	at = put_number(at, be32(bytes + 4));
	column_add_bytes(dissect_info(d), text, (size_t)(at - text));
}

static void read_sacks(const uint8_t *bytes, uint32_t length, struct tcp_options *ret)
{
	ret->has_sack = true;
	ret->sack_count = 0;
	for (uint32_t at = 0; at + 8 <= length && ret->sack_count < TCP_SACKS; at += 8)
		ret->sacks[ret->sack_count++] =
			(struct tcp_sack){be32(bytes + at), be32(bytes + at + 4)};
}

void tcp_options_read(const uint8_t *bytes, uint32_t length, struct tcp_options *ret)
{
	ret->scale = -1;
	ret->has_sack = false;
	ret->sack_count = 0;
	if (has_timestamps_alone(bytes, length))
		return;
	for (uint32_t at = 0; at < length && bytes[at] != OPTION_END;) {
		uint32_t size;

		if (bytes[at] == OPTION_NOTHING) {
			at++;
			continue;
		}
		if (at + 1 >= length)
			return;
		size = bytes[at + 1];
		if (size < 2 || size > length - at)
			return;
		if (bytes[at] == OPTION_SCALE && size == 3)
			ret->scale = (int8_t)(bytes[at + 2] < SCALE_MOST ? bytes[at + 2]
									 : SCALE_MOST);
		else if (bytes[at] == OPTION_SACK && size > 2)
			read_sacks(bytes + at + 2, size - 2, ret);
		at += size;
	}
}

/* The option as a whole, its kind and its length. */
static void open_option(struct sonde_dissector *d, unsigned own,
			const struct span *option)
{
	if (!dissect_wants_own(d)) {
		dissect_nest(d);
		return;
	}
	dissect_add_bytes(d, own, option, 0, span_left(option));
	dissect_nest(d);
	dissect_add_be(d, TCP_OPTION_KIND, option, 0, 1);
	if (span_left(option) > 1)
		dissect_add_be(d, TCP_OPTION_LENGTH, option, 1, 1);
}

static void add_mss(struct sonde_dissector *d, const struct span *option)
{
	const uint8_t *bytes = span_bytes(option);

	open_option(d, TCP_OPTION_MSS, option);
	dissect_add_be(d, TCP_OPTION_MSS_VALUE, option, 2, 2);
	column_add_pair(dissect_info(d), " MSS=", (uint64_t)(bytes[2] << 8 | bytes[3]));
}

static void add_scale(struct sonde_dissector *d, const struct span *option)
{
	uint8_t shift = span_bytes(option)[2];
	uint8_t used = shift < SCALE_MOST ? shift : SCALE_MOST;

	open_option(d, TCP_OPTION_SCALE, option);
	dissect_add_be(d, TCP_OPTION_SCALE_SHIFT, option, 2, 1);
	dissect_set_flags(dissect_add_number(d, TCP_OPTION_SCALE_MULTIPLIER, option, 2, 1,
					     1u << used),
			  SONDE_FIELD_GENERATED);
	column_add_pair(dissect_info(d), " WS=", 1u << used);
}

static void add_sack(struct sonde_dissector *d, const struct span *option, uint32_t base)
{
	uint32_t count = (span_left(option) - 2) / 8;

	open_option(d, TCP_OPTION_SACK, option);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t left = be32(span_bytes(option) + 2 + 8 * i) - base;
		uint32_t right = be32(span_bytes(option) + 6 + 8 * i) - base;

		dissect_add_number(d, TCP_OPTION_SACK_LEFT, option, 2 + 8 * i, 4, left);
		dissect_add_number(d, TCP_OPTION_SACK_RIGHT, option, 6 + 8 * i, 4, right);
		column_add_pair(dissect_info(d), " SLE=", left);
		column_add_pair(dissect_info(d), " SRE=", right);
	}
	dissect_set_flags(
		dissect_add_number(d, TCP_OPTION_SACK_COUNT, option, 0, 0, count),
		SONDE_FIELD_GENERATED);
}

static void add_timestamps(struct sonde_dissector *d, const struct span *option)
{
	open_option(d, TCP_OPTION_TIMESTAMP, option);
	dissect_add_be(d, TCP_OPTION_TIMESTAMP_VALUE, option, 2, 4);
	dissect_add_be(d, TCP_OPTION_TIMESTAMP_ECHO, option, 6, 4);
	describe_timestamps(d, span_bytes(option) + 2);
}

static unsigned field_of(uint8_t kind)
{
	switch (kind) {
	case OPTION_MSS:
		return TCP_OPTION_MSS;
	case OPTION_SCALE:
		return TCP_OPTION_SCALE;
	case OPTION_SACK_PERMITTED:
		return TCP_OPTION_SACK_PERMITTED;
	case OPTION_SACK:
		return TCP_OPTION_SACK;
	case OPTION_TIMESTAMPS:
		return TCP_OPTION_TIMESTAMP;
	case OPTION_MD5:
		return TCP_OPTION_MD5;
	case OPTION_FASTOPEN:
		return TCP_OPTION_FASTOPEN;
	case OPTION_EXPERIMENT_1:
	case OPTION_EXPERIMENT_2:
		return TCP_OPTION_EXPERIMENT;
	default:
		return TCP_OPTION_UNKNOWN;
	}
}

static bool has_right_length(uint8_t kind, uint32_t size)
{
	switch (kind) {
	case OPTION_MSS:
		return size == 4;
	case OPTION_SCALE:
		return size == 3;
	case OPTION_SACK_PERMITTED:
		return size == 2;
	case OPTION_SACK:
		return size >= 2 && (size - 2) % 8 == 0;
	case OPTION_TIMESTAMPS:
		return size == 10;
	case OPTION_MD5:
		return size == 18;
	default:
		return size >= 2;
	}
}

/* One option that is there as a whole; leaves the depth as it found it. */
static void add_option(struct sonde_dissector *d, const struct span *option,
		       uint32_t base)
{
	uint8_t kind = span_bytes(option)[0];
	uint32_t size = span_left(option);

	if (!has_right_length(kind, size)) {
		open_option(d, field_of(kind), option);
		dissect_add_note(d, TCP_OPTION_LENGTH_INVALID);
		dissect_unnest(d);
		return;
	}
	switch (kind) {
	case OPTION_MSS:
		add_mss(d, option);
		break;
	case OPTION_SCALE:
		add_scale(d, option);
		break;
	case OPTION_SACK_PERMITTED:
		open_option(d, TCP_OPTION_SACK_PERMITTED, option);
		column_add(dissect_info(d), " SACK_PERM");
		break;
	case OPTION_SACK:
		add_sack(d, option, base);
		break;
	case OPTION_TIMESTAMPS:
		add_timestamps(d, option);
		break;
	case OPTION_MD5:
		open_option(d, TCP_OPTION_MD5, option);
		dissect_add_bytes(d, TCP_OPTION_MD5_DIGEST, option, 2, 16);
		column_add(dissect_info(d), " MD5");
		break;
	case OPTION_FASTOPEN:
		open_option(d, TCP_OPTION_FASTOPEN, option);
		dissect_add_bytes(d, TCP_OPTION_FASTOPEN_COOKIE, option, 2, size - 2);
		column_add(dissect_info(d), size > 2 ? " TFO=C" : " TFO=R");
		break;
	case OPTION_EXPERIMENT_1:
	case OPTION_EXPERIMENT_2:
		open_option(d, TCP_OPTION_EXPERIMENT, option);
		if (size < 4)
			break;
		dissect_add_be(d, TCP_OPTION_EXPERIMENT_ID, option, 2, 2);
		if (size > 4)
			dissect_add_bytes(d, TCP_OPTION_EXPERIMENT_DATA, option, 4,
					  size - 4);
		column_add(dissect_info(d), " ExID=");
		column_add_digits16(
			dissect_info(d),
			(uint16_t)(span_bytes(option)[2] << 8 | span_bytes(option)[3]));
		break;
	default:
		open_option(d, TCP_OPTION_UNKNOWN, option);
		if (size > 2)
			dissect_add_bytes(d, TCP_OPTION_UNKNOWN_PAYLOAD, option, 2,
					  size - 2);
		break;
	}
	dissect_unnest(d);
}

/* One of which the capture kept the beginning. */
static void add_cut_option(struct sonde_dissector *d, const struct span *option)
{
	uint8_t kind = span_bytes(option)[0];

	if (span_left(option) < 2)
		return;
	open_option(d, field_of(kind), option);
	if (kind == OPTION_TIMESTAMPS && span_left(option) >= 6)
		dissect_add_be(d, TCP_OPTION_TIMESTAMP_VALUE, option, 2, 4);
	dissect_unnest(d);
}

void tcp_options_add(struct sonde_dissector *d, const struct span *options, uint32_t base)
{
	const uint8_t *bytes = span_bytes(options);
	uint32_t length = span_left(options), at = 0;

	if (!length)
		return;
	if (!dissect_wants_own(d) && has_timestamps_alone(bytes, length)) {
		describe_timestamps(d, bytes + 4);
		return;
	}
	dissect_add_bytes(d, TCP_OPTIONS, options, 0, length);
	dissect_nest(d);
	while (at < length) {
		uint32_t size = 1;
		struct span option;

		if (bytes[at] == OPTION_NOTHING || bytes[at] == OPTION_END) {
			option = span_part(options, at, 1);
			open_option(d, bytes[at] ? TCP_OPTION_NOP : TCP_OPTION_EOL,
				    &option);
			dissect_unnest(d);
			/* Behind the end only more of it is an option. */
			if (bytes[at++] == OPTION_END && at < length && bytes[at])
				break;
			continue;
		}
		if (at + 1 < length)
			size = bytes[at + 1];
		if (size > length - at || at + 1 == length) {
			option = span_part(options, at, UINT32_MAX);
			if (span_length(&option) > span_left(&option) &&
			    size <= span_length(&option)) {
				add_cut_option(d, &option);
				break;
			}
		}
		if (size < 2 || size > length - at) {
			option = span_part(options, at, length - at > 1 ? 2 : 1);
			open_option(d, TCP_OPTION_UNKNOWN, &option);
			dissect_add_note(d, TCP_OPTION_LENGTH_INVALID);
			dissect_unnest(d);
			break;
		}
		option = span_part(options, at, size);
		add_option(d, &option, base);
		at += size;
	}
	dissect_unnest(d);
}
