/* Who had an address, as JSON. */
#include "timeline/recording_json_part.h"

const char *sonde_holder_state_word(uint8_t state)
{
	switch ((enum sonde_holder_state)state) {
	case SONDE_HOLDER_LISTENS:
		return "listens";
	case SONDE_HOLDER_BOUND:
		return "bound";
	case SONDE_HOLDER_TALKS:
		return "talks";
	case SONDE_HOLDER_CLOSING:
		return "closing";
	case SONDE_HOLDER_TIME_WAIT:
		return "time-wait";
	case SONDE_HOLDER_STALE:
		return "stale";
	case SONDE_HOLDER_FILE:
		return "file";
	case SONDE_HOLDER_DATAGRAMS:
		return "datagrams";
	case SONDE_HOLDER_UNKNOWN:
		break;
	}
	return "unknown";
}

static void add_addresses(struct sonde_json *json, const struct sonde_holder *holder,
			  enum sonde_recording_form form)
{
	const struct sonde_address *local = &holder->local, *peer = &holder->peer;

	if (form == SONDE_RECORDING_WHOLE) {
		json_add_whole_address(json, "local", local);
		json_add_whole_address(json, "peer", peer);
		return;
	}
	if (local->port)
		json_add_address(json, "local", local);
	if (peer->port)
		json_add_address(json, "peer", peer);
}

void sonde_recording_json_holder(struct sonde_json *json,
				 const struct sonde_recording *recording, uint32_t number,
				 enum sonde_recording_form form)
{
	const struct sonde_holder *holder;

	if (!number || number > recording->holder_count)
		return;
	holder = &recording->holders[number - 1];
	sonde_json_key(json, "holder");
	sonde_json_object_begin(json);
	sonde_json_add_int(json, "holder", number);
	sonde_json_add_string(json, "state", sonde_holder_state_word(holder->state));
	json_add_reference(json, "pid", holder->pid);
	if (holder->name)
		sonde_json_add_string(json, "name", holder->name);
	if (holder->pid)
		sonde_json_add_int(json, "fd", holder->fd);
	json_add_reference(json, "socket", holder->socket);
	json_add_reference(json, "others", holder->others);
	if (holder->is_stopped)
		sonde_json_add_bool(json, "stopped", true);
	if (holder->started_ns)
		json_add_time(json, "started_ns", recording, holder->started_ns);
	if (holder->local.port && !holder->is_ownerless)
		sonde_json_add_int(json, "uid", holder->uid);
	if (holder->path)
		sonde_json_add_string(json, "path", holder->path);
	add_addresses(json, holder, form);
	json_add_reference(json, "left_ms", holder->left_ms);
	json_add_time(json, "looked_ns", recording, holder->looked_ns);
	if (form == SONDE_RECORDING_WHOLE) {
		sonde_json_key(json, "raw");
		sonde_json_object_begin(json);
		sonde_json_add_int(json, "state", holder->state);
		sonde_json_add_bool(json, "ownerless", holder->is_ownerless);
		sonde_json_add_bool(json, "unsearched", holder->is_unsearched);
		sonde_json_object_end(json);
	}
	sonde_json_object_end(json);
}
