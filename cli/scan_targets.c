/* From the words of a command line to the targets of a scan, and the question whether they
 * may be scanned. */
#include "scan_targets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "message.h"

enum { LINE_CHARS = 1024 };

static int read_hex(const char *text)
{
	static const char digits[] = "0123456789abcdef";
	const char *high = text[0] ? strchr(digits, text[0] | 0x20) : NULL;
	const char *low = high && text[1] ? strchr(digits, text[1] | 0x20) : NULL;

	return low ? (int)((high - digits) * 16 + (low - digits)) : -1;
}

char *scan_words_read(const char *text, size_t *ret_bytes)
{
	static const char letters[] = "nrt0\\", values[] = "\n\r\t\0\\";
	char *bytes = malloc(strlen(text) + 2), *to = bytes;
	bool has_escape = false;

	for (; bytes && *text; text++) {
		const char *letter;
		int hex;

		if (*text != '\\') {
			*to++ = *text;
			continue;
		}
		has_escape = true;
		letter = text[1] ? strchr(letters, text[1]) : NULL;
		hex = text[1] == 'x' ? read_hex(text + 2) : -1;
		if (letter) {
			*to++ = values[letter - letters];
			text++;
		} else if (hex >= 0) {
			*to++ = (char)hex;
			text += 3;
		} else {
			free(bytes);
			return NULL;
		}
	}
	if (bytes && !has_escape)
		*to++ = '\n';
	*ret_bytes = bytes ? (size_t)(to - bytes) : 0;
	return bytes;
}

/* What the words of targets are added to. */
struct adding {
	struct sonde_scan *scan;
	struct scan_skips *skips;
	size_t known; /* words that could be used */
};

/* Says where in the file it stands; a byte that ends texts would hide what is behind it. */
static int fail_at(const char *path, unsigned long number, struct sonde_error *err)
{
	char subject[sizeof(err->subject)];

	snprintf(subject, sizeof(subject), "%.96s, line %lu%s%.72s", path, number,
		 err->subject[0] ? ": " : "", err->subject);
	memcpy(err->subject, subject, sizeof(subject));
	return err->code;
}

/* Without its end; how many bytes, LINE_CHARS where it has more, or -1 at the end. */
static int read_line(FILE *file, char *line)
{
	int n = 0, byte = getc(file);

	if (byte == EOF)
		return -1;
	for (; byte != EOF && byte != '\n' && n < LINE_CHARS; byte = getc(file))
		line[n++] = (char)byte;
	line[n < LINE_CHARS ? n : LINE_CHARS - 1] = '\0';
	return n;
}

/* One word; a name that cannot be looked up is said and left out.  Its place is a line of
 * the file at path, or NULL: the command line. */
static int add_target(struct adding *to, const char *word, const char *path,
		      unsigned long number, struct sonde_error *err)
{
	int r = sonde_scan_add_target(to->scan, word, err);

	to->known += r == 0;
	if (r < 0 && path)
		fail_at(path, number, err);
	if (r < 0 && err->kind == SONDE_ERROR_NETWORK) {
		r = scan_skips_add(to->skips, word, err);
		if (r < 0)
			sonde_error_set(err, SONDE_ERROR_TROUBLE, r, "keep",
					"the targets", NULL);
	}
	return r;
}

/* What a line of a file cannot be. */
static int check_line(const char *line, int n, struct sonde_error *err)
{
	if (n == LINE_CHARS)
		return sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, "use target", "",
				       "a line has more than %d characters",
				       LINE_CHARS - 1);
	if (memchr(line, '\0', (size_t)n))
		return sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, "use target", "",
				       "a NUL byte stands in it: is it a text?");
	return 0;
}

static int add_file(struct adding *to, const char *path, struct sonde_error *err)
{
	static const char blank[] = " \t\r\n";
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	unsigned long number = 0;
	char line[LINE_CHARS], *rest = NULL;
	int n, r = 0;

	if (!file)
		return sonde_error_set(
			err, errno == EACCES ? SONDE_ERROR_PERMISSION : SONDE_ERROR_USAGE,
			-errno, "read", path, NULL);
	while (r == 0 && (n = read_line(file, line)) >= 0) {
		number++;
		r = check_line(line, n, err);
		if (r < 0)
			fail_at(path, number, err);
		line[strcspn(line, "#")] = '\0';
		for (char *word = strtok_r(line, blank, &rest); word && r == 0;
		     word = strtok_r(NULL, blank, &rest))
			r = add_target(to, word, path, number, err);
	}
	if (r == 0 && ferror(file))
		r = sonde_error_set(
			err, errno == EISDIR ? SONDE_ERROR_USAGE : SONDE_ERROR_TROUBLE,
			-errno, "read", path, NULL);
	if (file != stdin)
		fclose(file);
	return r;
}

int scan_targets_add(struct sonde_scan *scan, const struct arguments *arguments,
		     struct scan_skips *skips, struct sonde_error *err)
{
	struct adding to = {.scan = scan, .skips = skips};
	const char *text;
	int r = 0;

	for (size_t i = 0; r == 0 && (text = arguments_nth(arguments, "ports", i)); i++)
		r = sonde_scan_add_ports(scan, text, err);
	if (r == 0 && !arguments_has(arguments, "ports"))
		r = sonde_scan_add_default_ports(scan, err);
	for (size_t i = 0; r == 0 && i < arguments->operand_count; i++)
		r = add_target(&to, arguments->operands[i], NULL, 0, err);
	for (size_t i = 0; r == 0 && (text = arguments_nth(arguments, "targets", i)); i++)
		r = add_file(&to, text, err);
	for (size_t i = 0; r == 0 && (text = arguments_nth(arguments, "exclude", i)); i++)
		r = sonde_scan_exclude(scan, text, err);
	for (size_t i = 0; r == 0 && (text = arguments_nth(arguments, "source-pool", i));
	     i++)
		r = sonde_scan_add_source(scan, text, err);
	return r == 0 && skips->count > 0 && to.known == 0 ? 1 : r;
}

int scan_targets_permit(struct sonde_scan *scan, const struct arguments *arguments,
			struct sonde_error *err)
{
	struct sonde_address address;
	char host[SONDE_ADDRESS_CHARS], answer[16];
	int r = sonde_scan_check(scan, &address, err);

	if (r <= 0 || arguments_has(arguments, "yes-i-may"))
		return r < 0 ? r : 0;
	sonde_address_format_host(&address, host);
	if (isatty(STDIN_FILENO)) {
		message_say("%s is a public address. Scanning machines without their "
			    "owner's permission may be an offence.",
			    host);
		fputs("May you scan it? [y/N] ", stderr);
		if (fgets(answer, sizeof(answer), stdin) &&
		    (answer[0] == 'y' || answer[0] == 'Y'))
			return 0;
	}
	sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, "scan", host,
			"it is a public address, and nobody said that you may scan it");
	sonde_error_hint(err, "--yes-i-may says so; loopback, link-local and private "
			      "addresses need no such word");
	return -EINVAL;
}
