/* The parser of the option tables. */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/text.h>

#include "option.h"

enum { WORDS_OFFERED = 128 }; /* names that a suggestion chooses from */

int arguments_init(struct arguments *arguments, int argc)
{
	size_t room = (size_t)argc + 1;

	memset(arguments, 0, sizeof(*arguments));
	arguments->values = calloc(room, sizeof(*arguments->values));
	arguments->operands = calloc(room, sizeof(*arguments->operands));
	if (!arguments->values || !arguments->operands) {
		arguments_done(arguments);
		return -ENOMEM;
	}
	return 0;
}

void arguments_done(struct arguments *arguments)
{
	free(arguments->values);
	free(arguments->operands);
	memset(arguments, 0, sizeof(*arguments));
}

static int refuse(struct sonde_error *err, const struct option_syntax *syntax,
		  const char *word, size_t n, const char *reason)
{
	char subject[128];

	snprintf(subject, sizeof(subject), "%.*s", (int)(n < 100 ? n : 100), word);
	return sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, syntax->operation,
			       subject, "%s", reason);
}

/* "-" and the like are operands; "-7" is one where the command says so. */
static bool is_option_word(const struct option_syntax *syntax, const char *word)
{
	if (word[0] != '-' || word[1] == '\0')
		return false;
	return !(syntax->has_negative_operands && isdigit((unsigned char)word[1]));
}

static const struct option *find_long(const struct option_syntax *syntax,
				      const char *name, size_t n)
{
	for (size_t i = 0; i < 2; i++) {
		for (const struct option *o = syntax->tables[i]; o && o->name; o++) {
			if (strncmp(o->name, name, n) == 0 && o->name[n] == '\0')
				return o;
		}
	}
	return NULL;
}

static const struct option *find_letter(const struct option_syntax *syntax, char letter)
{
	for (size_t i = 0; i < 2; i++) {
		for (const struct option *o = syntax->tables[i]; o && o->name; o++) {
			if (o->letter == letter)
				return o;
		}
	}
	return NULL;
}

/* The row of word[0..n), or NULL. */
static const struct foreign_option *find_foreign(const struct option_syntax *syntax,
						 const char *word, size_t n)
{
	for (const struct foreign_option *o = syntax->foreign; o && o->word; o++) {
		if (strncmp(o->word, word, n) == 0 && o->word[n] == '\0')
			return o;
	}
	return NULL;
}

static void suggest_option(struct sonde_error *err, const struct option_syntax *syntax,
			   const char *name, size_t n)
{
	const char *words[WORDS_OFFERED];
	size_t count = 0;
	char typed[64];
	const char *nearest;
	const struct foreign_option *foreign;

	for (size_t i = 0; i < 2; i++) {
		for (const struct option *o = syntax->tables[i];
		     o && o->name && count < WORDS_OFFERED; o++)
			words[count++] = o->name;
	}
	snprintf(typed, sizeof(typed), "%.*s", (int)(n < 60 ? n : 60), name);
	nearest = sonde_text_nearest(typed, words, count);
	foreign = find_foreign(syntax, err->subject, 2); /* "-l" of "-lvnp" */
	if (nearest)
		sonde_error_hint(err, "did you mean --%s?", nearest);
	else if (foreign)
		sonde_error_hint(err, "%s", foreign->hint);
	else if (syntax->operation[0])
		sonde_error_hint(err, "sonde help %s lists the options",
				 syntax->operation);
	else
		sonde_error_hint(err, "sonde --help lists the options");
}

/* "10%", "0.25%": in parts of a million, which leaves four digits behind the point. */
static int parse_probability(const char *text, long long *ret)
{
	const long long percent = 10000;
	long long value = 0, weight = percent / 10;
	const char *at = text;

	for (; *at >= '0' && *at <= '9'; at++) {
		value = value * 10 + (*at - '0') * percent;
		if (value > 100 * percent)
			return -ERANGE;
	}
	if (at == text)
		return -EINVAL;
	if (*at == '.') {
		const char *point = at++;
		for (; *at >= '0' && *at <= '9'; at++, weight /= 10)
			value += (*at - '0') * weight;
		if (at - point < 2 || at - point > 5)
			return -EINVAL;
	}
	if (strcmp(at, "%") != 0)
		return -EINVAL;
	*ret = value;
	return value > 100 * percent ? -ERANGE : 0;
}

static int parse_size(const char *text, long long *ret)
{
	unsigned shift = 0;
	size_t n = strlen(text);
	char digits[32];
	long long number;
	int r;

	if (n > 0) {
		switch (text[n - 1]) {
		case 'k':
			shift = 10;
			break;
		case 'M':
			shift = 20;
			break;
		case 'G':
			shift = 30;
			break;
		default:
			break;
		}
	}
	if (shift)
		n--;
	if (n >= sizeof(digits))
		return -EINVAL;
	memcpy(digits, text, n);
	digits[n] = '\0';
	r = sonde_text_parse_int(digits, 0, LLONG_MAX >> shift, &number);
	if (r < 0)
		return r;
	*ret = number << shift;
	return 0;
}

static void list_choices(const struct option *option, char *ret, size_t capacity)
{
	struct sonde_text text;

	sonde_text_init(&text, ret, capacity);
	for (size_t i = 0; option->choices[i]; i++)
		sonde_text_add(&text, "%s%s", i ? ", " : "", option->choices[i]);
}

/* In the largest unit that says it exactly. */
static const char *format_size(long long bytes, char *ret, size_t capacity)
{
	static const char units[] = {'\0', 'k', 'M', 'G'};
	unsigned unit = 0;

	while (bytes && bytes % 1024 == 0 && unit + 1 < sizeof(units)) {
		bytes /= 1024;
		unit++;
	}
	snprintf(ret, capacity, "%lld%c", bytes, units[unit]);
	return ret;
}

static void hint_size(const struct option *o, struct sonde_error *err)
{
	static const char units[] = "with k, M or G for more";
	char least[32], most[32];

	format_size(o->least, least, sizeof(least));
	format_size(o->most, most, sizeof(most));
	if (o->most == 0)
		sonde_error_hint(err, "a number of bytes, %s", units);
	else if (o->most == LLONG_MAX)
		sonde_error_hint(err, "%s bytes at least, %s", least, units);
	else
		sonde_error_hint(err, "%s to %s bytes, %s%s%s", least, most, units,
				 o->advice ? "; " : "", o->advice ? o->advice : "");
}

/* Fills value->number from its text; says in *err what does not fit. */
static int read_number(struct option_value *value, const struct option_syntax *syntax,
		       struct sonde_error *err)
{
	const struct option *o = value->option;
	long long most = o->least == 0 && o->most == 0 ? LLONG_MAX : o->most;
	char subject[160], list[160];
	size_t count = 0;
	const char *nearest;
	int r = 0;

	switch (o->type) {
	case OPTION_FLAG:
	case OPTION_TEXT:
	case OPTION_FILE:
		return 0;
	case OPTION_INT:
		r = sonde_text_parse_int(value->text, o->least, most, &value->number);
		break;
	case OPTION_SIZE:
		r = parse_size(value->text, &value->number);
		if (r == 0 && (value->number < o->least || value->number > most))
			r = -ERANGE;
		break;
	case OPTION_DURATION:
		value->number = sonde_text_parse_duration(value->text);
		r = value->number < 0          ? (int)value->number
		    : value->number < o->least ? -ERANGE
					       : 0;
		break;
	case OPTION_PROBABILITY:
		r = parse_probability(value->text, &value->number);
		break;
	case OPTION_CHOICE:
		r = -EINVAL;
		for (; o->choices[count]; count++) {
			if (strcmp(o->choices[count], value->text) == 0) {
				value->number = (long long)count;
				r = 0;
			}
		}
		break;
	}
	if (r == 0)
		return 0;

	snprintf(subject, sizeof(subject), "--%s %.100s", o->name,
		 value->text[0] ? value->text : "''");
	switch (o->type) {
	case OPTION_CHOICE:
		list_choices(o, list, sizeof(list));
		refuse(err, syntax, subject, strlen(subject), "not one of the values");
		nearest = sonde_text_nearest(value->text, o->choices, count);
		if (nearest)
			sonde_error_hint(err, "did you mean %s? (one of %s)", nearest,
					 list);
		else
			sonde_error_hint(err, "one of %s", list);
		break;
	case OPTION_DURATION:
		refuse(err, syntax, subject, strlen(subject),
		       r == -ERANGE ? "out of range" : "not a duration");
		sonde_error_hint(err, "a number and a unit%s: 250ms, 5s, 2m",
				 o->least ? ", more than 0" : "");
		break;
	case OPTION_PROBABILITY:
		refuse(err, syntax, subject, strlen(subject),
		       r == -ERANGE ? "out of range" : "not a probability");
		sonde_error_hint(err, "0%% to 100%%, as in 10%% or 0.5%%");
		break;
	case OPTION_SIZE:
		refuse(err, syntax, subject, strlen(subject),
		       r == -ERANGE ? "out of range" : "not a size");
		hint_size(o, err);
		break;
	default:
		refuse(err, syntax, subject, strlen(subject),
		       r == -ERANGE ? "out of range" : "not a whole number");
		if (most != LLONG_MAX)
			sonde_error_hint(err, "%lld to %lld", o->least, most);
		else
			sonde_error_hint(err, "%lld or more", o->least);
		break;
	}
	return -EINVAL;
}

static int add_value(struct arguments *arguments, const struct option_syntax *syntax,
		     const struct option *option, const char *text,
		     struct sonde_error *err)
{
	struct option_value *value = &arguments->values[arguments->value_count];
	char shown[80];
	int r;

	if (!option->repeats && option->type != OPTION_FLAG &&
	    arguments_has(arguments, option->name)) {
		snprintf(shown, sizeof(shown), "--%s", option->name);
		return refuse(err, syntax, shown, strlen(shown), "given twice");
	}
	value->option = option;
	value->text = text;
	r = read_number(value, syntax, err);
	if (r < 0)
		return r;
	arguments->value_count++;
	return 0;
}

static int refuse_without_value(struct sonde_error *err,
				const struct option_syntax *syntax,
				const struct option *option)
{
	char shown[80], reason[80];

	snprintf(shown, sizeof(shown), "--%s", option->name);
	snprintf(reason, sizeof(reason), "needs a value: --%s %s", option->name,
		 option->argument);
	return refuse(err, syntax, shown, strlen(shown), reason);
}

static int refuse_foreign(const struct option_syntax *syntax, const char *word,
			  struct sonde_error *err)
{
	size_t n = strcspn(word, "=");
	const struct foreign_option *foreign = find_foreign(syntax, word, n);
	char reason[80];

	if (!foreign)
		return 0;
	snprintf(reason, sizeof(reason), "is an option of %s, not of this program",
		 syntax->foreign_of);
	refuse(err, syntax, word, n, reason);
	sonde_error_hint(err, "%s", foreign->hint);
	return -EINVAL;
}

/* --name, --name=value, --name value.  Returns the words used. */
static int parse_long(struct arguments *arguments, const struct option_syntax *syntax,
		      char **words, int count, struct sonde_error *err)
{
	const char *name = words[0] + 2;
	size_t n = strcspn(name, "=");
	const struct option *option = find_long(syntax, name, n);
	const char *text = NULL;
	int used = 1, r;

	if (!option) {
		refuse(err, syntax, words[0], n + 2, "no such option");
		suggest_option(err, syntax, name, n);
		return -EINVAL;
	}
	if (name[n] == '=')
		text = name + n + 1;
	if (option->type == OPTION_FLAG) {
		if (text)
			return refuse(err, syntax, words[0], n + 2, "takes no value");
	} else if (!text) {
		if (count < 2)
			return refuse_without_value(err, syntax, option);
		text = words[1];
		used = 2;
	}
	r = add_value(arguments, syntax, option, text, err);
	return r < 0 ? r : used;
}

/* -a, -abc, -nvalue, -n value.  Returns the words used. */
static int parse_letters(struct arguments *arguments, const struct option_syntax *syntax,
			 char **words, int count, struct sonde_error *err)
{
	for (const char *c = words[0] + 1; *c; c++) {
		const struct option *option = find_letter(syntax, *c);
		const char shown[3] = {'-', *c, '\0'};
		int r;

		if (!option) {
			refuse(err, syntax, c == words[0] + 1 ? words[0] : shown,
			       c == words[0] + 1 ? strlen(words[0]) : 2,
			       "no such option");
			/* "-json" was meant to be "--json". */
			suggest_option(err, syntax, words[0] + 1, strlen(words[0] + 1));
			return -EINVAL;
		}
		if (option->type == OPTION_FLAG) {
			r = add_value(arguments, syntax, option, NULL, err);
			if (r < 0)
				return r;
			continue;
		}
		if (c[1] == '\0' && count < 2)
			return refuse_without_value(err, syntax, option);
		r = add_value(arguments, syntax, option, c[1] ? c + 1 : words[1], err);
		if (r < 0)
			return r;
		return c[1] ? 1 : 2;
	}
	return 1;
}

int arguments_parse(struct arguments *arguments, const struct option_syntax *syntax,
		    char **words, int count, bool stop_before_operand,
		    struct sonde_error *err)
{
	bool options_over = false;
	int at = 0;

	while (at < count) {
		char *word = words[at];
		int r;

		if (!options_over && strcmp(word, "--") == 0) {
			options_over = true;
			at++;
			continue;
		}
		if (options_over || !is_option_word(syntax, word)) {
			if (stop_before_operand)
				return at;
			arguments->operands[arguments->operand_count++] = word;
			options_over = options_over || syntax->stops_at_operand;
			at++;
			continue;
		}
		if (refuse_foreign(syntax, word, err) < 0)
			return -EINVAL;
		if (word[1] == '-')
			r = parse_long(arguments, syntax, words + at, count - at, err);
		else
			r = parse_letters(arguments, syntax, words + at, count - at, err);
		if (r < 0)
			return r;
		at += r;
	}
	return at;
}

size_t arguments_count(const struct arguments *arguments, const char *name)
{
	size_t count = 0;

	for (size_t i = 0; i < arguments->value_count; i++)
		count += strcmp(arguments->values[i].option->name, name) == 0;
	return count;
}

bool arguments_has(const struct arguments *arguments, const char *name)
{
	return arguments_count(arguments, name) > 0;
}

static const struct option_value *find_value(const struct arguments *arguments,
					     const char *name, size_t nth)
{
	for (size_t i = 0; i < arguments->value_count; i++) {
		if (strcmp(arguments->values[i].option->name, name) == 0 && nth-- == 0)
			return &arguments->values[i];
	}
	return NULL;
}

const char *arguments_nth(const struct arguments *arguments, const char *name, size_t i)
{
	const struct option_value *value = find_value(arguments, name, i);

	return value ? value->text : NULL;
}

const char *arguments_text(const struct arguments *arguments, const char *name,
			   const char *fallback)
{
	const struct option_value *value = find_value(arguments, name, 0);

	return value ? value->text : fallback;
}

long long arguments_number(const struct arguments *arguments, const char *name,
			   long long fallback)
{
	const struct option_value *value = find_value(arguments, name, 0);

	assert(!value || value->option->type >= OPTION_INT);
	return value ? value->number : fallback;
}

int arguments_refuse_both(const struct arguments *arguments, const char *operation,
			  const char *a, const char *b, struct sonde_error *err)
{
	char subject[128];

	if (!arguments_has(arguments, a) || !arguments_has(arguments, b))
		return 0;
	snprintf(subject, sizeof(subject), "--%s --%s", a, b);
	return sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, operation, subject,
			       "these two have no meaning together");
}
