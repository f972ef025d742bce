/* What the programs said that everybody on the way can read, or that is not as their
 * protocol wants it: passwords, senders that differ, lines without their end. */
#include "finding/finding.h"

#include <string.h>

/* A password, and the name that came with it or before it. */
static void find_password(const struct finding_facts *facts, struct finding_list *list,
			  uint32_t stream, uint32_t number, const char *user,
			  uint32_t user_packet)
{
	const struct sonde_saying *password =
		fact_saying(facts, number, SONDE_SAYS_PASSWORD);
	struct sonde_finding *finding =
		finding_add(facts, list, "credentials-in-clear", SONDE_WARNING, stream,
			    fact_saying_statement(facts, number));

	finding_packet(finding, user_packet);
	finding_packet(finding, number);
	finding_why(finding,
		    "%s sent a password that everybody on the way can read%s: user "
		    "\"%.80s\", password \"%.80s\".",
		    password->in,
		    strcmp(password->in, "IMAP") == 0 ? "" : " (base64 is no cipher)",
		    user ? user : "?",
		    facts->shows_secrets ? password->text : "********");
	finding_remedy(finding, "Use TLS (STARTTLS, or a port that begins with it), and "
				"log in only then.");
}

static void find_passwords(const struct finding_facts *facts, struct finding_list *list,
			   uint32_t stream)
{
	const uint32_t *packets;
	size_t count = fact_packets(facts, stream, &packets);
	const char *user = NULL;
	uint32_t user_packet = 0;

	for (size_t i = 0; i < count; i++) {
		const struct sonde_saying *saying =
			fact_saying(facts, packets[i], SONDE_SAYS_USER);

		if (saying) {
			user = saying->text;
			user_packet = packets[i];
		}
		if (fact_saying(facts, packets[i], SONDE_SAYS_PASSWORD))
			find_password(facts, list, stream, packets[i], user, user_packet);
	}
}

static void find_sender(const struct finding_facts *facts, struct finding_list *list,
			uint32_t stream, uint32_t number)
{
	const struct sonde_saying *saying =
		fact_saying(facts, number, SONDE_SAYS_FROM_DIFFERS);
	struct sonde_finding *finding;

	if (!saying)
		return;
	finding = finding_add(facts, list, "from-differs-from-envelope", SONDE_WARNING,
			      stream, fact_saying_statement(facts, number));
	finding_packet(finding, number);
	finding_why(finding,
		    "The envelope says MAIL FROM:<%.100s>, the mail itself From: %.100s. "
		    "Its reader sees the second alone, and nobody has checked it.",
		    saying->text, saying->more);
	finding_remedy(finding, "Write the same address in both; who sends for another "
				"one names himself in Sender:.");
}

static void find_line_feed(const struct finding_facts *facts, struct finding_list *list,
			   uint32_t stream, uint32_t number)
{
	const struct sonde_saying *saying =
		fact_saying(facts, number, SONDE_SAYS_LINE_FEED);
	struct sonde_finding *finding;

	if (!saying)
		return;
	finding = finding_add(facts, list, "line-end-missing", SONDE_WARNING, stream,
			      fact_saying_statement(facts, number));
	finding_packet(finding, number);
	finding_why(finding,
		    "A line of %s ends in LF alone, where CR LF is due: \"%.120s\". Some "
		    "peers take it, others wait for the rest of the line.",
		    saying->in, saying->text);
	finding_remedy(finding, "End each line with \\r\\n (nc -C, sonde connect --crlf "
				"and telnet do it by themselves).");
}

void finding_said(const struct finding_facts *facts, struct finding_list *list)
{
	if (!facts->recording->saying_count)
		return;
	for (uint32_t i = 1; i <= facts->timeline->stream_count; i++) {
		const uint32_t *packets;
		size_t count = fact_packets(facts, i, &packets);

		find_passwords(facts, list, i);
		for (size_t k = 0; k < count; k++) {
			find_sender(facts, list, i, packets[k]);
			find_line_feed(facts, list, i, packets[k]);
		}
	}
}
