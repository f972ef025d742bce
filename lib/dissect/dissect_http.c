/* HTTP/1 (RFC 9112): requests, responses, their headers and bodies. */
#include <stdio.h>
#include <string.h>

#include "dissect/http_message.h"
#include "dissect/state.h"

enum {
	HTTP,
	REQUEST,
	METHOD,
	URI,
	VERSION,
	RESPONSE,
	RESPONSE_VERSION,
	CODE,
	CODE_NAME,
	PHRASE,
	REQUEST_LINE,
	RESPONSE_LINE,
	FULL_URI,
	REQUEST_NUMBER,
	RESPONSE_NUMBER,
	TIME,
	REQUEST_IN,
	FILE_DATA,
	CHUNK_SIZE,
	CONTENT_LENGTH,
	CREDENTIALS,
	HOST, /* from here on, headers in the order of header_names */
	USER_AGENT,
	ACCEPT,
	ACCEPT_LANGUAGE,
	ACCEPT_ENCODING,
	AUTHORIZATION,
	CACHE_CONTROL,
	CONNECTION,
	CONTENT_ENCODING,
	CONTENT_LENGTH_HEADER,
	CONTENT_TYPE,
	COOKIE,
	DATE,
	LAST_MODIFIED,
	LOCATION,
	PROXY_AUTHENTICATE,
	PROXY_AUTHORIZATION,
	REFERER,
	SERVER,
	SET_COOKIE,
	TRANSFER_ENCODING,
	UPGRADE,
	WWW_AUTHENTICATE,
	X_FORWARDED_FOR,
	UNKNOWN_HEADER,
};

static const char *const header_names[] = {"Host",
					   "User-Agent",
					   "Accept",
					   "Accept-Language",
					   "Accept-Encoding",
					   "Authorization",
					   "Cache-Control",
					   "Connection",
					   "Content-Encoding",
					   "Content-Length",
					   "Content-Type",
					   "Cookie",
					   "Date",
					   "Last-Modified",
					   "Location",
					   "Proxy-Authenticate",
					   "Proxy-Authorization",
					   "Referer",
					   "Server",
					   "Set-Cookie",
					   "Transfer-Encoding",
					   "Upgrade",
					   "WWW-Authenticate",
					   "X-Forwarded-For"};
enum { HEADERS = sizeof(header_names) / sizeof(header_names[0]) };

/* IANA's registry of status codes. */
static const struct sonde_value_name codes[] = {{100, "Continue"},
						{101, "Switching Protocols"},
						{102, "Processing"},
						{200, "OK"},
						{201, "Created"},
						{202, "Accepted"},
						{203, "Non-authoritative Information"},
						{204, "No Content"},
						{205, "Reset Content"},
						{206, "Partial Content"},
						{300, "Multiple Choices"},
						{301, "Moved Permanently"},
						{302, "Found"},
						{303, "See Other"},
						{304, "Not Modified"},
						{305, "Use Proxy"},
						{307, "Temporary Redirect"},
						{308, "Permanent Redirect"},
						{400, "Bad Request"},
						{401, "Unauthorized"},
						{402, "Payment Required"},
						{403, "Forbidden"},
						{404, "Not Found"},
						{405, "Method Not Allowed"},
						{406, "Not Acceptable"},
						{407, "Proxy Authentication Required"},
						{408, "Request Time-out"},
						{409, "Conflict"},
						{410, "Gone"},
						{411, "Length Required"},
						{412, "Precondition Failed"},
						{413, "Request Entity Too Large"},
						{414, "Request-URI Too Long"},
						{415, "Unsupported Media Type"},
						{416, "Requested Range Not Satisfiable"},
						{417, "Expectation Failed"},
						{426, "Upgrade Required"},
						{429, "Too Many Requests"},
						{500, "Internal Server Error"},
						{501, "Not Implemented"},
						{502, "Bad Gateway"},
						{503, "Service Unavailable"},
						{504, "Gateway Time-out"},
						{505, "HTTP Version not supported"},
						{0, NULL}};

static const struct sonde_field_info fields[] = {
	[HTTP] = FIELD("http", "Hypertext Transfer Protocol", PROTOCOL),
	[REQUEST] = FIELD("http.request", "Request", BOOL),
	[METHOD] = FIELD("http.request.method", "Request Method", TEXT),
	[URI] = FIELD("http.request.uri", "Request URI", TEXT),
	[VERSION] = FIELD("http.request.version", "Request Version", TEXT),
	[RESPONSE] = FIELD("http.response", "Response", BOOL),
	[RESPONSE_VERSION] = FIELD("http.response.version", "Response Version", TEXT),
	[CODE] = NUMBER("http.response.code", "Status Code", 16, DECIMAL, NULL),
	[CODE_NAME] = FIELD("http.response.code.desc", "Status Code Description", TEXT),
	[PHRASE] = FIELD("http.response.phrase", "Response Phrase", TEXT),
	[REQUEST_LINE] = FIELD("http.request.line", "Request line", TEXT),
	[RESPONSE_LINE] = FIELD("http.response.line", "Response line", TEXT),
	[FULL_URI] = FIELD("http.request.full_uri", "Full request URI", TEXT),
	[REQUEST_NUMBER] =
		NUMBER("http.request_number", "Request number", 32, DECIMAL, NULL),
	[RESPONSE_NUMBER] =
		NUMBER("http.response_number", "Response number", 32, DECIMAL, NULL),
	[TIME] = FIELD("http.time", "Time since request", DURATION),
	[REQUEST_IN] = NUMBER("http.request_in", "Request in frame", 32, DECIMAL, NULL),
	[FILE_DATA] = FIELD("http.file_data", "File Data", TEXT),
	[CHUNK_SIZE] = NUMBER("http.chunk_size", "Chunk size", 32, DECIMAL, NULL),
	[CONTENT_LENGTH] =
		NUMBER("http.content_length", "Content length", 64, DECIMAL, NULL),
	[CREDENTIALS] = FIELD("http.authbasic", "Credentials", TEXT),
	[HOST] = FIELD("http.host", "Host", TEXT),
	[USER_AGENT] = FIELD("http.user_agent", "User-Agent", TEXT),
	[ACCEPT] = FIELD("http.accept", "Accept", TEXT),
	[ACCEPT_LANGUAGE] = FIELD("http.accept_language", "Accept-Language", TEXT),
	[ACCEPT_ENCODING] = FIELD("http.accept_encoding", "Accept Encoding", TEXT),
	[AUTHORIZATION] = FIELD("http.authorization", "Authorization", TEXT),
	[CACHE_CONTROL] = FIELD("http.cache_control", "Cache-Control", TEXT),
	[CONNECTION] = FIELD("http.connection", "Connection", TEXT),
	[CONTENT_ENCODING] = FIELD("http.content_encoding", "Content-Encoding", TEXT),
	[CONTENT_LENGTH_HEADER] =
		FIELD("http.content_length_header", "Content-Length", TEXT),
	[CONTENT_TYPE] = FIELD("http.content_type", "Content-Type", TEXT),
	[COOKIE] = FIELD("http.cookie", "Cookie", TEXT),
	[DATE] = FIELD("http.date", "Date", TEXT),
	[LAST_MODIFIED] = FIELD("http.last_modified", "Last-Modified", TEXT),
	[LOCATION] = FIELD("http.location", "Location", TEXT),
	[PROXY_AUTHENTICATE] =
		FIELD("http.proxy_authenticate", "Proxy-Authenticate", TEXT),
	[PROXY_AUTHORIZATION] =
		FIELD("http.proxy_authorization", "Proxy-Authorization", TEXT),
	[REFERER] = FIELD("http.referer", "Referer", TEXT),
	[SERVER] = FIELD("http.server", "Server", TEXT),
	[SET_COOKIE] = FIELD("http.set_cookie", "Set-Cookie", TEXT),
	[TRANSFER_ENCODING] = FIELD("http.transfer_encoding", "Transfer-Encoding", TEXT),
	[UPGRADE] = FIELD("http.upgrade", "Upgrade", TEXT),
	[WWW_AUTHENTICATE] = FIELD("http.www_authenticate", "WWW-Authenticate", TEXT),
	[X_FORWARDED_FOR] = FIELD("http.x_forwarded_for", "X-Forwarded-For", TEXT),
	[UNKNOWN_HEADER] = FIELD("http.unknown_header", "Unknown header", TEXT),
};

static const uint16_t ports[] = {80,    3128, 3132, 5985, 8080, 8088,
				 11371, 1900, 2869, 2710, 0};

/* What is remembered of a conversation, in its two words: the first is the frame of the
 * last request, whether that was a HEAD, and how many requests and responses there were;
 * the second its time. */
enum { HEAD_BIT = 32, REQUESTS_AT = 33, RESPONSES_AT = 48, COUNT_MASK = 0x7fff };

static bool was_head(struct sonde_dissector *d)
{
	const uint64_t *state = dissect_conversation_state(d);

	return state && state[0] >> HEAD_BIT & 1;
}

/* The list tells what has begun, before its body is there. */
static void announce(struct sonde_dissector *d, const uint8_t *bytes,
		     const struct http_head *head)
{
	if (!dissect_wants_columns(d) || !dissect_is_first_message(d) ||
	    !head->first.length)
		return;
	column_clear(dissect_info(d));
	column_add_escaped(dissect_info(d), bytes, head->first.length);
	column_add(dissect_info(d), " ");
}

static ssize_t pdu_length(struct sonde_dissector *d, const uint8_t *bytes, size_t n)
{
	struct http_head head;
	uint32_t *hint = dissect_message_hint(d);
	int whole = http_head_parse(bytes, n, &head);
	ssize_t length;

	if (whole == 0) {
		announce(d, bytes, &head);
		return n < HTTP_HEAD_MOST ? PDU_MORE : (ssize_t)n;
	}
	if (whole < 0) /* the rest of something: as it comes */
		return (ssize_t)n;
	length = http_message_length(&head, bytes, n, was_head(d), hint);
	if ((length <= 0 || (size_t)length > n) && *hint == 0)
		announce(d, bytes, &head);
	if (*hint == 0)
		*hint = 1;
	return length;
}

static bool recognise(const uint8_t *bytes, size_t n, bool is_tcp)
{
	return is_tcp && http_looks_so(bytes, n);
}

/* ---- the parts ---- */

static void add_part(struct sonde_dissector *d, unsigned own, const struct span *span,
		     const struct http_part *part)
{
	dissect_add_bytes(d, own, span, part->at, part->length);
}

static void add_credentials(struct sonde_dissector *d, const struct span *span,
			    const struct http_part *value)
{
	const char *text = (const char *)span_bytes(span) + value->at;
	struct sonde_field *field;
	char *plain;
	size_t n;

	if (value->length < 6 || strncasecmp(text, "Basic ", 6) != 0)
		return;
	plain = dissect_keep(d, value->length);
	if (!plain)
		return;
	n = http_base64(text + 6, value->length - 6, plain);
	dissect_nest(d);
	field = dissect_add_text(d, CREDENTIALS, span, value->at, value->length, plain,
				 n);
	if (!dissect_shows_secrets(d))
		dissect_set_flags(field, SONDE_FIELD_SECRET);
	dissect_unnest(d);
}

static void add_header(struct sonde_dissector *d, const struct span *span,
		       const struct http_header *header, bool is_request)
{
	const char *name = (const char *)span_bytes(span) + header->name.at;
	struct sonde_field *field;
	unsigned own = UNKNOWN_HEADER;
	bool is_secret;

	for (unsigned i = 0; i < HEADERS; i++)
		if (strlen(header_names[i]) == header->name.length &&
		    strncasecmp(header_names[i], name, header->name.length) == 0)
			own = HOST + i;
	is_secret = (own == AUTHORIZATION || own == PROXY_AUTHORIZATION) &&
		    !dissect_shows_secrets(d);
	if (own == UNKNOWN_HEADER)
		field = dissect_add_bytes(d, own, span, header->line.at,
					  header->line.length);
	else
		field = dissect_add_bytes(d, own, span, header->value.at,
					  header->value.length);
	if (is_secret)
		dissect_set_flags(field, SONDE_FIELD_SECRET);
	if (own == AUTHORIZATION || own == PROXY_AUTHORIZATION)
		add_credentials(d, span, &header->value);
	if (own == CONTENT_LENGTH_HEADER && header->has_number) {
		dissect_nest(d);
		dissect_set_flags(
			dissect_add_number(d, CONTENT_LENGTH, span, header->value.at,
					   header->value.length, header->number),
			SONDE_FIELD_GENERATED);
		dissect_unnest(d);
	}
	field = dissect_add_bytes(d, is_request ? REQUEST_LINE : RESPONSE_LINE, span,
				  header->line.at, header->line.length + header->ending);
	dissect_set_flags(field, is_secret ? SONDE_FIELD_HIDDEN | SONDE_FIELD_SECRET
					   : SONDE_FIELD_HIDDEN);
}

static void add_headers(struct sonde_dissector *d, const struct span *span,
			const struct http_head *head)
{
	struct http_header header = {0};
	uint32_t at = head->first.at + head->first.length + head->first_ending;

	while (http_header_next(span_bytes(span), head->length, &at, &header))
		add_header(d, span, &header, head->is_request);
}

static void add_full_uri(struct sonde_dissector *d, const struct span *span,
			 const struct http_head *head)
{
	const char *bytes = (const char *)span_bytes(span);
	struct http_header header = {0};
	uint32_t at = head->first.at + head->first.length + head->first_ending;
	size_t n = head->target.length;
	char *text;

	if (!dissect_wants(d, FULL_URI) || !n)
		return;
	if (bytes[head->target.at] != '/' && bytes[head->target.at] != '*') {
		dissect_set_flags(dissect_add_text(d, FULL_URI, span, head->target.at, 0,
						   bytes + head->target.at, n),
				  SONDE_FIELD_GENERATED);
		return;
	}
	while (http_header_next(span_bytes(span), head->length, &at, &header)) {
		if (header.name.length != 4 ||
		    strncasecmp(bytes + header.name.at, "Host", 4) != 0)
			continue;
		text = dissect_keep(d, 7 + header.value.length + n);
		if (!text)
			return;
		memcpy(text, "http://", 7);
		memcpy(text + 7, bytes + header.value.at, header.value.length);
		memcpy(text + 7 + header.value.length, bytes + head->target.at, n);
		dissect_set_flags(dissect_add_text(d, FULL_URI, span, head->target.at, 0,
						   text, 7 + header.value.length + n),
				  SONDE_FIELD_GENERATED);
		return;
	}
}

static void add_request(struct sonde_dissector *d, const struct span *span,
			const struct http_head *head)
{
	uint64_t *state = dissect_conversation_state(d);
	bool is_head = head->method.length == 4 &&
		       memcmp(span_bytes(span) + head->method.at, "HEAD", 4) == 0;
	struct sonde_field *field;
	uint64_t count;

	add_part(d, METHOD, span, &head->method);
	add_part(d, URI, span, &head->target);
	add_part(d, VERSION, span, &head->version);
	add_headers(d, span, head);
	add_full_uri(d, span, head);
	field = dissect_add_number(d, REQUEST, span, 0, 0, 1);
	dissect_set_flags(field, SONDE_FIELD_HIDDEN | SONDE_FIELD_GENERATED);
	if (!state)
		return;
	count = (state[0] >> REQUESTS_AT & COUNT_MASK) + 1;
	if (count <= COUNT_MASK)
		dissect_add_made(d, REQUEST_NUMBER, count);
	else
		count = COUNT_MASK;
	state[0] = (uint64_t)dissect_frame_number(d) | (uint64_t)is_head << HEAD_BIT |
		   count << REQUESTS_AT | state[0] >> RESPONSES_AT << RESPONSES_AT;
	state[1] = (uint64_t)dissect_frame_time(d);
}

static void add_response(struct sonde_dissector *d, const struct span *span,
			 const struct http_head *head)
{
	uint64_t *state = dissect_conversation_state(d);
	const char *name = value_name(codes, head->code, NULL);
	struct span none = {.bytes = span->bytes, .source = span->source};
	struct sonde_field *field;
	uint64_t count;

	add_part(d, RESPONSE_VERSION, span, &head->version);
	dissect_add_number(d, CODE, span, head->code_part.at, head->code_part.length,
			   head->code);
	if (name)
		dissect_set_flags(dissect_add_text(d, CODE_NAME, span, head->code_part.at,
						   head->code_part.length, name,
						   strlen(name)),
				  SONDE_FIELD_GENERATED);
	add_part(d, PHRASE, span, &head->phrase);
	add_headers(d, span, head);
	field = dissect_add_number(d, RESPONSE, span, 0, 0, 1);
	dissect_set_flags(field, SONDE_FIELD_HIDDEN | SONDE_FIELD_GENERATED);
	if (!state)
		return;
	count = (state[0] >> RESPONSES_AT & COUNT_MASK) + 1;
	if (count <= COUNT_MASK)
		dissect_add_made(d, RESPONSE_NUMBER, count);
	else
		count = COUNT_MASK;
	if ((uint32_t)state[0]) {
		field = dissect_add_integer(d, TIME, &none, 0, 0,
					    dissect_frame_time(d) - (int64_t)state[1]);
		dissect_set_flags(field, SONDE_FIELD_GENERATED);
		dissect_add_made(d, REQUEST_IN, (uint32_t)state[0]);
	}
	state[0] = (state[0] & ~((uint64_t)COUNT_MASK << RESPONSES_AT)) |
		   count << RESPONSES_AT;
}

/* ---- the body ---- */

static void add_chunks(struct sonde_dissector *d, const struct span *body)
{
	uint32_t at = 0, total = 0, size, skip;
	uint8_t *whole = NULL;

	if (dissect_wants(d, FILE_DATA))
		whole = dissect_keep(d, span_left(body));
	while (http_chunk_next(span_bytes(body), span_left(body), at, &size, &skip)) {
		uint32_t there = span_left(body) - at - skip;

		dissect_add_number(d, CHUNK_SIZE, body, at, skip, size);
		if (size > there)
			break;
		if (whole)
			memcpy(whole + total, span_bytes(body) + at + skip, size);
		total += size;
		at += skip + size + 2;
		if (!size || at > span_left(body))
			break;
	}
	if (whole && total)
		dissect_add_text(d, FILE_DATA, body, 0, span_left(body), (char *)whole,
				 total);
}

static void add_body(struct sonde_dissector *d, const struct span *span,
		     const struct http_head *head)
{
	struct span body = span_part(span, head->length, UINT32_MAX);

	if (!span_left(&body))
		return;
	if (head->is_chunked) {
		add_chunks(d, &body);
		return;
	}
	dissect_add_bytes(d, FILE_DATA, &body, 0, span_left(&body));
	if (!head->content_type.length)
		dissect_rest(d, &body);
}

static void describe(struct sonde_dissector *d, const struct span *span,
		     const struct http_head *head)
{
	const uint8_t *bytes = span_bytes(span);
	struct column *info = dissect_info(d);
	const struct http_part *type = &head->content_type;
	uint32_t n = type->length;

	column_add_escaped(info, bytes + head->first.at, head->first.length);
	column_add(info, " ");
	if (!n || span_length(span) <= head->length)
		return;
	/* The type alone, without its parameters. */
	for (uint32_t i = 0; i < n; i++)
		if (bytes[type->at + i] == ';')
			n = i;
	while (n && bytes[type->at + n - 1] == ' ')
		n--;
	column_add(info, " (");
	column_add_escaped(info, bytes + type->at, n);
	column_add(info, ")");
}

static void dissect(struct sonde_dissector *d, const struct span *span)
{
	struct http_head head;
	int whole = http_head_parse(span_bytes(span), span_left(span), &head);

	dissect_join_column(d, "HTTP", "");
	dissect_open(d, span, whole > 0 ? head.length : span_left(span));
	if (whole <= 0) {
		column_add(dissect_info(d), "Continuation");
		/* The beginning of a head, where the capture cut it, is no body. */
		if (span_left(span) == span_length(span))
			dissect_add_bytes(d, FILE_DATA, span, 0, span_left(span));
		return;
	}
	if (head.is_request)
		add_request(d, span, &head);
	else
		add_response(d, span, &head);
	add_body(d, span, &head);
	if (dissect_wants_columns(d))
		describe(d, span, &head);
}

const struct dissector dissector_http = {
	.name = "http",
	.column = "HTTP",
	.fields = fields,
	.field_count = sizeof(fields) / sizeof(fields[0]),
	.tcp_ports = ports,
	.recognise = recognise,
	.pdu_length = pdu_length,
	.dissect = dissect,
};
