/* Who a mail says that it is from: the envelope (MAIL FROM) and the header (From).
 *
 * They differ for good reason where the header names the sender, too (RFC 5322, 3.6.2), in
 * mails of lists (RFC 2919), and in reports, whose envelope has none. */
#include "timeline/said.h"

#include <string.h>
#include <strings.h>

#include <sonde/text.h>

static void copy(char to[SAID_CHARS], const char *bytes, size_t n)
{
	struct sonde_text text;

	sonde_text_init(&text, to, SAID_CHARS);
	sonde_text_add_escaped(&text, bytes, n);
}

void said_mail_begin(struct said_mail *mail, const uint8_t *line, size_t n)
{
	const char *text = (const char *)line;
	const char *open = memchr(text, '<', n);
	const char *close = open ? memchr(open, '>', n - (size_t)(open - text)) : NULL;

	*mail = (struct said_mail){0};
	if (close)
		copy(mail->envelope, open + 1, (size_t)(close - open - 1));
}

void said_mail_open(struct said_mail *mail)
{
	mail->in_header = true;
	mail->length = 0;
	mail->last = '\n';
}

static bool is_field(const struct said_mail *mail, const char *name)
{
	size_t n = strlen(name);

	return mail->length > n && strncasecmp(mail->field, name, n) == 0 &&
	       mail->field[n] == ':';
}

static bool has_address(const char *text, const char *address)
{
	return strcasestr(text, address) != NULL;
}

/* A field is whole when the next line does not go on with it. */
static void end_field(struct said_mail *mail)
{
	mail->field[mail->length] = '\0';
	if (is_field(mail, "From") && !mail->from[0]) {
		const char *value = mail->field + strlen("From:");

		while (*value == ' ' || *value == '\t')
			value++;
		copy(mail->from, value, strlen(value));
	} else if (is_field(mail, "Sender") || is_field(mail, "Resent-Sender") ||
		   is_field(mail, "Resent-From")) {
		mail->is_by_sender |= has_address(mail->field, mail->envelope);
	} else if (is_field(mail, "List-Id") || is_field(mail, "List-Unsubscribe") ||
		   is_field(mail, "List-Post")) {
		mail->is_list = true;
	}
	mail->length = 0;
}

static bool differs(const struct said_mail *mail)
{
	return mail->envelope[0] && strchr(mail->from, '@') && !mail->is_list &&
	       !mail->is_by_sender && !has_address(mail->from, mail->envelope);
}

bool said_mail_take(struct said_mail *mail, const uint8_t *bytes, size_t n,
		    struct sonde_saying *ret)
{
	for (size_t i = 0; i < n; i++) {
		uint8_t byte = bytes[i];

		if (byte == '\n' && mail->last != '\r')
			mail->has_line_feed = true;
		if (mail->in_header && mail->last == '\n' && byte != ' ' &&
		    byte != '\t') {
			end_field(mail);
			if (byte == '\r' || byte == '\n')
				mail->in_header = false;
		}
		mail->last = byte;
		if (!mail->in_header) {
			if (!differs(mail))
				mail->envelope[0] = '\0';
			continue;
		}
		if (byte != '\r' && byte != '\n' && byte &&
		    mail->length + 1 < sizeof(mail->field))
			mail->field[mail->length++] = (char)byte;
	}
	if (mail->in_header || !mail->envelope[0])
		return false;
	*ret = (struct sonde_saying){.kind = SONDE_SAYS_FROM_DIFFERS,
				     .text = mail->envelope,
				     .more = mail->from};
	return true;
}
