/* JSON into an array of nodes, each value followed by what is in it. */
#include "base/json_read.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/hex.h"

enum { DEPTH_MOST = 32 };

struct reading {
	struct json_document *document;
	const char *text;
	size_t n, at;
};

void json_document_done(struct json_document *document)
{
	array_free(document->nodes);
	array_free(document->chars);
	*document = (struct json_document){0};
}

static void skip_space(struct reading *reading)
{
	while (reading->at < reading->n &&
	       strchr(" \t\r\n", reading->text[reading->at]) &&
	       reading->text[reading->at])
		reading->at++;
}

static bool take(struct reading *reading, const char *word)
{
	size_t length = strlen(word);

	if (reading->n - reading->at < length ||
	    memcmp(reading->text + reading->at, word, length) != 0)
		return false;
	reading->at += length;
	return true;
}

static int add_node(struct reading *reading, enum json_kind kind, uint32_t *ret)
{
	struct json_document *document = reading->document;

	if (array_reserve(&document->nodes, &document->room, document->count + 1,
			  sizeof(*document->nodes)) < 0)
		return -ENOMEM;
	*ret = (uint32_t)document->count++;
	document->nodes[*ret] = (struct json_node){.kind = (uint8_t)kind};
	return 0;
}

/* The four digits behind a \u; -1. */
static int read_unit(struct reading *reading)
{
	int unit = 0;

	if (reading->n - reading->at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int digit = hex_digit(reading->text[reading->at++]);

		if (digit < 0)
			return -1;
		unit = unit * 16 + digit;
	}
	return unit;
}

static void put_char(struct json_document *document, unsigned c)
{
	document->chars[document->chars_used++] = (char)c;
}

/* Never longer than the escape that stands for it.  Half a pair, and NUL, which would end
 * the text, become U+FFFD. */
static void put_code(struct json_document *document, unsigned code)
{
	if (!code || (code >= 0xd800 && code < 0xe000))
		code = 0xfffd;
	if (code < 0x80) {
		put_char(document, code);
	} else if (code < 0x800) {
		put_char(document, 0xc0 | code >> 6);
		put_char(document, 0x80 | (code & 0x3f));
	} else if (code < 0x10000) {
		put_char(document, 0xe0 | code >> 12);
		put_char(document, 0x80 | (code >> 6 & 0x3f));
		put_char(document, 0x80 | (code & 0x3f));
	} else {
		put_char(document, 0xf0 | code >> 18);
		put_char(document, 0x80 | (code >> 12 & 0x3f));
		put_char(document, 0x80 | (code >> 6 & 0x3f));
		put_char(document, 0x80 | (code & 0x3f));
	}
}

static int read_escape(struct reading *reading)
{
	static const char letters[] = "\"\\/bfnrt", codes[] = "\"\\/\b\f\n\r\t";
	const char *letter;
	int unit, low;

	if (reading->at == reading->n)
		return -EBADMSG;
	if (reading->text[reading->at] != 'u') {
		letter = memchr(letters, reading->text[reading->at++],
				sizeof(letters) - 1);
		if (!letter)
			return -EBADMSG;
		put_char(reading->document, (unsigned char)codes[letter - letters]);
		return 0;
	}
	reading->at++;
	unit = read_unit(reading);
	if (unit < 0)
		return -EBADMSG;
	while (unit >= 0xd800 && unit < 0xdc00 && take(reading, "\\u")) {
		low = read_unit(reading);
		if (low < 0)
			return -EBADMSG;
		if (low >= 0xdc00 && low < 0xe000) {
			unit = 0x10000 + (unit - 0xd800) * 0x400 + (low - 0xdc00);
			break;
		}
		/* Half of a pair alone; what follows stands for itself. */
		put_code(reading->document, 0xfffd);
		unit = low;
	}
	put_code(reading->document, (unsigned)unit);
	return 0;
}

/* Behind the opening quote. */
static int read_string(struct reading *reading, uint32_t node)
{
	struct json_document *document = reading->document;
	size_t begin = document->chars_used;

	while (reading->at < reading->n) {
		char c = reading->text[reading->at++];
		int r;

		if (c == '"') {
			put_char(document, 0);
			document->nodes[node].text = document->chars + begin;
			return 0;
		}
		if ((unsigned char)c < 0x20)
			return -EBADMSG;
		if (c != '\\') {
			put_char(document, (unsigned char)c);
			continue;
		}
		r = read_escape(reading);
		if (r < 0)
			return r;
	}
	return -EBADMSG;
}

static bool is_digit(const struct reading *reading)
{
	return reading->at < reading->n && reading->text[reading->at] >= '0' &&
	       reading->text[reading->at] <= '9';
}

static int skip_digits(struct reading *reading)
{
	if (!is_digit(reading))
		return -EBADMSG;
	while (is_digit(reading))
		reading->at++;
	return 0;
}

static int read_number(struct reading *reading, int64_t *ret)
{
	bool is_negative = take(reading, "-");
	int64_t value = 0;

	if (!is_digit(reading))
		return -EBADMSG;
	while (is_digit(reading)) {
		int digit = reading->text[reading->at++] - '0';

		if (value > (INT64_MAX - digit) / 10)
			value = INT64_MAX;
		else
			value = value * 10 + digit;
	}
	*ret = is_negative ? -value : value;
	if (take(reading, ".") && skip_digits(reading) < 0)
		return -EBADMSG;
	if (take(reading, "e") || take(reading, "E")) {
		if (!take(reading, "+"))
			take(reading, "-");
		return skip_digits(reading);
	}
	return 0;
}

static int read_value(struct reading *reading, unsigned depth);

static int read_members(struct reading *reading, uint32_t node, bool is_object,
			unsigned depth)
{
	const char *end = is_object ? "}" : "]";
	uint32_t count = 0;
	int r;

	skip_space(reading);
	if (take(reading, end))
		return 0;
	do {
		skip_space(reading);
		if (is_object) {
			if (reading->at == reading->n ||
			    reading->text[reading->at] != '"')
				return -EBADMSG;
			r = read_value(reading, depth);
			if (r < 0)
				return r;
			skip_space(reading);
			if (!take(reading, ":"))
				return -EBADMSG;
			count++;
		}
		r = read_value(reading, depth);
		if (r < 0)
			return r;
		count++;
		skip_space(reading);
	} while (take(reading, ","));
	reading->document->nodes[node].members = count;
	return take(reading, end) ? 0 : -EBADMSG;
}

static int read_value(struct reading *reading, unsigned depth)
{
	static const char *const words[] = {
		[JSON_NULL] = "null", [JSON_FALSE] = "false", [JSON_TRUE] = "true"};
	enum json_kind kind = JSON_NUMBER;
	int64_t number = 0;
	uint32_t node;
	int r;

	if (depth == DEPTH_MOST)
		return -EBADMSG;
	skip_space(reading);
	if (take(reading, "\""))
		kind = JSON_STRING;
	else if (take(reading, "["))
		kind = JSON_ARRAY;
	else if (take(reading, "{"))
		kind = JSON_OBJECT;
	for (enum json_kind word = JSON_NULL; kind == JSON_NUMBER && word <= JSON_TRUE;
	     word++) {
		if (take(reading, words[word]))
			kind = word;
	}
	r = add_node(reading, kind, &node);
	if (r < 0)
		return r;
	if (kind == JSON_STRING) {
		r = read_string(reading, node);
	} else if (kind == JSON_ARRAY || kind == JSON_OBJECT) {
		r = read_members(reading, node, kind == JSON_OBJECT, depth + 1);
	} else if (kind == JSON_NUMBER) {
		r = read_number(reading, &number);
		reading->document->nodes[node].number = number;
	}
	reading->document->nodes[node].next = (uint32_t)reading->document->count;
	return r;
}

int json_document_parse(struct json_document *document, const char *text, size_t n)
{
	struct reading reading = {.document = document, .text = text, .n = n};
	int r;

	document->count = document->chars_used = 0;
	/* Unescaped, a string needs no more than with its quotes. */
	if (n >= UINT32_MAX ||
	    array_reserve(&document->chars, &document->char_room, n + 1, 1) < 0)
		return -ENOMEM;
	r = read_value(&reading, 0);
	if (r < 0)
		goto out;
	skip_space(&reading);
	r = reading.at == n ? 0 : -EBADMSG;
out:
	if (r < 0)
		document->count = 0;
	return r;
}

static const struct json_node *node_of(const struct json_document *document,
				       uint32_t node, enum json_kind kind)
{
	if (node >= document->count || document->nodes[node].kind != kind)
		return NULL;
	return &document->nodes[node];
}

uint32_t json_member(const struct json_document *document, uint32_t object,
		     const char *key)
{
	const struct json_node *it = node_of(document, object, JSON_OBJECT);
	uint32_t at = object + 1;

	if (!it)
		return 0;
	for (uint32_t i = 0; i < it->members; i += 2) {
		uint32_t value = document->nodes[at].next;

		if (strcmp(document->nodes[at].text, key) == 0)
			return value;
		at = document->nodes[value].next;
	}
	return 0;
}

uint32_t json_first(const struct json_document *document, uint32_t array)
{
	const struct json_node *it = node_of(document, array, JSON_ARRAY);

	return it && it->members ? array + 1 : 0;
}

uint32_t json_next(const struct json_document *document, uint32_t array, uint32_t member)
{
	uint32_t next = document->nodes[member].next;

	return next < document->nodes[array].next ? next : 0;
}

int64_t json_int(const struct json_document *document, uint32_t object, const char *key,
		 int64_t fallback)
{
	const struct json_node *it =
		node_of(document, json_member(document, object, key), JSON_NUMBER);

	return it ? it->number : fallback;
}

uint32_t json_count(const struct json_document *document, uint32_t object,
		    const char *key, uint32_t most)
{
	int64_t number = json_int(document, object, key, 0);

	return number < 0 || number > most ? 0 : (uint32_t)number;
}

bool json_bool(const struct json_document *document, uint32_t object, const char *key)
{
	uint32_t member = json_member(document, object, key);

	return member && document->nodes[member].kind == JSON_TRUE;
}

const char *json_text(const struct json_document *document, uint32_t object,
		      const char *key)
{
	const struct json_node *it =
		node_of(document, json_member(document, object, key), JSON_STRING);

	return it ? it->text : NULL;
}

uint64_t json_hex(const struct json_document *document, uint32_t object, const char *key)
{
	const char *text = json_text(document, object, key);
	uint64_t value = 0;

	for (; text && *text && hex_digit(*text) >= 0; text++)
		value = value << 4 | (uint64_t)hex_digit(*text);
	return value;
}
