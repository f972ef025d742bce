/* The list of findings: every detector in turn, what they say again merged, the gravest
 * first. */
#include "finding/finding.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/text.h>

#include "base/array.h"
#include "base/limits.h"
#include "finding/facts.h"

static void (*const detectors[])(const struct finding_facts *, struct finding_list *) = {
	finding_route,   finding_unconnected, finding_connect, finding_bind,
	finding_receive, finding_message,     finding_send,    finding_close,
	finding_wait,    finding_datagram,    finding_network, finding_packets,
	finding_said,    finding_binary,      finding_thread,  finding_again,
	finding_leak,
};

static uint32_t place_of(const struct finding_facts *facts, uint32_t statement)
{
	if (!statement || statement > facts->timeline->statement_count)
		return 0;
	return facts->timeline->statements[statement - 1].place;
}

static struct sonde_finding *find_same(struct finding_list *list, const char *name,
				       uint32_t place, uint32_t stream)
{
	for (size_t i = 0; i < list->count; i++) {
		struct sonde_finding *it = &list->findings[i];

		if (strcmp(it->name, name) == 0 && it->place == place &&
		    (place || it->stream == stream))
			return it;
	}
	return NULL;
}

struct sonde_finding *finding_add(const struct finding_facts *facts,
				  struct finding_list *list, const char *name,
				  enum sonde_severity severity, uint32_t stream,
				  uint32_t statement)
{
	uint32_t place = place_of(facts, statement);
	struct sonde_finding *it = find_same(list, name, place, stream);

	if (it) {
		it->times++;
		return NULL;
	}
	if (list->error || list->count >= LIMIT_FINDINGS)
		return NULL;
	if (array_reserve(&list->findings, &list->room, list->count + 1, sizeof(*it)) <
	    0) {
		list->error = -ENOMEM;
		return NULL;
	}
	it = &list->findings[list->count++];
	*it = (struct sonde_finding){
		.name = name,
		.severity = (uint8_t)severity,
		.stream = stream,
		.place = place,
		.times = 1,
		.at_ns = INT64_MAX,
	};
	finding_statement(it, statement);
	if (it->statement_count)
		it->at_ns = facts->timeline->statements[statement - 1].enter_ns;
	return it;
}

static void add_evidence(uint32_t *numbers, uint8_t *count, uint32_t number)
{
	if (!number || *count == SONDE_FINDING_EVIDENCE)
		return;
	for (unsigned i = 0; i < *count; i++)
		if (numbers[i] == number)
			return;
	numbers[(*count)++] = number;
}

void finding_packet(struct sonde_finding *finding, uint32_t packet)
{
	if (finding)
		add_evidence(finding->packets, &finding->packet_count, packet);
}

void finding_statement(struct sonde_finding *finding, uint32_t statement)
{
	if (finding)
		add_evidence(finding->statements, &finding->statement_count, statement);
}

void finding_why(struct sonde_finding *finding, const char *format, ...)
{
	struct sonde_text text;
	va_list arguments;

	if (!finding)
		return;
	sonde_text_init(&text, finding->why, sizeof(finding->why));
	va_start(arguments, format);
	sonde_text_add_list(&text, format, arguments);
	va_end(arguments);
}

void finding_remedy(struct sonde_finding *finding, const char *format, ...)
{
	struct sonde_text text;
	va_list arguments;

	if (!finding)
		return;
	sonde_text_init(&text, finding->remedy, sizeof(finding->remedy));
	va_start(arguments, format);
	sonde_text_add_list(&text, format, arguments);
	va_end(arguments);
}

static int compare(const void *left, const void *right)
{
	const struct sonde_finding *a = left, *b = right;

	if (a->severity != b->severity)
		return a->severity > b->severity ? -1 : 1;
	if (a->at_ns != b->at_ns)
		return a->at_ns < b->at_ns ? -1 : 1;
	return strcmp(a->name, b->name);
}

/* Where no statement tells the time, the first packet does. */
static void set_times(const struct finding_facts *facts, struct finding_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		struct sonde_finding *it = &list->findings[i];

		if (it->at_ns == INT64_MAX && it->packet_count)
			it->at_ns = fact_packet(facts, it->packets[0])->at_ns;
	}
}

int sonde_findings_build_with(const struct sonde_timeline *timeline,
			      const struct sonde_findings_options *options,
			      struct sonde_findings *ret)
{
	struct finding_facts facts;
	struct finding_list list = {0};
	int r = facts_init(timeline, &facts);

	if (r < 0)
		return r;
	facts.shows_secrets = options->show_secrets;
	for (size_t i = 0; i < sizeof(detectors) / sizeof(*detectors) && !list.error; i++)
		detectors[i](&facts, &list);
	if (list.error) {
		array_free(list.findings);
	} else {
		set_times(&facts, &list);
		if (list.count)
			qsort(list.findings, list.count, sizeof(*list.findings), compare);
		*ret = (struct sonde_findings){list.findings, (uint32_t)list.count};
	}
	facts_done(&facts);
	return list.error;
}

int sonde_findings_build(const struct sonde_timeline *timeline,
			 struct sonde_findings *ret)
{
	const struct sonde_findings_options defaults = {0};

	return sonde_findings_build_with(timeline, &defaults, ret);
}

void sonde_findings_done(struct sonde_findings *findings)
{
	array_free(findings->findings);
	*findings = (struct sonde_findings){0};
}
