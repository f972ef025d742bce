/* capture -D: the interfaces of this machine. */
#include <stdlib.h>

#include <sonde/capture.h>
#include <sonde/text.h>

#include "capture_interfaces.h"
#include "clock.h"
#include "command.h"
#include "message.h"

static void add_state(struct sonde_text *line, const struct sonde_interface_info *info)
{
	sonde_text_add(line, "%s%s%s", info->flags & SONDE_INTERFACE_UP ? "up" : "down",
		       info->flags & SONDE_INTERFACE_UP &&
				       !(info->flags & SONDE_INTERFACE_RUNNING)
			       ? ", no link"
			       : "",
		       info->flags & SONDE_INTERFACE_LOOPBACK ? ", loopback" : "");
}

static void print_interface(struct output *output, size_t place,
			    const struct sonde_interface_info *info)
{
	char storage[512], address[SONDE_ADDRESS_CHARS];
	struct sonde_text line;

	sonde_text_init(&line, storage, sizeof(storage));
	sonde_text_add(&line, "%zu. %-16s ", place, info->name);
	add_state(&line, info);
	for (size_t i = 0; i < info->address_count; i++) {
		sonde_address_format_host(&info->addresses[i], address);
		sonde_text_add(&line, "%s%s", i ? ", " : "; ", address);
	}
	output_print(output, "%s\n", storage);
}

static void write_interface(struct output *output, size_t place,
			    const struct sonde_interface_info *info)
{
	struct sonde_json *json = output_event_begin(output, "interface");
	char address[SONDE_ADDRESS_CHARS];

	sonde_json_add_int(json, "number", (int64_t)place);
	sonde_json_add_string(json, "name", info->name);
	sonde_json_add_bool(json, "up", info->flags & SONDE_INTERFACE_UP);
	sonde_json_add_bool(json, "running", info->flags & SONDE_INTERFACE_RUNNING);
	sonde_json_add_bool(json, "loopback", info->flags & SONDE_INTERFACE_LOOPBACK);
	sonde_json_key(json, "addresses");
	sonde_json_array_begin(json);
	for (size_t i = 0; i < info->address_count; i++) {
		sonde_address_format_host(&info->addresses[i], address);
		sonde_json_string(json, address);
	}
	sonde_json_array_end(json);
	output_event_end(output);
}

int capture_interfaces_list(struct output *output)
{
	struct sonde_interface_info *infos;
	struct sonde_error err;
	size_t count;

	if (sonde_interfaces_list(&infos, &count, &err) < 0)
		return message_error(&err);
	if (output->has_json)
		output_json_start(output, clock_now_ns(CLOCK_REALTIME));
	for (size_t i = 0; i < count; i++) {
		if (output->has_json)
			write_interface(output, i + 1, &infos[i]);
		else
			print_interface(output, i + 1, &infos[i]);
	}
	if (!output->has_json)
		output_print(output, "   %-16s all of them, those to come included\n",
			     "any");
	free(infos);
	return STATUS_DONE;
}
