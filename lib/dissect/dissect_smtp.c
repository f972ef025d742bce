/* SMTP (RFC 5321) with AUTH (RFC 4954), STARTTLS (RFC 3207) and CHUNKING (RFC 3030).
 *
 * A message here is all whole lines of a segment, as Wireshark lists them.  What a line of
 * the client means depends on those before it and on the server's replies: a command, a
 * part of a mail, a name or a password. */
#include <string.h>

#include "dissect/dissector.h"
#include "dissect/line.h"

enum {
	SMTP,
	REQ,
	RSP,
	COMMAND_LINE,
	REQ_COMMAND,
	REQ_PARAMETER,
	RESPONSE,
	RESPONSE_CODE,
	RSP_PARAMETER,
	USERNAME,
	PASSWORD,
	MESSAGE,
	EOM,
};

/* IANA's and the RFCs' codes, in the words of RFC 5321, 4.2.2. */
static const struct sonde_value_name codes[] = {
	{211, "System status, or system help reply"},
	{214, "Help message"},
	{220, "<domain> Service ready"},
	{221, "<domain> Service closing transmission channel"},
	{235, "Authentication successful"},
	{250, "Requested mail action okay, completed"},
	{251, "User not local; will forward to <forward-path>"},
	{252, "Cannot VRFY user, but will accept message and attempt delivery"},
	{334, "AUTH input"},
	{354, "Start mail input; end with <CRLF>.<CRLF>"},
	{421, "<domain> Service not available, closing transmission channel"},
	{432, "A password transition is needed"},
	{450, "Requested mail action not taken: mailbox unavailable"},
	{451, "Requested action aborted: local error in processing"},
	{452, "Requested action not taken: insufficient system storage"},
	{454, "Temporary authentication failed"},
	{500, "Syntax error, command unrecognized"},
	{501, "Syntax error in parameters or arguments"},
	{502, "Command not implemented"},
	{503, "Bad sequence of commands"},
	{504, "Command parameter not implemented"},
	{530, "Authentication required"},
	{534, "Authentication mechanism is too weak"},
	{535, "Authentication credentials invalid"},
	{538, "Encryption required for requested authentication mechanism"},
	{550, "Requested action not taken: mailbox unavailable"},
	{551, "User not local; please try <forward-path>"},
	{552, "Requested mail action aborted: exceeded storage allocation"},
	{553, "Requested action not taken: mailbox name not allowed"},
	{554, "Transaction failed"},
	{0, NULL}};

static const struct sonde_field_info fields[] = {
	[SMTP] = FIELD("smtp", "Simple Mail Transfer Protocol", PROTOCOL),
	[REQ] = FIELD("smtp.req", "Request", BOOL),
	[RSP] = FIELD("smtp.rsp", "Response", BOOL),
	[COMMAND_LINE] = FIELD("smtp.command_line", "Command Line", TEXT),
	[REQ_COMMAND] = FIELD("smtp.req.command", "Command", TEXT),
	[REQ_PARAMETER] = FIELD("smtp.req.parameter", "Request parameter", TEXT),
	[RESPONSE] = FIELD("smtp.response", "Response", TEXT),
	[RESPONSE_CODE] =
		NUMBER("smtp.response.code", "Response code", 32, DECIMAL, codes),
	[RSP_PARAMETER] = FIELD("smtp.rsp.parameter", "Response parameter", TEXT),
	[USERNAME] = FIELD("smtp.auth.username", "Username", TEXT),
	[PASSWORD] = FIELD("smtp.auth.password", "Password", TEXT),
	[MESSAGE] = FIELD("smtp.message", "Message", TEXT),
	[EOM] = FIELD("smtp.eom", "EOM", NOTE),
};

static const uint16_t ports[] = {25, 587, 2525, 2587, 0};

/* What is known of a conversation.  The first word: the client's state, how much of the
 * end of a mail was seen, and a bit; the second: bytes of a chunk still to come. */
enum client {
	CLIENT_COMMAND = 0,
	CLIENT_DATA_ASKED,
	CLIENT_DATA,
	CLIENT_USER,
	CLIENT_PASSWORD,
	CLIENT_PLAIN,
	CLIENT_SECRET, /* of a mechanism that is not taken apart */
	CLIENT_TLS_ASKED,
};
enum { STATE_MASK = 0xff, SEEN_AT = 8, HEARD_BIT = 16 };

static enum client client_of(const uint64_t *state)
{
	return (enum client)(state[0] & STATE_MASK);
}

static void set_client(uint64_t *state, enum client client)
{
	state[0] = (state[0] & ~(uint64_t)STATE_MASK) | client;
}

/* The end of a mail is CRLF, a dot, CRLF.  `seen` of these five were there before (after
 * the line of DATA two are: a mail may be empty).  Returns how many bytes belong to the
 * mail, and how far the end has come in *seen: five is all of it. */
static size_t mail_length(const uint8_t *bytes, size_t n, unsigned *seen)
{
	static const char end[] = "\r\n.\r\n";

	for (size_t i = 0; i < n; i++) {
		if (bytes[i] == (uint8_t)end[*seen])
			++*seen;
		else
			*seen = bytes[i] == '\r';
		if (*seen == 5)
			return i + 1;
	}
	return n;
}

static bool is_bdat(const uint8_t *line, size_t n)
{
	size_t at = 0, start, word = line_word(line, line_content(line, n), &at, &start);

	return line_is(line + start, word, "BDAT");
}

/* All whole lines; but behind BDAT come bytes. */
static ssize_t commands_whole(const uint8_t *bytes, size_t n)
{
	ssize_t whole = lines_whole(bytes, n);
	size_t at = 0;

	while (whole > 0 && at < (size_t)whole) {
		size_t length = line_length(bytes + at, (size_t)whole - at);

		if (is_bdat(bytes + at, length))
			return (ssize_t)(at + length);
		at += length;
	}
	return whole;
}

static ssize_t pdu_length(struct sonde_dissector *d, const uint8_t *bytes, size_t n)
{
	const uint64_t *state = dissect_conversation_state(d);
	unsigned seen;

	if (!state || !dissect_is_from_client(d))
		return lines_whole(bytes, n);
	if (state[1])
		return state[1] < n ? (ssize_t)state[1] : (ssize_t)n;
	if (client_of(state) != CLIENT_DATA)
		return commands_whole(bytes, n);
	seen = (unsigned)(state[0] >> SEEN_AT & 0xff);
	return (ssize_t)mail_length(bytes, n, &seen);
}

static bool recognise(const uint8_t *bytes, size_t n, bool is_tcp)
{
	return is_tcp && n > 8 && memcmp(bytes, "220", 3) == 0 &&
	       (bytes[3] == ' ' || bytes[3] == '-') && bytes[n - 1] == '\n' &&
	       memmem(bytes, n, "SMTP", 4);
}

/* --- the client */

static void add_user(struct sonde_dissector *d, const struct span *span, uint32_t at,
		     uint32_t length, const char *text, size_t size)
{
	dissect_add_text(d, USERNAME, span, at, length, text, size);
	column_add(dissect_info(d), "User: ");
	column_add_escaped(dissect_info(d), text, size);
}

static void add_password(struct sonde_dissector *d, const struct span *span, uint32_t at,
			 uint32_t length, const char *text, size_t size)
{
	line_add_secret(d, PASSWORD, span, at, length, text, size);
	column_add(dissect_info(d), "Pass: ");
	if (dissect_shows_secrets(d))
		column_add_escaped(dissect_info(d), text, size);
	else
		column_add(dissect_info(d), LINE_MASK);
}

/* One line's base64: a name, a password, or both (RFC 4616: whose rights, who, password,
 * with NUL between them). */
static void add_credentials(struct sonde_dissector *d, const struct span *span,
			    uint32_t at, uint32_t length, enum client what)
{
	const char *text, *user, *password;
	size_t size;

	text = line_decode(d, span_bytes(span) + at, length, &size);
	if (!text) { /* "*" gives the exchange up */
		column_add(dissect_info(d), length == 1 ? "*" : LINE_MASK);
		return;
	}
	if (what == CLIENT_USER) {
		add_user(d, span, at, length, text, size);
		return;
	}
	user = what == CLIENT_PLAIN ? memchr(text, '\0', size) : NULL;
	if (!user) {
		add_password(d, span, at, length, text, size);
		return;
	}
	user++;
	password = memchr(user, '\0', size - (size_t)(user - text));
	if (!password)
		return;
	add_user(d, span, at, length, user, (size_t)(password - user));
	column_add(dissect_info(d), "  ");
	password++;
	add_password(d, span, at, length, password, size - (size_t)(password - text));
}

/* "AUTH MECHANISM [INITIAL-RESPONSE]", of which the last is a secret, or half of one. */
static void take_auth(struct sonde_dissector *d, const struct span *span, uint32_t at,
		      uint32_t length, uint64_t *state)
{
	const uint8_t *line = span_bytes(span) + at;
	size_t next = 0, start, n, initial;
	enum client what = CLIENT_SECRET, then = CLIENT_SECRET;

	line_word(line, length, &next, &start);
	n = line_word(line, length, &next, &start);
	initial = next;
	if (line_is(line + start, n, "LOGIN")) {
		what = CLIENT_USER;
		then = initial < length ? CLIENT_PASSWORD : CLIENT_USER;
	} else if (line_is(line + start, n, "PLAIN")) {
		what = then = CLIENT_PLAIN;
	}
	column_add(dissect_info(d), "AUTH ");
	column_add_escaped(dissect_info(d), line + start, n);
	if (initial < length) {
		column_add(dissect_info(d), " ");
		add_credentials(d, span, at + (uint32_t)initial,
				length - (uint32_t)initial, what);
	}
	set_client(state, then);
}

/* The line's text, with what is secret in it masked. */
static const char *line_text(struct sonde_dissector *d, const uint8_t *line, size_t n,
			     size_t *ret_size)
{
	size_t at = 0, start, word, content = line_content(line, n);
	char *text;

	*ret_size = n;
	word = line_word(line, content, &at, &start);
	if (dissect_shows_secrets(d) || !line_is(line + start, word, "AUTH"))
		return (const char *)line;
	line_word(line, content, &at, &start);
	if (at >= content)
		return (const char *)line;
	text = dissect_keep(d, at + strlen(LINE_MASK) + 2);
	if (!text)
		return NULL;
	memcpy(text, line, at);
	memcpy(text + at, LINE_MASK, strlen(LINE_MASK));
	memcpy(text + at + strlen(LINE_MASK), line + content, n - content);
	*ret_size = at + strlen(LINE_MASK) + n - content;
	return text;
}

static void change_state(const uint8_t *line, size_t n, const uint8_t *parameter,
			 size_t size, uint64_t *state)
{
	bool was_heard = state[0] >> HEARD_BIT & 1;

	set_client(state, CLIENT_COMMAND);
	if (line_is(line, n, "DATA")) {
		set_client(state, was_heard ? CLIENT_DATA_ASKED : CLIENT_DATA);
		state[0] = (state[0] & ~(UINT64_C(0xff) << SEEN_AT)) | 2 << SEEN_AT;
	} else if (line_is(line, n, "STARTTLS")) {
		set_client(state, CLIENT_TLS_ASKED);
	} else if (line_is(line, n, "BDAT")) {
		uint64_t bytes = 0;

		for (size_t i = 0; i < size && parameter[i] >= '0' &&
				   parameter[i] <= '9' && bytes < UINT32_MAX;
		     i++)
			bytes = bytes * 10 + (parameter[i] - '0');
		state[1] = bytes;
	}
}

static void take_command(struct sonde_dissector *d, const struct span *span, uint32_t at,
			 uint32_t n, uint64_t *state)
{
	const uint8_t *line = span_bytes(span) + at;
	uint32_t content = (uint32_t)line_content(line, n);
	size_t next = 0, start, word = line_word(line, content, &next, &start), size;
	const char *text = line_text(d, line, n, &size);

	if (!text)
		return;
	dissect_add_text(d, COMMAND_LINE, span, at, n, text, size);
	dissect_nest(d);
	dissect_add_bytes(d, REQ_COMMAND, span, at + (uint32_t)start, (uint32_t)word);
	if (next < content)
		dissect_add_text(d, REQ_PARAMETER, span, at + (uint32_t)next,
				 content - (uint32_t)next, text + next,
				 line_content((const uint8_t *)text, size) - next);
	if (line_is(line + start, word, "AUTH")) {
		take_auth(d, span, at, content, state);
	} else {
		column_add_escaped(dissect_info(d), line, content);
		change_state(line + start, word, line + next, content - next, state);
	}
	dissect_unnest(d);
}

static void take_client_line(struct sonde_dissector *d, const struct span *span,
			     uint32_t at, uint32_t n, uint64_t *state)
{
	const uint8_t *line = span_bytes(span) + at;
	uint32_t content = (uint32_t)line_content(line, n);
	enum client client = client_of(state);

	dissect_set_flags(dissect_add_made(d, REQ, 1), SONDE_FIELD_HIDDEN);
	switch (client) {
	case CLIENT_USER:
	case CLIENT_PASSWORD:
	case CLIENT_PLAIN:
	case CLIENT_SECRET:
		add_credentials(d, span, at, content, client);
		set_client(state,
			   client == CLIENT_USER ? CLIENT_PASSWORD : CLIENT_SECRET);
		break;
	default:
		take_command(d, span, at, n, state);
		break;
	}
}

static void take_mail(struct sonde_dissector *d, const struct span *span, uint64_t *state)
{
	uint32_t n = span_left(span);
	unsigned seen = (unsigned)(state[0] >> SEEN_AT & 0xff);

	mail_length(span_bytes(span), n, &seen);
	dissect_add_bytes(d, MESSAGE, span, 0, n);
	column_add_pair(dissect_info(d), "DATA fragment, ", n);
	column_add(dissect_info(d), n == 1 ? " byte" : " bytes");
	if (seen == 5) {
		dissect_add_note(d, EOM);
		set_client(state, CLIENT_COMMAND);
		seen = 0;
	}
	state[0] = (state[0] & ~(UINT64_C(0xff) << SEEN_AT)) | (uint64_t)seen << SEEN_AT;
}

static void take_chunk(struct sonde_dissector *d, const struct span *span,
		       uint64_t *state)
{
	uint32_t n = span_left(span);

	dissect_add_bytes(d, MESSAGE, span, 0, n);
	column_add_pair(dissect_info(d), "BDAT fragment, ", n);
	column_add(dissect_info(d), n == 1 ? " byte" : " bytes");
	state[1] -= n < state[1] ? n : state[1];
}

/* --- the server */

static bool is_code(const uint8_t *line, size_t n)
{
	return n >= 3 && line[0] >= '2' && line[0] <= '5' && line[1] >= '0' &&
	       line[1] <= '9' && line[2] >= '0' && line[2] <= '9';
}

static void hear(struct sonde_dissector *d, unsigned code, uint64_t *state)
{
	enum client client = client_of(state);

	state[0] |= UINT64_C(1) << HEARD_BIT;
	if (client == CLIENT_DATA_ASKED && code == 354)
		set_client(state, CLIENT_DATA);
	else if (client == CLIENT_TLS_ASKED && code == 220)
		line_start_tls(d);
	else if ((client >= CLIENT_USER && client <= CLIENT_SECRET && code != 334) ||
		 client == CLIENT_TLS_ASKED)
		set_client(state, CLIENT_COMMAND);
}

/* What the server asks for is base64, too. */
static void take_parameter(struct sonde_dissector *d, const struct span *span,
			   uint32_t at, uint32_t n, unsigned code)
{
	const char *text = NULL;
	size_t size = 0;

	if (code == 334 && n)
		text = line_decode(d, span_bytes(span) + at, n, &size);
	if (!text) {
		text = (const char *)span_bytes(span) + at;
		size = n;
	}
	if (n)
		dissect_add_text(d, RSP_PARAMETER, span, at, n, text, size);
	column_add_escaped(dissect_info(d), text, size);
}

/* Of a reply of several lines the code is told once. */
static void take_reply_line(struct sonde_dissector *d, const struct span *span,
			    uint32_t at, uint32_t n, bool *goes_on, uint64_t *state)
{
	const uint8_t *line = span_bytes(span) + at;
	uint32_t content = (uint32_t)line_content(line, n);
	bool has_code = is_code(line, content), was_on = *goes_on;
	unsigned code = has_code ? (unsigned)(line[0] - '0') * 100 +
					   (unsigned)(line[1] - '0') * 10 +
					   (unsigned)(line[2] - '0')
				 : 0;

	if (!was_on) {
		dissect_add_bytes(d, RESPONSE, span, at, n);
		column_add_escaped(dissect_info(d), line, content < 4 ? content : 4);
	}
	*goes_on = has_code && content > 3 && line[3] == '-';
	if (!has_code)
		return;
	if (was_on) {
		take_parameter(d, span, at + 4, content > 4 ? content - 4 : 0, code);
	} else {
		dissect_nest(d);
		dissect_add_number(d, RESPONSE_CODE, span, at, 3, code);
		take_parameter(d, span, at + 4, content > 4 ? content - 4 : 0, code);
		dissect_unnest(d);
	}
	if (!*goes_on)
		hear(d, code, state);
}

/* --- */

static void dissect(struct sonde_dissector *d, const struct span *span)
{
	uint64_t none[2] = {0}, *state = dissect_conversation_state(d);
	bool is_client = dissect_is_from_client(d), goes_on = false;
	uint32_t left = span_left(span), at = 0;

	if (!state)
		state = none;
	dissect_join_column(d, "SMTP", " | ");
	if (dissect_is_first_message(d))
		column_add(dissect_info(d), is_client ? "C: " : "S: ");
	dissect_open(d, span, left);
	if (is_client && state[1]) {
		take_chunk(d, span, state);
		return;
	}
	if (is_client && client_of(state) == CLIENT_DATA) {
		take_mail(d, span, state);
		return;
	}
	if (!is_client)
		dissect_set_flags(dissect_add_made(d, RSP, 1), SONDE_FIELD_HIDDEN);
	while (at < left) {
		uint32_t n = (uint32_t)line_length(span_bytes(span) + at, left - at);

		if (at)
			column_add(dissect_info(d), " | ");
		if (is_client)
			take_client_line(d, span, at, n, state);
		else
			take_reply_line(d, span, at, n, &goes_on, state);
		at += n;
	}
}

const struct dissector dissector_smtp = {
	.name = "smtp",
	.column = "SMTP",
	.fields = fields,
	.field_count = sizeof(fields) / sizeof(fields[0]),
	.tcp_ports = ports,
	.recognise = recognise,
	.pdu_length = pdu_length,
	.dissect = dissect,
};
