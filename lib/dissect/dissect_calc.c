/* The calculation protocol (<sonde/calc.h>), all dialects, each order of bytes.
 *
 * A request tells its dialect and its order by what it says; a reply, which has neither, is
 * read as the request was that came before it. */
#include <string.h>

#include <sonde/calc.h>

#include "dissect/dissector.h"

enum {
	CALC,
	REQUEST,
	RESPONSE,
	ID,
	OPERATION,
	DIALECT,
	ORDER,
	COUNT,
	VALUE,
	RESULT,
	RESPONSE_TO,
};

static const struct sonde_field_info fields[] = {
	[CALC] = FIELD("calc", "Calculation Protocol", PROTOCOL),
	[REQUEST] = FIELD("calc.request", "Request", BOOL),
	[RESPONSE] = FIELD("calc.response", "Response", BOOL),
	[ID] = FIELD("calc.id", "ID", BYTES),
	[OPERATION] = FIELD("calc.operation", "Operation", TEXT),
	[DIALECT] = FIELD("calc.dialect", "Dialect", TEXT),
	[ORDER] = FIELD("calc.order", "Byte order", TEXT),
	[COUNT] = NUMBER("calc.count", "Count", 8, DECIMAL, NULL),
	[VALUE] = {"calc.number", "Number", SONDE_FIELD_INT, 0, 32, NULL},
	[RESULT] = {"calc.result", "Result", SONDE_FIELD_INT, 0, 32, NULL},
	[RESPONSE_TO] = NUMBER("calc.response_to", "Request in frame", 32, DECIMAL, NULL),
};

static const uint16_t ports[] = {SONDE_CALC_PORT, 0};

/* The first word: the frame of the latest request, its order, its dialect and a bit that
 * there was one; the second its ID. */
enum { ORDER_BIT = 32, DIALECT_AT = 33, ASKED_BIT = 48 };

static bool is_word_told(enum sonde_calc_dialect dialect)
{
	return dialect != SONDE_CALC_ONE;
}

/* The dialect that takes all of the bytes as a request; or that of the request before; or
 * the one that takes most.  Its length, 0 where more bytes may make one, or -1. */
static ssize_t parse(struct sonde_dissector *d, const uint8_t *bytes, size_t n,
		     struct sonde_calc_request *ret, enum sonde_calc_dialect *ret_dialect)
{
	const uint64_t *state = d ? dissect_conversation_state(d) : NULL;
	bool was_asked = state && state[0] >> ASKED_BIT;
	ssize_t best = -1;

	for (unsigned i = 0; i < SONDE_CALC_DIALECTS; i++) {
		enum sonde_calc_dialect dialect = (enum sonde_calc_dialect)i;
		bool is_known = was_asked && (state[0] >> DIALECT_AT & 0xff) == i;
		struct sonde_calc_request request;
		ssize_t length =
			sonde_calc_parse_as(bytes, n, dialect, SONDE_CALC_AUTO, &request);

		if (length == 0 && best < 0)
			best = 0;
		if (length <= 0 || (length <= best && !is_known && length < (ssize_t)n) ||
		    best == (ssize_t)n)
			continue;
		best = length;
		*ret = request;
		*ret_dialect = dialect;
		if (is_known)
			break;
	}
	return best;
}

static bool recognise(const uint8_t *bytes, size_t n, bool is_tcp)
{
	struct sonde_calc_request request;
	enum sonde_calc_dialect dialect;

	(void)is_tcp;
	return parse(NULL, bytes, n, &request, &dialect) == (ssize_t)n &&
	       is_word_told(dialect);
}

static ssize_t pdu_length(struct sonde_dissector *d, const uint8_t *bytes, size_t n)
{
	struct sonde_calc_request request;
	enum sonde_calc_dialect dialect;
	ssize_t length;

	if (!dissect_is_from_client(d))
		return SONDE_CALC_REPLY_BYTES;
	length = parse(d, bytes, n, &request, &dialect);
	return length < 0 ? PDU_NOT_MINE : length;
}

static void add_id(struct sonde_dissector *d, const struct span *span)
{
	const uint8_t *id = span_bytes(span);

	dissect_add_bytes(d, ID, span, 0, 4);
	column_add(dissect_info(d), " id=");
	column_add_hex(dissect_info(d),
		       (uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 |
			       (uint32_t)id[2] << 8 | id[3],
		       8);
}

static void add_order(struct sonde_dissector *d, const struct span *span,
		      enum sonde_calc_order order)
{
	const char *text = order == SONDE_CALC_BIG ? "big-endian" : "little-endian";

	dissect_set_flags(dissect_add_text(d, ORDER, span, 0, 0, text, strlen(text)),
			  SONDE_FIELD_GENERATED);
}

static void take_request(struct sonde_dissector *d, const struct span *span,
			 const struct sonde_calc_request *request, uint32_t length,
			 enum sonde_calc_dialect dialect)
{
	const char *word = sonde_calc_word(request->operation);
	const char *name = sonde_calc_dialect_name(dialect);
	uint32_t at = length - 4 * request->count;
	uint64_t *state = dissect_conversation_state(d);

	column_add(dissect_info(d), "Request ");
	column_add(dissect_info(d), word);
	dissect_set_flags(dissect_add_made(d, REQUEST, 1), SONDE_FIELD_HIDDEN);
	dissect_add_text(d, OPERATION, span, 4, at - 4, word, strlen(word));
	dissect_set_flags(dissect_add_text(d, DIALECT, span, 0, 0, name, strlen(name)),
			  SONDE_FIELD_GENERATED);
	add_order(d, span, request->order);
	dissect_add_number(d, COUNT, span, at, 0, request->count);
	for (uint32_t i = 0; i < request->count; i++) {
		dissect_add_integer(d, VALUE, span, at + 4 * i, 4, request->numbers[i]);
		column_add(dissect_info(d), i ? ", " : " ");
		column_add_signed(dissect_info(d), request->numbers[i]);
	}
	add_id(d, span);
	if (!state)
		return;
	state[0] = dissect_frame_number(d) |
		   (uint64_t)(request->order == SONDE_CALC_BIG) << ORDER_BIT |
		   (uint64_t)dialect << DIALECT_AT | UINT64_C(1) << ASKED_BIT;
	memcpy(&state[1], request->id, 4);
}

static void take_reply(struct sonde_dissector *d, const struct span *span)
{
	const uint64_t *state = dissect_conversation_state(d);
	enum sonde_calc_order order = SONDE_CALC_LITTLE;
	int32_t result;

	if (state && state[0] >> ORDER_BIT & 1)
		order = SONDE_CALC_BIG;
	result = sonde_calc_parse_reply(span_bytes(span), order);
	column_add(dissect_info(d), "Reply ");
	column_add_signed(dissect_info(d), result);
	dissect_set_flags(dissect_add_made(d, RESPONSE, 1), SONDE_FIELD_HIDDEN);
	add_order(d, span, order);
	dissect_add_integer(d, RESULT, span, 4, 4, result);
	add_id(d, span);
	if (state && state[0] >> ASKED_BIT && memcmp(&state[1], span_bytes(span), 4) == 0)
		dissect_add_made(d, RESPONSE_TO, (uint32_t)state[0]);
}

static void dissect(struct sonde_dissector *d, const struct span *span)
{
	struct sonde_calc_request request;
	enum sonde_calc_dialect dialect;
	uint32_t left = span_left(span);
	ssize_t length = -1;

	dissect_join_column(d, "CALC", "  ");
	dissect_open(d, span, left);
	if (dissect_is_from_client(d))
		length = parse(d, span_bytes(span), left, &request, &dialect);
	if (length > 0)
		take_request(d, span, &request, (uint32_t)length, dialect);
	else if (!dissect_is_from_client(d) && left >= SONDE_CALC_REPLY_BYTES)
		take_reply(d, span);
	else
		dissect_set_malformed(d);
}

const struct dissector dissector_calc = {
	.name = "calc",
	.column = "CALC",
	.fields = fields,
	.field_count = sizeof(fields) / sizeof(fields[0]),
	.tcp_ports = ports,
	.udp_ports = ports,
	.recognise = recognise,
	.pdu_length = pdu_length,
	.dissect = dissect,
};
