/* Fuzz target: the XML of a scan whose every text is hostile: the first byte cuts the
 * input into the words of a service and the command line.
 *
 * Properties: the document is well-formed (tags close in order, attributes are quoted, &
 * begins an entity), is UTF-8, and holds no character that XML 1.0 has not. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/text.h>

#include "scan_view.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_characters(const char *text, size_t n)
{
	unsigned code;

	for (size_t at = 0; at < n;) {
		size_t length = sonde_text_decode_utf8(text + at, n - at, &code);

		require(length > 0);
		require(code >= ' ' || code == '\n');
		require(code != 0x7f && code != 0xfffe && code != 0xffff);
		at += length;
	}
}

/* The value of an attribute, from behind its first quotation mark; returns its last. */
static const char *check_value(const char *at)
{
	static const char *const entities[] = {"amp;", "lt;", "gt;", "quot;", "#xfffd;"};

	for (; *at != '"'; at++) {
		bool is_entity = false;

		require(*at && *at != '<' && *at != '>' && *at != '\n');
		if (*at != '&')
			continue;
		for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++)
			is_entity |=
				strncmp(at + 1, entities[i], strlen(entities[i])) == 0;
		require(is_entity);
	}
	return at;
}

/* One tag, from behind its <; returns its >. */
static const char *check_tag(const char *at, char names[16][32], unsigned *depth)
{
	bool is_end = *at == '/', is_other = *at == '?' || *at == '!';
	char name[32];
	size_t length;

	at += is_end;
	length = strcspn(at, " />");
	require(length > 0 && length < sizeof(name));
	memcpy(name, at, length);
	name[length] = '\0';
	for (at += length; *at != '>'; at++) {
		require(*at != '\0' && *at != '<');
		if (*at == '"')
			at = check_value(at + 1);
	}
	if (is_other || at[-1] == '/')
		return at;
	if (is_end) {
		require(*depth > 0 && strcmp(names[--*depth], name) == 0);
	} else {
		require(*depth < 16);
		memcpy(names[(*depth)++], name, sizeof(name));
	}
	return at;
}

static void check_document(const char *text, size_t n)
{
	char names[16][32];
	unsigned depth = 0;

	require(memchr(text, '\0', n) == NULL);
	check_characters(text, n);
	for (const char *at = text; *at; at++) {
		if (*at == '<')
			at = check_tag(at + 1, names, &depth);
		else
			require(*at == '\n');
	}
	require(depth == 0);
}

static void fill(struct scan_view *view, const uint8_t *words, size_t n)
{
	struct sonde_scan_event event = {.kind = SONDE_SCAN_HOST,
					 .is_up = true,
					 .reason = SONDE_SCAN_USER,
					 .rtt_ns = -1};

	event.address.family = SONDE_FAMILY_INET;
	scan_view_add(view, &event);
	event.kind = SONDE_SCAN_PORT;
	for (unsigned i = 0; i < 80; i++) {
		event.address.port = (uint16_t)(80 - i);
		event.state = i % 3 ? SONDE_SCAN_CLOSED : SONDE_SCAN_OPEN;
		event.reason = i % 2 ? SONDE_SCAN_ICMP : SONDE_SCAN_RST;
		event.icmp_type = (uint8_t)(n + i);
		event.icmp_code = (uint8_t)i;
		event.from.family = i % 5 ? SONDE_FAMILY_NONE : SONDE_FAMILY_INET6;
		scan_view_add(view, &event);
	}
	event.kind = SONDE_SCAN_SAID;
	event.address.port = 80;
	event.bytes = words;
	event.n = n;
	scan_view_add(view, &event);
	scan_view_sort(view);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct sonde_scan_summary summary = {
		.hosts = 1, .hosts_up = 1, .miss_probability = 0.5};
	static const uint16_t ports[] = {1, 2, 3, 80, 443, 65534, 65535};
	struct scan_frame frame = {.summary = &summary};
	struct output output = {0};
	struct scan_view view = {0};
	size_t cut = n ? bytes[0] % n : 0, size = 0;
	char *command = malloc(cut + 1), *text = NULL;

	if (!command)
		return 0;
	if (cut)
		memcpy(command, bytes + n - cut, cut);
	command[cut] = '\0';
	output.file = open_memstream(&text, &size);
	frame.arguments = command;
	frame.ports = ports;
	frame.port_count = sizeof(ports) / sizeof(ports[0]);
	if (output.file) {
		fill(&view, bytes, n - cut);
		render_scan_xml(&output, &view, &frame);
		fclose(output.file);
		require(output.error == 0);
		check_document(text, size);
	}
	scan_view_done(&view);
	free(text);
	free(command);
	return 0;
}
