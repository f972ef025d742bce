/* What programs said: the dissectors take the packets apart, and of their fields the few
 * that findings ask for become sayings. */
#include "timeline/said.h"

#include <errno.h>
#include <string.h>

#include <sonde/text.h>

#include "base/array.h"
#include "base/content.h"
#include "base/limits.h"

enum word {
	SMTP_USER,
	SMTP_PASSWORD,
	SMTP_LINE,
	SMTP_REPLY,
	SMTP_MESSAGE,
	IMAP_USER,
	IMAP_PASSWORD,
	IMAP_LINE,
	HTTP_BASIC,
	HTTP_LINE,
	CALC,
	WORDS,
};

static const char *const names[WORDS] = {
	[SMTP_USER] = "smtp.auth.username",
	[SMTP_PASSWORD] = "smtp.auth.password",
	[SMTP_LINE] = "smtp.command_line",
	[SMTP_REPLY] = "smtp.response",
	[SMTP_MESSAGE] = "smtp.message",
	[IMAP_USER] = "imap.request.username",
	[IMAP_PASSWORD] = "imap.request.password",
	[IMAP_LINE] = "imap.line",
	[HTTP_BASIC] = "http.authbasic",
	[HTTP_LINE] = "http.request.line",
	[CALC] = "calc",
};

/* Of a conversation that said something. */
struct talk {
	struct said_mail mail;
	bool had_line_feed[2]; /* one of each side is enough */
	bool is_clear; /* AUTH LOGIN or PLAIN: what it says is no proof, it is it */
};

struct said {
	struct sonde_dissector *dissector; /* owned */
	uint16_t fields[WORDS];
	struct talk *talks;
	size_t talk_count, talk_room;
	uint32_t *of_stream; /* [2 * stream + is UDP]: its talk, from 1 */
	size_t stream_room;
};

/* What one packet's fields are taken with. */
struct taking {
	struct said *said;
	struct sonde_recording *recording;
	struct sonde_packet *packet;
	const struct sonde_dissection *dissection;
	const struct sonde_frame *frame;
	int error;
};

int said_new(struct said **ret)
{
	struct said *said = array_new(1, sizeof(*said));
	int r = said ? sonde_dissector_new(&said->dissector) : -ENOMEM;

	for (unsigned i = 0; i < WORDS && r >= 0; i++) {
		r = sonde_field_find(names[i], strlen(names[i]));
		if (r < 0)
			continue;
		said->fields[i] = (uint16_t)r;
		r = sonde_dissector_want(said->dissector, said->fields[i]);
	}
	if (r < 0) {
		said_free(said);
		return -ENOMEM;
	}
	sonde_dissector_show_secrets(said->dissector);
	*ret = said;
	return 0;
}

void said_free(struct said *said)
{
	if (!said)
		return;
	sonde_dissector_free(said->dissector);
	array_free(said->talks);
	array_free(said->of_stream);
	array_free(said);
}

/* NULL: there are too many, or no memory (then the error is set). */
static struct talk *find_talk(struct taking *taking)
{
	struct said *said = taking->said;
	size_t slot = 2 * (size_t)taking->dissection->stream +
		      (taking->packet->decoded.proto == SONDE_PACKET_UDP);

	if (!taking->dissection->has_stream)
		return NULL;
	if (array_reserve(&said->of_stream, &said->stream_room, slot + 1,
			  sizeof(*said->of_stream)) < 0)
		goto no_memory;
	if (!said->of_stream[slot]) {
		if (said->talk_count == LIMIT_SAID_TALKS)
			return NULL;
		if (array_reserve(&said->talks, &said->talk_room, said->talk_count + 1,
				  sizeof(*said->talks)) < 0)
			goto no_memory;
		said->of_stream[slot] = (uint32_t)++said->talk_count;
	}
	return &said->talks[said->of_stream[slot] - 1];
no_memory:
	taking->error = -ENOMEM;
	return NULL;
}

/* What is past the limit is not said. */
static void add(struct taking *taking, const struct sonde_saying *saying)
{
	struct sonde_packet *packet = taking->packet;
	int r = sonde_recording_add_saying(taking->recording, saying);

	if (r == -ENOMEM)
		taking->error = r;
	if (r < 0)
		return;
	if (!packet->saying_count++)
		packet->saying = (uint32_t)r;
}

static const char *escape(char storage[SAID_CHARS], const void *bytes, size_t n)
{
	struct sonde_text text;

	sonde_text_init(&text, storage, SAID_CHARS);
	sonde_text_add_escaped(&text, bytes, n);
	return storage;
}

static void add_login(struct taking *taking, enum sonde_saying_kind kind, const char *in,
		      const void *bytes, size_t n)
{
	char text[SAID_CHARS];
	const struct sonde_saying saying = {
		.kind = (uint8_t)kind, .in = in, .text = escape(text, bytes, n)};

	add(taking, &saying);
}

/* "name:password" */
static void add_basic(struct taking *taking, const char *bytes, size_t n)
{
	const char *colon = memchr(bytes, ':', n);

	if (!colon)
		return;
	add_login(taking, SONDE_SAYS_USER, "HTTP Basic", bytes, (size_t)(colon - bytes));
	add_login(taking, SONDE_SAYS_PASSWORD, "HTTP Basic", colon + 1,
		  n - (size_t)(colon + 1 - bytes));
}

static void hear_line(struct taking *taking, const char *in, const uint8_t *line,
		      size_t n)
{
	unsigned side =
		taking->packet->decoded.src.port < taking->packet->decoded.dst.port;
	char text[SAID_CHARS];
	struct sonde_saying saying = {.kind = SONDE_SAYS_LINE_FEED, .in = in};
	struct talk *talk;

	if (!n || line[n - 1] != '\n' || (n > 1 && line[n - 2] == '\r'))
		return;
	talk = find_talk(taking);
	if (!talk || talk->had_line_feed[side])
		return;
	talk->had_line_feed[side] = true;
	saying.text = escape(text, line, n - 1);
	add(taking, &saying);
}

static bool begins(const uint8_t *line, size_t n, const char *word)
{
	size_t length = strlen(word);

	return n >= length && strncasecmp((const char *)line, word, length) == 0;
}

static void hear_command(struct taking *taking, const uint8_t *line, size_t n)
{
	struct talk *talk;

	hear_line(taking, "SMTP", line, n);
	if (begins(line, n, "AUTH ")) {
		talk = find_talk(taking);
		if (talk)
			talk->is_clear = begins(line, n, "AUTH LOGIN") ||
					 begins(line, n, "AUTH PLAIN");
	}
	if (!begins(line, n, "MAIL FROM:") && !begins(line, n, "DATA") &&
	    !begins(line, n, "BDAT"))
		return;
	talk = find_talk(taking);
	if (talk && begins(line, n, "MAIL"))
		said_mail_begin(&talk->mail, line, n);
	else if (talk && talk->mail.envelope[0] && !talk->mail.in_header)
		said_mail_open(&talk->mail);
}

static void hear_mail(struct taking *taking, const uint8_t *bytes, size_t n)
{
	struct talk *talk = find_talk(taking);
	struct sonde_saying saying;

	if (!talk || !said_mail_take(&talk->mail, bytes, n, &saying))
		return;
	add(taking, &saying);
	talk->mail.envelope[0] = '\0';
}

static void hear_login(struct taking *taking, unsigned word, const uint8_t *bytes,
		       size_t n)
{
	const struct talk *talk = find_talk(taking);

	if (talk && talk->is_clear)
		add_login(taking,
			  word == SMTP_USER ? SONDE_SAYS_USER : SONDE_SAYS_PASSWORD,
			  "SMTP AUTH", bytes, n);
}

/* All of a datagram, or of a segment that begins with the message: padding in a request
 * shows in what is left over. */
static void hear_calc(struct taking *taking, const struct sonde_field *field)
{
	const struct sonde_decoded *decoded = &taking->packet->decoded;
	char id[SAID_ID];
	struct sonde_saying saying;
	size_t n = field->value.data.size;

	if (field->source == 0 && field->offset == decoded->payload_offset)
		n = decoded->payload_captured;
	if (said_calc_reply(field->value.data.bytes, field->value.data.size, id,
			    &saying) ||
	    said_calc_request(field->value.data.bytes, n, id, &saying))
		add(taking, &saying);
}

static void take_field(struct taking *taking, const struct sonde_field *field)
{
	const uint8_t *bytes = field->value.data.bytes;
	size_t n = field->value.data.size;
	unsigned word = 0;

	while (word < WORDS && taking->said->fields[word] != field->field)
		word++;
	switch (word) {
	case SMTP_USER:
	case SMTP_PASSWORD:
		hear_login(taking, word, bytes, n);
		break;
	case SMTP_LINE:
		hear_command(taking, bytes, n);
		break;
	case SMTP_REPLY:
		hear_line(taking, "SMTP", bytes, n);
		break;
	case SMTP_MESSAGE:
		hear_mail(taking, bytes, n);
		break;
	case IMAP_USER:
		add_login(taking, SONDE_SAYS_USER, "IMAP", bytes, n);
		break;
	case IMAP_PASSWORD:
		add_login(taking, SONDE_SAYS_PASSWORD, "IMAP", bytes, n);
		break;
	case IMAP_LINE:
		hear_line(taking, "IMAP", bytes, n);
		break;
	case HTTP_BASIC:
		add_basic(taking, (const char *)bytes, n);
		break;
	case HTTP_LINE:
		hear_line(taking, "HTTP", bytes, n);
		break;
	case CALC:
		hear_calc(taking, field);
		break;
	default:
		break;
	}
}

/* ---- the payload as it is ---- */

static bool is_text(const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((bytes[i] < 0x20 && (bytes[i] < '\t' || bytes[i] > '\r')) ||
		    bytes[i] == 0x7f)
			return false;
	return n != 0;
}

static void note_payload(const uint8_t *bytes, size_t n, struct sonde_packet *packet)
{
	if (n == packet->decoded.payload_length)
		packet->payload_hash = content_hash(bytes, n);
	if (!n)
		return;
	memcpy(packet->head, bytes, n < sizeof(packet->head) ? n : sizeof(packet->head));
	packet->tail = bytes[n - 1];
	packet->is_text = is_text(bytes, n);
}

int said_take(struct said *said, const struct sonde_frame *frame,
	      struct sonde_recording *recording, struct sonde_packet *packet)
{
	struct sonde_dissection dissection;
	struct taking taking = {.said = said,
				.recording = recording,
				.packet = packet,
				.dissection = &dissection,
				.frame = frame};
	const struct sonde_decoded *decoded = &packet->decoded;
	int r;

	note_payload(frame->bytes + decoded->payload_offset, decoded->payload_captured,
		     packet);
	r = sonde_dissect(said->dissector, frame, &dissection);
	if (r < 0)
		return r;
	for (size_t i = 0; i < dissection.field_count && !taking.error; i++)
		take_field(&taking, &dissection.fields[i]);
	return taking.error;
}
