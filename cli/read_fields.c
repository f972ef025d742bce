/* sonde read --fields: the names that a filter may use. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/dissect.h>

#include "command.h"
#include "message.h"
#include "read_fields.h"

static const char *type_words(const struct sonde_field_info *info, char *text,
			      size_t size)
{
	static const char *const words[] = {
		[SONDE_FIELD_PROTOCOL] = "protocol",
		[SONDE_FIELD_BOOL] = "flag",
		[SONDE_FIELD_TIME] = "date and time",
		[SONDE_FIELD_DURATION] = "duration",
		[SONDE_FIELD_IPV4] = "IPv4 address",
		[SONDE_FIELD_IPV6] = "IPv6 address",
		[SONDE_FIELD_ETHERNET] = "Ethernet address",
		[SONDE_FIELD_BYTES] = "bytes",
		[SONDE_FIELD_TEXT] = "text",
		[SONDE_FIELD_NOTE] = "note",
	};

	if (info->type != SONDE_FIELD_UINT && info->type != SONDE_FIELD_INT)
		return words[info->type];
	snprintf(text, size, "%s, %u bits",
		 info->type == SONDE_FIELD_UINT ? "unsigned" : "signed", info->bits);
	return text;
}

static int compare_names(const void *a, const void *b)
{
	uint16_t left, right;

	memcpy(&left, a, sizeof(left));
	memcpy(&right, b, sizeof(right));
	return strcmp(sonde_field_info(left)->name, sonde_field_info(right)->name);
}

int read_fields_list(const struct arguments *arguments, struct output *output)
{
	const char *prefix = arguments->operand_count > 0 ? arguments->operands[0] : "";
	size_t count = sonde_field_count(), listed = 0;
	uint16_t *numbers = calloc(count, sizeof(*numbers));
	struct sonde_error err;
	char text[32];

	if (!numbers) {
		sonde_error_set(&err, SONDE_ERROR_TROUBLE, -ENOMEM, "read", "--fields",
				NULL);
		return message_error(&err);
	}
	for (size_t i = 0; i < count; i++)
		numbers[i] = (uint16_t)i;
	qsort(numbers, count, sizeof(*numbers), compare_names);
	if (output->has_json)
		output_json_start(output, 0);
	for (size_t i = 0; i < count; i++) {
		const struct sonde_field_info *info = sonde_field_info(numbers[i]);
		const char *type = type_words(info, text, sizeof(text));

		/* One that is in two tables is one field to who filters. */
		if (strncmp(info->name, prefix, strlen(prefix)) != 0 ||
		    (i > 0 && compare_names(&numbers[i], &numbers[i - 1]) == 0))
			continue;
		listed++;
		if (!output->has_json) {
			output_print(output, "%-36s %-20s %s\n", info->name, type,
				     info->title);
			continue;
		}
		struct sonde_json *json = output_event_begin(output, "field");
		sonde_json_add_string(json, "name", info->name);
		sonde_json_add_string(json, "type", type);
		sonde_json_add_string(json, "title", info->title);
		output_event_end(output);
	}
	free(numbers);
	if (listed > 0)
		return STATUS_DONE;
	sonde_error_set(&err, SONDE_ERROR_USAGE, -EINVAL, "read --fields", prefix,
			"no field begins with it");
	return message_error(&err);
}
