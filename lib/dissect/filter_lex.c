/* Display filters: text to tokens, and errors with their place. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <sonde/text.h>

#include "base/array.h"
#include "dissect/filter.h"

static const struct {
	const char *text;
	uint8_t kind, relation;
	bool is_all;
	const char *canonical;
} words[] = {
	{"eq", TOKEN_RELATION, RELATION_EQUAL, false, "=="},
	{"any_eq", TOKEN_RELATION, RELATION_EQUAL, false, "=="},
	{"all_eq", TOKEN_RELATION, RELATION_EQUAL, true, "==="},
	{"ne", TOKEN_RELATION, RELATION_NOT_EQUAL, true, "!="},
	{"all_ne", TOKEN_RELATION, RELATION_NOT_EQUAL, true, "!="},
	{"any_ne", TOKEN_RELATION, RELATION_NOT_EQUAL, false, "!=="},
	{"gt", TOKEN_RELATION, RELATION_GREATER, false, ">"},
	{"lt", TOKEN_RELATION, RELATION_LESS, false, "<"},
	{"ge", TOKEN_RELATION, RELATION_AT_LEAST, false, ">="},
	{"le", TOKEN_RELATION, RELATION_AT_MOST, false, "<="},
	{"contains", TOKEN_RELATION, RELATION_CONTAINS, false, "contains"},
	{"matches", TOKEN_RELATION, RELATION_MATCHES, false, "matches"},
	{"in", TOKEN_IN, RELATION_IN, false, "in"},
	{"and", TOKEN_AND, 0, false, "&&"},
	{"or", TOKEN_OR, 0, false, "||"},
	{"xor", TOKEN_XOR, 0, false, "^^"},
	{"not", TOKEN_NOT, 0, false, "not"},
	{"any", TOKEN_ANY, 0, false, "any"},
	{"all", TOKEN_ALL, 0, false, "all"},
	{"bitwise_and", TOKEN_MASK, 0, false, "&"},
};

/* Longer ones before what they begin with. */
static const struct {
	const char *text;
	uint8_t kind, relation;
	bool is_all;
} signs[] = {
	{"===", TOKEN_RELATION, RELATION_EQUAL, true},
	{"!==", TOKEN_RELATION, RELATION_NOT_EQUAL, false},
	{"==", TOKEN_RELATION, RELATION_EQUAL, false},
	{"!=", TOKEN_RELATION, RELATION_NOT_EQUAL, true},
	{"~=", TOKEN_RELATION, RELATION_NOT_EQUAL, false},
	{"<=", TOKEN_RELATION, RELATION_AT_MOST, false},
	{">=", TOKEN_RELATION, RELATION_AT_LEAST, false},
	{"<", TOKEN_RELATION, RELATION_LESS, false},
	{">", TOKEN_RELATION, RELATION_GREATER, false},
	{"~", TOKEN_RELATION, RELATION_MATCHES, false},
	{"&&", TOKEN_AND, 0, false},
	{"||", TOKEN_OR, 0, false},
	{"^^", TOKEN_XOR, 0, false},
	{"!", TOKEN_NOT, 0, false},
	{"&", TOKEN_MASK, 0, false},
	{"(", TOKEN_OPEN, 0, false},
	{")", TOKEN_CLOSE, 0, false},
	{"{", TOKEN_BRACE_OPEN, 0, false},
	{"}", TOKEN_BRACE_CLOSE, 0, false},
	{"[", TOKEN_BRACKET, 0, false},
	{"#", TOKEN_HASH, 0, false},
	{",", TOKEN_COMMA, 0, false},
	{"..", TOKEN_DOTS, 0, false},
};

bool filter_is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool filter_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

int filter_hex_digit(char c)
{
	if (filter_is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool is_word(char c)
{
	return filter_is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '_' || c == '.' || c == ':' || c == '-';
}

/* ---- errors ---- */

int filter_refuse(struct filter_parser *parser, size_t at, size_t length,
		  const char *reason, ...)
{
	char text[sizeof(parser->err->reason)];
	char subject[sizeof(parser->err->subject)];
	const char *from = parser->text + (length ? at : 0);
	va_list arguments;

	if (parser->has_error)
		return -EINVAL;
	parser->has_error = true;
	parser->place = (struct sonde_filter_place){.at = at, .length = length};
	va_start(arguments, reason);
	vsnprintf(text, sizeof(text), reason, arguments);
	va_end(arguments);
	snprintf(subject, sizeof(subject), "%.*s", (int)(length ? length : parser->size),
		 from);
	return sonde_error_set(parser->err, SONDE_ERROR_USAGE, -EINVAL, "filter", subject,
			       "%s", text);
}

void filter_hint(struct filter_parser *parser, const char *hint, ...)
{
	char text[sizeof(parser->err->hint)];
	va_list arguments;

	va_start(arguments, hint);
	vsnprintf(text, sizeof(text), hint, arguments);
	va_end(arguments);
	sonde_error_hint(parser->err, "%s", text);
}

int filter_refuse_token(struct filter_parser *parser)
{
	static const struct {
		const char *wrong, *right;
	} habits[] = {
		{"=", "=="},
		{"AND", "and"},
		{"OR", "or"},
		{"NOT", "not"},
		{"|", "||"},
		{";", "&& or ||"},
		{"^", "^^"},
		{"=<", "<="},
		{"=>", ">="},
		{"<>", "!="},
		{"XOR", "xor"},
		{"CONTAINS", "contains"},
		{"MATCHES", "matches"},
	};
	const struct filter_token *token = &parser->token;
	int r;

	if (token->kind == TOKEN_END) {
		r = filter_refuse(parser, parser->size, 0, "it ends too early");
		return r;
	}
	r = filter_refuse(parser, token->at, token->length, "not expected here");
	for (size_t i = 0; i < sizeof(habits) / sizeof(habits[0]); i++) {
		if (strlen(habits[i].wrong) == token->length &&
		    memcmp(parser->text + token->at, habits[i].wrong, token->length) == 0)
			filter_hint(parser, "did you mean %s?", habits[i].right);
	}
	return r;
}

uint8_t *filter_keep(struct filter_parser *parser, size_t size)
{
	struct sonde_filter *filter = parser->filter;
	uint8_t *place;

	if (size > filter->arena_capacity - filter->arena_used)
		return NULL;
	place = filter->arena + filter->arena_used;
	filter->arena_used += size;
	return place;
}

/* ---- the filter's own text ---- */

int filter_append(struct sonde_filter *filter, const char *text, size_t size)
{
	int r = array_reserve(&filter->text, &filter->text_capacity,
			      filter->text_used + size + 1, 1);

	if (r < 0)
		return r;
	memcpy(filter->text + filter->text_used, text, size);
	filter->text_used += size;
	filter->text[filter->text_used] = '\0';
	return 0;
}

static int append_quoted(struct sonde_filter *filter, const uint8_t *bytes, size_t size,
			 char quote)
{
	int r = filter_append(filter, &quote, 1);

	for (size_t i = 0; r == 0 && i < size; i++) {
		char escaped[5];
		int n = 1;

		if (bytes[i] >= ' ' && bytes[i] < 0x7f && bytes[i] != '\\' &&
		    bytes[i] != '"' && bytes[i] != '\'')
			escaped[0] = (char)bytes[i];
		else
			n = snprintf(escaped, sizeof(escaped), "\\x%02x", bytes[i]);
		r = filter_append(filter, escaped, (size_t)n);
	}
	return r == 0 ? filter_append(filter, &quote, 1) : r;
}

/* Whether a space belongs between what was written and this token. */
static bool is_apart(const struct sonde_filter *filter, uint8_t kind)
{
	char last = filter->text_used ? filter->text[filter->text_used - 1] : '(';

	if (last == '(' || last == '{' || kind == TOKEN_CLOSE || kind == TOKEN_COMMA ||
	    kind == TOKEN_BRACE_CLOSE || kind == TOKEN_HASH || kind == TOKEN_BRACKET)
		return false;
	return kind != TOKEN_OPEN || !filter->is_name_last;
}

static int append_token(struct filter_parser *parser)
{
	const struct filter_token *token = &parser->token;
	struct sonde_filter *filter = parser->filter;
	const char *canonical = NULL;
	int r = 0;

	if (is_apart(filter, token->kind))
		r = filter_append(filter, " ", 1);
	if (r < 0)
		return r;
	filter->is_name_last = token->kind == TOKEN_WORD;
	if (token->kind == TOKEN_STRING)
		return append_quoted(filter, token->bytes, token->size, '"');
	if (token->kind == TOKEN_CHAR)
		return append_quoted(filter, token->bytes, token->size, '\'');
	if (token->kind == TOKEN_WORD)
		return filter_append(filter, (const char *)token->bytes, token->size);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (words[i].kind == token->kind &&
		    words[i].relation == token->relation &&
		    words[i].is_all == token->is_all)
			canonical = words[i].canonical;
	}
	if (canonical)
		return filter_append(filter, canonical, strlen(canonical));
	return filter_append(filter, parser->text + token->at, token->length);
}

/* ---- strings ---- */

static void put_utf8(uint8_t *bytes, size_t *size, uint32_t code)
{
	if (code < 0x80) {
		bytes[(*size)++] = (uint8_t)code;
	} else if (code < 0x800) {
		bytes[(*size)++] = (uint8_t)(0xc0 | code >> 6);
		bytes[(*size)++] = (uint8_t)(0x80 | (code & 0x3f));
	} else if (code < 0x10000) {
		bytes[(*size)++] = (uint8_t)(0xe0 | code >> 12);
		bytes[(*size)++] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
		bytes[(*size)++] = (uint8_t)(0x80 | (code & 0x3f));
	} else {
		bytes[(*size)++] = (uint8_t)(0xf0 | code >> 18);
		bytes[(*size)++] = (uint8_t)(0x80 | (code >> 12 & 0x3f));
		bytes[(*size)++] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
		bytes[(*size)++] = (uint8_t)(0x80 | (code & 0x3f));
	}
}

/* What follows a backslash at parser->at; moves behind it. */
static int lex_escape(struct filter_parser *parser, uint8_t *bytes, size_t *size)
{
	static const char letters[] = "'\"\\abfnrtv";
	static const char meant[] = "'\"\\\a\b\f\n\r\t\v";
	size_t begin = parser->at - 1;
	char c = parser->at < parser->size ? parser->text[parser->at] : '\0';
	const char *letter = c ? strchr(letters, c) : NULL;
	unsigned most = 0, base = 16;
	uint32_t code = 0;
	unsigned digits = 0;

	if (letter) {
		bytes[(*size)++] = (uint8_t)meant[letter - letters];
		parser->at++;
		return 0;
	}
	if (c == 'x' || c == 'u' || c == 'U') {
		most = c == 'x' ? 2 : c == 'u' ? 4 : 8;
		parser->at++;
	} else if (c >= '0' && c <= '7') {
		most = 3;
		base = 8;
	}
	for (; digits < most && parser->at < parser->size; digits++, parser->at++) {
		int digit = filter_hex_digit(parser->text[parser->at]);
		if (digit < 0 || (unsigned)digit >= base)
			break;
		code = code * base + (unsigned)digit;
	}
	if (digits == 0 || (most > 3 && digits < most) || (most <= 3 && code > 0xff) ||
	    code > 0x10ffff || (most > 3 && code >= 0xd800 && code < 0xe000)) {
		filter_refuse(parser, begin,
			      parser->at > begin + 1 ? parser->at - begin
						     : 1 + (parser->at < parser->size),
			      "no escape sequence");
		filter_hint(parser, "a backslash is written twice, or the string begins "
				    "with r\"");
		return -EINVAL;
	}
	if (most > 3)
		put_utf8(bytes, size, code);
	else
		bytes[(*size)++] = (uint8_t)code;
	return 0;
}

static int lex_string(struct filter_parser *parser, bool is_raw)
{
	struct filter_token *token = &parser->token;
	char quote = parser->text[parser->at];
	uint8_t *bytes = parser->filter->arena + parser->filter->arena_used;
	size_t size = 0;

	for (parser->at++;;) {
		char c;
		if (parser->at >= parser->size)
			return filter_refuse(parser, token->at, parser->size - token->at,
					     "the closing quote is missing");
		c = parser->text[parser->at++];
		if (c == quote)
			break;
		if (c == '\\' && is_raw) {
			/* Stays, and guards a quote. */
			bytes[size++] = (uint8_t)c;
			if (parser->at < parser->size)
				bytes[size++] = (uint8_t)parser->text[parser->at++];
		} else if (c == '\\') {
			int r = lex_escape(parser, bytes, &size);
			if (r < 0)
				return r;
		} else {
			bytes[size++] = (uint8_t)c;
		}
	}
	token->kind = quote == '"' ? TOKEN_STRING : TOKEN_CHAR;
	token->length = parser->at - token->at;
	token->bytes = filter_keep(parser, size);
	token->size = size;
	if (!token->bytes)
		return -ENOMEM;
	if (token->kind == TOKEN_CHAR && size != 1)
		return filter_refuse(parser, token->at, token->length,
				     "no single character");
	return 0;
}

/* ---- words ---- */

/* "192.0.2.0/24": a slash belongs to the word where an address stands before it. */
static bool is_prefix(const struct filter_parser *parser, size_t begin)
{
	bool has_mark = false;

	for (size_t i = begin; i < parser->at; i++) {
		char c = parser->text[i];
		if (c == '.' || c == ':')
			has_mark = true;
		else if (filter_hex_digit(c) < 0)
			return false;
	}
	return has_mark && parser->at + 1 < parser->size &&
	       filter_is_digit(parser->text[parser->at + 1]);
}

static void lex_word(struct filter_parser *parser)
{
	struct filter_token *token = &parser->token;
	const char *text = parser->text;

	for (; parser->at < parser->size; parser->at++) {
		char c = text[parser->at];
		if (c == '.' && parser->at + 1 < parser->size &&
		    text[parser->at + 1] == '.')
			break;
		if (c == '/' && is_prefix(parser, token->at))
			continue;
		/* Of a time zone: 12:00:00+01:00. */
		if (c == '+' && parser->at > token->at + 8 && text[token->at + 4] == '-')
			continue;
		if (!is_word(c) && !(parser->at == token->at && c == '+'))
			break;
	}
	token->kind = TOKEN_WORD;
	token->length = parser->at - token->at;
	token->bytes = (const uint8_t *)text + token->at;
	token->size = token->length;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strlen(words[i].text) == token->length &&
		    memcmp(words[i].text, text + token->at, token->length) == 0) {
			token->kind = words[i].kind;
			token->relation = words[i].relation;
			token->is_all = words[i].is_all;
		}
	}
}

static bool lex_sign(struct filter_parser *parser)
{
	struct filter_token *token = &parser->token;
	size_t left = parser->size - parser->at;

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		size_t length = strlen(signs[i].text);
		if (length > left ||
		    memcmp(signs[i].text, parser->text + parser->at, length) != 0)
			continue;
		token->kind = signs[i].kind;
		token->relation = signs[i].relation;
		token->is_all = signs[i].is_all;
		token->length = length;
		parser->at += length;
		return true;
	}
	return false;
}

/* A sign before a number: "-1", "+80". */
static bool is_signed_number(const struct filter_parser *parser)
{
	const char *text = parser->text + parser->at;

	return (text[0] == '-' || text[0] == '+') && parser->at + 1 < parser->size &&
	       filter_is_digit(text[1]);
}

int filter_lex(struct filter_parser *parser)
{
	struct filter_token *token = &parser->token;
	const char *text = parser->text;
	char c, next;

	while (parser->at < parser->size && filter_is_space(text[parser->at]))
		parser->at++;
	*token = (struct filter_token){.at = parser->at};
	if (parser->at == parser->size)
		return 0;
	c = text[parser->at];
	next = parser->at + 1 < parser->size ? text[parser->at + 1] : '\0';
	if (c == '"' || c == '\'')
		return lex_string(parser, false);
	if ((c == 'r' || c == 'R') && next == '"') {
		parser->at++;
		return lex_string(parser, true);
	}
	if (lex_sign(parser))
		return 0;
	if (is_signed_number(parser) || (is_word(c) && c != '-')) {
		lex_word(parser);
		return 0;
	}
	token->kind = TOKEN_OTHER;
	token->length = 1;
	parser->at++;
	if (c == '=' && (next == '<' || next == '>'))
		token->length = 2;
	while (parser->at < parser->size && ((uint8_t)text[parser->at] & 0xc0) == 0x80) {
		parser->at++;
		token->length++;
	}
	return 0;
}

int filter_take(struct filter_parser *parser)
{
	int r = append_token(parser);

	if (r < 0)
		return r;
	parser->end = parser->token.at + parser->token.length;
	return filter_lex(parser);
}
