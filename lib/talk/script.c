/* The language of scripts: read. */
#include "talk/script.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <sonde/text.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/hex.h"
#include "base/limits.h"

enum { WITHIN_S = 10 }; /* without `timeout` */

struct reader {
	struct sonde_script *script;
	const char *at, *end; /* of the line that is being read */
	const char *what_end; /* in it: where "within" could follow; NULL nowhere */
	unsigned line;
	int64_t within_ns;
	bool is_closed; /* by `close` */
	struct sonde_error *err;
};

static int refuse(const struct reader *reader, const char *hint, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static int refuse(const struct reader *reader, const char *hint, const char *format, ...)
{
	char subject[160], reason[200];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reason, sizeof(reason), format, arguments);
	va_end(arguments);
	snprintf(subject, sizeof(subject), "%s:%u", reader->script->name, reader->line);
	sonde_error_set(reader->err, SONDE_ERROR_USAGE, -EINVAL, "read script", subject,
			"%s", reason);
	sonde_error_hint(reader->err, "%s", hint);
	return -EINVAL;
}

/* --- words */

static void skip_blanks(struct reader *reader)
{
	while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\t'))
		reader->at++;
}

static bool is_at_end(struct reader *reader)
{
	skip_blanks(reader);
	return reader->at == reader->end || *reader->at == '#';
}

/* A word, cut where there is no room for more; "" at the end of the line. */
static void read_word(struct reader *reader, char *ret, size_t capacity)
{
	size_t used = 0;

	skip_blanks(reader);
	while (reader->at < reader->end && *reader->at != ' ' && *reader->at != '\t') {
		if (used + 1 < capacity)
			ret[used++] = *reader->at;
		reader->at++;
	}
	ret[used] = '\0';
}

static int read_duration(struct reader *reader, int64_t *ret)
{
	char word[32];

	read_word(reader, word, sizeof(word));
	long long ns = sonde_text_parse_duration(word);
	if (ns < 0)
		return refuse(reader, "durations have a unit: 250ms, 5s, 2m",
			      "%.30s is no duration", word[0] ? word : "nothing");
	*ret = ns;
	return 0;
}

/* Behind a backslash.  The byte, or -EINVAL. */
static int read_escape(struct reader *reader)
{
	static const char names[] = "nrt0\\\"", bytes[] = "\n\r\t\0\\\"";

	if (reader->at == reader->end)
		return refuse(reader, "\\\\ is a backslash", "nothing follows a \\");
	char name = *reader->at++;
	if (name == 'x') {
		int high = reader->end - reader->at >= 2 ? hex_digit(reader->at[0]) : -1;
		int low = high < 0 ? -1 : hex_digit(reader->at[1]);
		if (low < 0)
			return refuse(reader, "as in \\x0d",
				      "two hexadecimal digits follow \\x");
		reader->at += 2;
		return high << 4 | low;
	}
	const char *found = memchr(names, name, sizeof(names) - 1);
	if (!found)
		return refuse(reader, "there are \\n \\r \\t \\0 \\\\ \\\" and \\xNN",
			      "there is no \\%c",
			      name >= ' ' && name <= '~' ? name : '?');
	return (uint8_t)bytes[found - names];
}

/* "..." with its escapes, or /.../ as it is.  On success *ret is owned, and has a NUL
 * behind it. */
static int read_text(struct reader *reader, uint8_t **ret, size_t *ret_count)
{
	char quote;
	size_t used = 0;

	skip_blanks(reader);
	if (reader->at == reader->end || (*reader->at != '"' && *reader->at != '/'))
		return refuse(reader, "as in \"220 \", or /^220 /",
			      "a text in \"...\" is missing");
	quote = *reader->at++;
	uint8_t *bytes = array_new((size_t)(reader->end - reader->at) + 1, 1);
	if (!bytes)
		return sonde_error_set(reader->err, SONDE_ERROR_TROUBLE, -ENOMEM,
				       "read script", reader->script->name, NULL);
	while (reader->at < reader->end && *reader->at != quote) {
		char c = *reader->at++;
		if (quote == '/' && c == '\\' && reader->at < reader->end) {
			if (*reader->at != '/')
				bytes[used++] = (uint8_t)c;
			bytes[used++] = (uint8_t)*reader->at++;
			continue;
		}
		int byte = quote == '"' && c == '\\' ? read_escape(reader) : (uint8_t)c;
		if (byte < 0) {
			array_free(bytes);
			return byte;
		}
		bytes[used++] = (uint8_t)byte;
	}
	if (reader->at == reader->end) {
		array_free(bytes);
		return refuse(reader, "a text does not go on in the next line",
			      "the %c at its end is missing", quote);
	}
	reader->at++;
	*ret = bytes;
	*ret_count = used;
	return quote;
}

/* --- steps */

static int compile(struct reader *reader, struct script_step *step)
{
	int code;
	size_t at;
	PCRE2_UCHAR text[120];

	step->regex = pcre2_compile(step->bytes, step->count,
				    PCRE2_MULTILINE | PCRE2_DOTALL, &code, &at, NULL);
	if (step->regex)
		return 0;
	pcre2_get_error_message(code, text, sizeof(text));
	return refuse(reader, "pcre2pattern(3) has the language",
		      "the expression is wrong at character %zu: %s", at,
		      (const char *)text);
}

static int read_expect(struct reader *reader, struct script_step *step)
{
	char word[16];

	skip_blanks(reader);
	if (!is_at_end(reader) && *reader->at != '"' && *reader->at != '/') {
		read_word(reader, word, sizeof(word));
		if (strcmp(word, "end") != 0)
			return refuse(reader, "expect \"TEXT\", /REGEX/ or end",
				      "what to expect is not clear");
		step->verb = SCRIPT_EXPECT_END;
	} else {
		int quote = read_text(reader, &step->bytes, &step->count);
		if (quote < 0)
			return quote;
		step->verb = quote == '/' ? SCRIPT_EXPECT_REGEX : SCRIPT_EXPECT;
		if (step->count == 0)
			return refuse(reader, "name what shall come",
				      "an empty text is always there");
		int r = quote == '/' ? compile(reader, step) : 0;
		if (r < 0)
			return r;
	}
	reader->what_end = reader->at;
	if (is_at_end(reader))
		return 0;
	read_word(reader, word, sizeof(word));
	if (strcmp(word, "within") != 0)
		return refuse(reader, "behind it only `within DURATION` may stand",
			      "what follows the text is not clear");
	return read_duration(reader, &step->within_ns);
}

static int read_send(struct reader *reader, struct script_step *step)
{
	int quote = read_text(reader, &step->bytes, &step->count);

	if (quote == '/')
		return refuse(reader, "\"...\" is sent", "an expression cannot be sent");
	if (quote >= 0 && step->verb == SCRIPT_LINE)
		step->bytes[step->count++] = '\n'; /* in the place of a quotation mark */
	return quote < 0 ? quote : 0;
}

static const char *const words[] = {"send", "line", "expect", "timeout",
				    "tls",  "wait", "end",    "close"};

enum word {
	WORD_SEND,
	WORD_LINE,
	WORD_EXPECT,
	WORD_TIMEOUT,
	WORD_TLS,
	WORD_WAIT,
	WORD_END,
	WORD_CLOSE,
	WORDS
};

static int refuse_word(const struct reader *reader, const char *word)
{
	char storage[64], hint[96];
	struct sonde_text text;
	const char *nearest = sonde_text_nearest(word, words, WORDS);

	sonde_text_init(&text, storage, sizeof(storage));
	sonde_text_add_escaped(&text, word, strlen(word));
	if (nearest)
		snprintf(hint, sizeof(hint), "did you mean %s?", nearest);
	else
		snprintf(hint, sizeof(hint),
			 "send, line, expect, timeout, tls, wait, end, close");
	return refuse(reader, hint, "%s is no step", storage);
}

/* One step of the line.  0: there is none in it; 1: in *step. */
static int read_step(struct reader *reader, struct script_step *step)
{
	char word[32];
	size_t i = 0;
	int r = 0;

	if (is_at_end(reader))
		return 0;
	read_word(reader, word, sizeof(word));
	while (i < WORDS && strcmp(words[i], word) != 0)
		i++;
	if (i == WORDS)
		return refuse_word(reader, word);
	if (reader->is_closed)
		return refuse(reader, "the connection is closed there",
			      "nothing may follow close");
	switch ((enum word)i) {
	case WORD_SEND:
	case WORD_LINE:
		step->verb = i == WORD_SEND ? SCRIPT_SEND : SCRIPT_LINE;
		r = read_send(reader, step);
		break;
	case WORD_EXPECT:
		r = read_expect(reader, step);
		break;
	case WORD_TIMEOUT:
		r = read_duration(reader, &reader->within_ns);
		break;
	case WORD_TLS:
		step->verb = SCRIPT_TLS;
		break;
	case WORD_WAIT:
		step->verb = SCRIPT_WAIT;
		r = read_duration(reader, &step->within_ns);
		break;
	case WORD_END:
		step->verb = SCRIPT_END;
		break;
	case WORD_CLOSE:
	case WORDS:
		step->verb = SCRIPT_CLOSE;
		reader->is_closed = true;
		break;
	}
	if (r < 0)
		return r;
	if (!is_at_end(reader))
		return refuse(reader, "one step a line; # begins a comment",
			      "something follows the step");
	return i != WORD_TIMEOUT;
}

static void drop(struct script_step *step)
{
	array_free(step->bytes);
	array_free(step->source);
	pcre2_code_free(step->regex);
}

/* From its first word to its last.  A NUL would be its end. */
static int keep_source(const struct reader *reader, const char *begin,
		       struct script_step *step)
{
	size_t n = (size_t)(reader->at - begin);

	while (n > 0 && (begin[n - 1] == ' ' || begin[n - 1] == '\t'))
		n--;
	step->source = array_new(n + 1, 1);
	if (!step->source)
		return sonde_error_set(reader->err, SONDE_ERROR_TROUBLE, -ENOMEM,
				       "read script", reader->script->name, NULL);
	for (size_t i = 0; i < n; i++)
		step->source[i] = begin[i] ? begin[i] : '.';
	step->what_count = reader->what_end ? (size_t)(reader->what_end - begin) : n;
	return 1;
}

static int read_line(struct reader *reader)
{
	struct sonde_script *script = reader->script;
	struct script_step step = {
		.line = reader->line,
		.within_ns = reader->within_ns,
	};

	skip_blanks(reader);
	const char *begin = reader->at;
	reader->what_end = NULL;
	int r = read_step(reader, &step);
	if (r > 0)
		r = keep_source(reader, begin, &step);
	if (r > 0 && script->count == LIMIT_SCRIPT_STEPS)
		r = refuse(reader, "call sonde more than once", "it has too many steps");
	if (r > 0 && array_reserve(&script->steps, &script->capacity, script->count + 1,
				   sizeof(*script->steps)) < 0)
		r = sonde_error_set(reader->err, SONDE_ERROR_TROUBLE, -ENOMEM,
				    "read script", script->name, NULL);
	if (r <= 0) {
		drop(&step);
		return r;
	}
	script->steps[script->count++] = step;
	return 0;
}

int sonde_script_new(const char *name, const char *text, size_t n,
		     struct sonde_script **ret, struct sonde_error *err)
{
	struct sonde_script *script = array_new(1, sizeof(*script));
	struct reader reader = {
		.script = script,
		.within_ns = WITHIN_S * NS_PER_S,
		.err = err,
	};
	int r = 0;

	if (!script)
		return sonde_error_set(err, SONDE_ERROR_TROUBLE, -ENOMEM, "read script",
				       name, NULL);
	snprintf(script->name, sizeof(script->name), "%s", name);
	for (const char *at = text, *end = text + n; r == 0 && at < end;) {
		const char *feed = memchr(at, '\n', (size_t)(end - at));
		const char *stop = feed ? feed : end;

		reader.line++;
		reader.at = at;
		reader.end = stop > at && stop[-1] == '\r' ? stop - 1 : stop;
		r = read_line(&reader);
		at = stop + 1;
	}
	if (r == 0 && script->count == 0) {
		reader.line = reader.line ? reader.line : 1;
		r = refuse(&reader, "as in: expect \"220 \"", "there is no step in it");
	}
	if (r < 0) {
		sonde_script_free(script);
		return r;
	}
	*ret = script;
	return 0;
}

void sonde_script_free(struct sonde_script *script)
{
	if (!script)
		return;
	for (size_t i = 0; i < script->count; i++)
		drop(&script->steps[i]);
	array_free(script->steps);
	array_free(script);
}
