/* IMAP (RFC 9051): lines, and literals within them, which are bytes of an announced count.
 *
 * As Wireshark does, a line of the client is a request and a tagged line of the server is
 * a response; literals belong to the line that announced them. */
#include <string.h>

#include "dissect/dissector.h"
#include "dissect/line.h"

enum {
	IMAP,
	IS_REQUEST,
	LINE,
	REQUEST,
	REQUEST_TAG,
	REQUEST_COMMAND,
	REQUEST_FOLDER,
	REQUEST_UID,
	USERNAME,
	PASSWORD,
	RESPONSE,
	RESPONSE_TAG,
	RESPONSE_COMMAND,
	RESPONSE_STATUS,
	TAG,
	COMMAND,
	RESPONSE_TO,
	LITERAL,
};

static const struct sonde_field_info fields[] = {
	[IMAP] = FIELD("imap", "Internet Message Access Protocol", PROTOCOL),
	[IS_REQUEST] = FIELD("imap.isrequest", "Request", BOOL),
	[LINE] = FIELD("imap.line", "Line", TEXT),
	[REQUEST] = FIELD("imap.request", "Request", TEXT),
	[REQUEST_TAG] = FIELD("imap.request_tag", "Request Tag", TEXT),
	[REQUEST_COMMAND] = FIELD("imap.request.command", "Request Command", TEXT),
	[REQUEST_FOLDER] = FIELD("imap.request.folder", "Request Folder", TEXT),
	[REQUEST_UID] = FIELD("imap.request.command.uid", "Request isUID", BOOL),
	[USERNAME] = FIELD("imap.request.username", "Request Username", TEXT),
	[PASSWORD] = FIELD("imap.request.password", "Request Password", TEXT),
	[RESPONSE] = FIELD("imap.response", "Response", TEXT),
	[RESPONSE_TAG] = FIELD("imap.response_tag", "Response Tag", TEXT),
	[RESPONSE_COMMAND] = FIELD("imap.response.command", "Response Command", TEXT),
	[RESPONSE_STATUS] = FIELD("imap.response.status", "Response Status", TEXT),
	[TAG] = FIELD("imap.tag", "Tag", TEXT),
	[COMMAND] = FIELD("imap.command", "Command", TEXT),
	[RESPONSE_TO] = NUMBER("imap.response_to", "Request In", 32, DECIMAL, NULL),
	[LITERAL] = FIELD("imap.sonde.literal", "Literal", TEXT),
};

static const uint16_t ports[] = {143, 2143, 0};

static const char *const folder_commands[] = {"SELECT", "EXAMINE",   "CREATE",
					      "DELETE", "SUBSCRIBE", "UNSUBSCRIBE",
					      "STATUS", "APPEND",    NULL};
/* These name the messages first. */
static const char *const second_commands[] = {"COPY", "MOVE", NULL};

/* What is known of a conversation.  First word: bytes of a literal still to come, of the
 * client and (from bit 32 on) of the server, 30 bits each, whether the client's line goes
 * on behind one, and what its next line or literal is; second: a sum over the last request's tag, and its frame. */
enum { LITERAL_MASK = 0x3fffffff, WAS_LITERAL_BIT = 31, SERVER_AT = 32, NEXT_AT = 62 };
enum next { NEXT_LINE = 0, NEXT_SECRET, NEXT_PLAIN, NEXT_TLS };

static uint32_t literal_of(const uint64_t *state, bool is_client)
{
	return (uint32_t)(state[0] >> (is_client ? 0 : SERVER_AT)) & LITERAL_MASK;
}

static void set_literal(uint64_t *state, bool is_client, uint32_t n)
{
	unsigned at = is_client ? 0 : SERVER_AT;

	state[0] = (state[0] & ~((uint64_t)LITERAL_MASK << at)) |
		   (uint64_t)(n & LITERAL_MASK) << at;
}

static enum next next_of(const uint64_t *state)
{
	return (enum next)(state[0] >> NEXT_AT);
}

static void set_next(uint64_t *state, enum next next)
{
	state[0] = (state[0] & ~(UINT64_C(3) << NEXT_AT)) | (uint64_t)next << NEXT_AT;
}

/* {N} or {N+} at the end of a line's content; 0 where there is none. */
static uint32_t announced(const uint8_t *line, size_t content)
{
	const uint8_t *open = memrchr(line, '{', content);
	uint64_t n = 0;
	size_t at;

	if (!open || line[content - 1] != '}')
		return 0;
	at = (size_t)(open - line) + 1;
	for (; at < content && line[at] >= '0' && line[at] <= '9'; at++) {
		n = n * 10 + (line[at] - '0');
		if (n > LITERAL_MASK)
			return LITERAL_MASK;
	}
	if (at < content && line[at] == '+')
		at++;
	return at + 1 == content ? (uint32_t)n : 0;
}

/* All lines that are whole, and literals as far as they are there. */
static ssize_t pdu_length(struct sonde_dissector *d, const uint8_t *bytes, size_t n)
{
	const uint64_t *state = dissect_conversation_state(d);
	uint32_t literal = state ? literal_of(state, dissect_is_from_client(d)) : 0;
	size_t at = 0;

	while (at < n) {
		size_t length;

		if (literal) {
			length = literal < n - at ? literal : n - at;
			literal -= (uint32_t)length;
			at += length;
			continue;
		}
		length = line_length(bytes + at, n - at);
		if (bytes[at + length - 1] != '\n' && length < LINE_MOST)
			break;
		literal = announced(bytes + at, line_content(bytes + at, length));
		at += length;
	}
	return (ssize_t)at;
}

static bool recognise(const uint8_t *bytes, size_t n, bool is_tcp)
{
	return is_tcp && n > 8 &&
	       (memcmp(bytes, "* OK ", 5) == 0 || memcmp(bytes, "* PREAU", 7) == 0) &&
	       bytes[n - 1] == '\n' && memmem(bytes, n, "IMAP4", 5);
}

static uint32_t sum_tag(const uint8_t *tag, size_t n)
{
	uint32_t sum = 2166136261u;

	for (size_t i = 0; i < n; i++)
		sum = (sum ^ tag[i]) * 16777619u;
	return sum ? sum : 1;
}

/* --- the client */

/* A quoted string's text, or an atom. */
static void unquote(const uint8_t **text, size_t *n)
{
	if (*n >= 2 && (*text)[0] == '"' && (*text)[*n - 1] == '"') {
		++*text;
		*n -= 2;
	}
}

/* The next argument, which may be quoted: spaces in it are its own. */
static size_t next_argument(const uint8_t *line, size_t n, size_t *at, size_t *ret_start)
{
	size_t end;

	if (*at >= n || line[*at] != '"')
		return line_word(line, n, at, ret_start);
	*ret_start = *at;
	for (end = *at + 1; end < n && line[end] != '"'; end++)
		end += line[end] == '\\';
	end = end < n ? end + 1 : n;
	for (*at = end; *at < n && line[*at] == ' ';)
		++*at;
	return end - *ret_start;
}

struct request {
	const uint8_t *line;
	size_t content; /* its length without the line's end */
	size_t secret;  /* where what is secret begins; content: nothing is */
	size_t tag, command_at, command, arguments;
	bool has_uid;
};

static void read_request(const uint8_t *line, size_t content, struct request *ret)
{
	struct request request = {.line = line, .content = content, .secret = content};
	size_t at = 0, start, n;

	request.tag = line_word(line, content, &at, &start);
	request.command = line_word(line, content, &at, &request.command_at);
	if (line_is(line + request.command_at, request.command, "UID")) {
		request.has_uid = true;
		request.command = line_word(line, content, &at, &request.command_at);
	}
	request.arguments = at;
	if (line_is(line + request.command_at, request.command, "LOGIN")) {
		next_argument(line, content, &at, &start);
		request.secret = at;
	} else if (line_is(line + request.command_at, request.command, "AUTHENTICATE")) {
		n = line_word(line, content, &at, &start);
		if (n)
			request.secret = at;
	}
	*ret = request;
}

/* The line with its secret masked: of the frame's lifetime, or the line itself. */
static const char *request_text(struct sonde_dissector *d, const struct request *request,
				const uint8_t *end, size_t end_length, size_t *ret_size)
{
	size_t mask = strlen(LINE_MASK);
	char *text;

	*ret_size = request->content + end_length;
	if (dissect_shows_secrets(d) || request->secret >= request->content)
		return (const char *)request->line;
	*ret_size = request->secret + mask + end_length;
	text = dissect_keep(d, *ret_size + 1);
	if (!text)
		return NULL;
	memcpy(text, request->line, request->secret);
	memcpy(text + request->secret, LINE_MASK, mask);
	memcpy(text + request->secret + mask, end, end_length);
	return text;
}

static void add_plain(struct sonde_dissector *d, const struct span *span, uint32_t at,
		      uint32_t n)
{
	size_t size;
	const char *text = line_decode(d, span_bytes(span) + at, n, &size);
	const char *user = text ? memchr(text, '\0', size) : NULL;
	const char *password =
		user ? memchr(user + 1, '\0', size - (size_t)(user + 1 - text)) : NULL;

	if (!password)
		return;
	dissect_add_text(d, USERNAME, span, at, n, user + 1,
			 (size_t)(password - user - 1));
	line_add_secret(d, PASSWORD, span, at, n, password + 1,
			size - (size_t)(password + 1 - text));
}

static void add_login(struct sonde_dissector *d, const struct span *span, uint32_t at,
		      const struct request *request)
{
	size_t next = request->arguments, start, n;
	const uint8_t *text;

	n = next_argument(request->line, request->content, &next, &start);
	text = request->line + start;
	unquote(&text, &n);
	if (n && !announced(request->line, request->content))
		dissect_add_text(d, USERNAME, span, at + (uint32_t)start, (uint32_t)n,
				 (const char *)text, n);
	n = next_argument(request->line, request->content, &next, &start);
	text = request->line + start;
	unquote(&text, &n);
	if (n && !announced(request->line, request->content))
		line_add_secret(d, PASSWORD, span, at + (uint32_t)start, (uint32_t)n,
				(const char *)text, n);
}

static bool is_one_of(const char *const *words, const uint8_t *word, size_t n)
{
	while (*words && !line_is(word, n, *words))
		words++;
	return *words != NULL;
}

static void add_arguments(struct sonde_dissector *d, const struct span *span, uint32_t at,
			  const struct request *request, uint64_t *state)
{
	const uint8_t *command = request->line + request->command_at;
	size_t next = request->arguments, start, n;
	const uint8_t *text;

	if (line_is(command, request->command, "LOGIN")) {
		add_login(d, span, at, request);
		if (announced(request->line, request->content))
			set_next(state, NEXT_SECRET);
		return;
	}
	if (line_is(command, request->command, "AUTHENTICATE")) {
		n = line_word(request->line, request->content, &next, &start);
		bool is_plain = line_is(request->line + start, n, "PLAIN");
		if (is_plain && next < request->content)
			add_plain(d, span, at + (uint32_t)next,
				  (uint32_t)(request->content - next));
		else
			set_next(state, is_plain ? NEXT_PLAIN : NEXT_SECRET);
		return;
	}
	if (line_is(command, request->command, "STARTTLS"))
		set_next(state, NEXT_TLS);
	if (is_one_of(second_commands, command, request->command))
		next_argument(request->line, request->content, &next, &start);
	else if (!is_one_of(folder_commands, command, request->command))
		return;
	n = next_argument(request->line, request->content, &next, &start);
	if (!n)
		return;
	text = request->line + start;
	unquote(&text, &n);
	dissect_add_text(d, REQUEST_FOLDER, span, at + (uint32_t)start, (uint32_t)n,
			 (const char *)text, n);
}

static void say(struct sonde_dissector *d, const char *what, const char *text, size_t n,
		bool *is_said)
{
	if (*is_said)
		return;
	*is_said = true;
	column_add(dissect_info(d), what);
	column_add_escaped(dissect_info(d), text, n);
}

static void take_request(struct sonde_dissector *d, const struct span *span, uint32_t at,
			 uint32_t n, uint64_t *state, bool *is_said)
{
	const uint8_t *line = span_bytes(span) + at;
	size_t content = line_content(line, n), size;
	struct request request;
	const char *text;

	read_request(line, content, &request);
	text = request_text(d, &request, line + content, n - content, &size);
	if (!text)
		return;
	dissect_add_text(d, LINE, span, at, n, text, size);
	dissect_nest(d);
	dissect_add_text(d, REQUEST, span, at, (uint32_t)content, text,
			 size - (n - content));
	dissect_add_bytes(d, REQUEST_TAG, span, at, (uint32_t)request.tag);
	dissect_set_flags(dissect_add_bytes(d, TAG, span, at, (uint32_t)request.tag),
			  SONDE_FIELD_HIDDEN);
	if (request.has_uid)
		dissect_add_made(d, REQUEST_UID, 1);
	if (request.command) {
		dissect_add_bytes(d, REQUEST_COMMAND, span,
				  at + (uint32_t)request.command_at,
				  (uint32_t)request.command);
		dissect_set_flags(dissect_add_bytes(d, COMMAND, span,
						    at + (uint32_t)request.command_at,
						    (uint32_t)request.command),
				  SONDE_FIELD_HIDDEN);
		add_arguments(d, span, at, &request, state);
	}
	dissect_unnest(d);
	/* DONE, which ends IDLE, is no command: the reply to IDLE is still to come. */
	if (request.command)
		state[1] = (uint64_t)sum_tag(line, request.tag) << 32 |
			   dissect_frame_number(d);
	say(d, "Request: ", text, size - (n - content), is_said);
}

/* A line that is no command: what AUTHENTICATE asked for, or what follows a literal. */
static void take_continuation(struct sonde_dissector *d, const struct span *span,
			      uint32_t at, uint32_t n, uint64_t *state, bool *is_said)
{
	const char *line = (const char *)span_bytes(span) + at;
	uint32_t content = (uint32_t)line_content((const uint8_t *)line, n);
	enum next next = next_of(state);

	set_next(state, NEXT_LINE);
	line_add_secret(d, LINE, span, at, n, line, n);
	if (next == NEXT_PLAIN)
		add_plain(d, span, at, content);
	if (dissect_shows_secrets(d))
		say(d, "Request: ", line, content, is_said);
	else
		say(d, "Request: ", LINE_MASK, strlen(LINE_MASK), is_said);
}

/* --- the server */

/* A tagged line: it has the word in Info. */
static bool is_tagged(const uint8_t *line, size_t n)
{
	return n && line[0] != '*' && line[0] != ')' && line[0] != ' ';
}

static void take_response(struct sonde_dissector *d, const struct span *span, uint32_t at,
			  uint32_t n, uint64_t *state)
{
	const uint8_t *line = span_bytes(span) + at;
	uint32_t content = (uint32_t)line_content(line, n);
	size_t next = 0, start, tag, word;

	dissect_add_bytes(d, LINE, span, at, n);
	if (!is_tagged(line, content))
		return;
	dissect_nest(d);
	tag = line_word(line, content, &next, &start);
	dissect_add_bytes(d, RESPONSE, span, at, content);
	dissect_add_bytes(d, RESPONSE_TAG, span, at, (uint32_t)tag);
	dissect_set_flags(dissect_add_bytes(d, TAG, span, at, (uint32_t)tag),
			  SONDE_FIELD_HIDDEN);
	word = line_word(line, content, &next, &start);
	bool is_ok = line_is(line + start, word, "OK");
	if (word)
		dissect_add_bytes(d, RESPONSE_STATUS, span, at + (uint32_t)start,
				  (uint32_t)word);
	word = line_word(line, content, &next, &start);
	if (word) {
		dissect_add_bytes(d, RESPONSE_COMMAND, span, at + (uint32_t)start,
				  (uint32_t)word);
		dissect_set_flags(dissect_add_bytes(d, COMMAND, span,
						    at + (uint32_t)start, (uint32_t)word),
				  SONDE_FIELD_HIDDEN);
	}
	if (state[1] >> 32 == sum_tag(line, tag)) {
		dissect_add_made(d, RESPONSE_TO, (uint32_t)state[1]);
		if (next_of(state) == NEXT_TLS && is_ok)
			line_start_tls(d);
		else
			set_next(state, NEXT_LINE);
	}
	dissect_unnest(d);
}

/* --- */

static void say_literal(struct sonde_dissector *d, uint32_t n, bool is_client,
			bool *is_said)
{
	if (*is_said)
		return;
	*is_said = true;
	column_add(dissect_info(d), is_client ? "Request: " : "Response: ");
	column_add_pair(dissect_info(d), "literal fragment, ", n);
	column_add(dissect_info(d), n == 1 ? " byte" : " bytes");
}

static void take_literal(struct sonde_dissector *d, const struct span *span, uint32_t at,
			 uint32_t n, uint64_t *state, bool is_client, bool *is_said)
{
	const char *text = (const char *)span_bytes(span) + at;

	if (is_client && next_of(state) == NEXT_SECRET)
		line_add_secret(d, LITERAL, span, at, n, text, n);
	else
		dissect_add_bytes(d, LITERAL, span, at, n);
	set_literal(state, is_client, literal_of(state, is_client) - n);
	if (!is_client)
		return;
	state[0] |= UINT64_C(1) << WAS_LITERAL_BIT;
	say_literal(d, n, is_client, is_said);
}

/* The first tagged line, or the first one. */
static void say_response(struct sonde_dissector *d, const struct span *span, uint32_t at,
			 uint32_t n, bool *is_said)
{
	const uint8_t *line = span_bytes(span) + at;

	say(d, "Response: ", (const char *)line, line_content(line, n), is_said);
}

/* The rest of a line that had a literal. */
static void take_rest(struct sonde_dissector *d, const struct span *span, uint32_t at,
		      uint32_t n, uint64_t *state, bool *is_said)
{
	const uint8_t *line = span_bytes(span) + at;
	size_t content = line_content(line, n);

	if (next_of(state) == NEXT_SECRET) {
		line_add_secret(d, LINE, span, at, n, (const char *)line, n);
		if (!dissect_shows_secrets(d))
			say(d, "Request: ", LINE_MASK, strlen(LINE_MASK), is_said);
	} else {
		dissect_add_bytes(d, LINE, span, at, n);
	}
	say(d, "Request: ", (const char *)line, content, is_said);
	if (!announced(line, content))
		set_next(state, NEXT_LINE);
}

static void take_client_line(struct sonde_dissector *d, const struct span *span,
			     uint32_t at, uint32_t n, uint64_t *state, bool *is_said)
{
	uint64_t bit = UINT64_C(1) << WAS_LITERAL_BIT;

	if (state[0] & bit)
		take_rest(d, span, at, n, state, is_said);
	else if (next_of(state) == NEXT_SECRET || next_of(state) == NEXT_PLAIN)
		take_continuation(d, span, at, n, state, is_said);
	else
		take_request(d, span, at, n, state, is_said);
	state[0] &= ~bit;
}

static void dissect(struct sonde_dissector *d, const struct span *span)
{
	uint64_t none[2] = {0}, *state = dissect_conversation_state(d);
	bool is_client = dissect_is_from_client(d), is_said = false;
	uint32_t left = span_left(span), at = 0, first_literal;

	if (!state)
		state = none;
	first_literal = literal_of(state, is_client);
	if (first_literal > left)
		first_literal = left;
	dissect_join_column(d, "IMAP", " | ");
	dissect_open(d, span, left);
	dissect_set_flags(dissect_add_made(d, IS_REQUEST, is_client), SONDE_FIELD_HIDDEN);
	while (at < left) {
		uint32_t literal = literal_of(state, is_client), n;

		if (literal) {
			n = literal < left - at ? literal : left - at;
			take_literal(d, span, at, n, state, is_client, &is_said);
			at += n;
			continue;
		}
		n = (uint32_t)line_length(span_bytes(span) + at, left - at);
		if (is_client) {
			take_client_line(d, span, at, n, state, &is_said);
		} else {
			if (is_tagged(span_bytes(span) + at, n))
				say_response(d, span, at, n, &is_said);
			take_response(d, span, at, n, state);
		}
		set_literal(state, is_client,
			    announced(span_bytes(span) + at,
				      line_content(span_bytes(span) + at, n)));
		at += n;
	}
	/* Where no line is tagged: what comes first. */
	if (first_literal)
		say_literal(d, first_literal, is_client, &is_said);
	else if (!is_client)
		say_response(d, span, 0, (uint32_t)line_length(span_bytes(span), left),
			     &is_said);
}

const struct dissector dissector_imap = {
	.name = "imap",
	.column = "IMAP",
	.fields = fields,
	.field_count = sizeof(fields) / sizeof(fields[0]),
	.tcp_ports = ports,
	.recognise = recognise,
	.pdu_length = pdu_length,
	.dissect = dissect,
};
