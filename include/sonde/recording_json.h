/* The elements of a recording as JSON: the one writer for `--json` and for the rows of a
 * capture file.
 *
 * Each function writes members into an object that the caller has begun.  Times are
 * nanoseconds since recording->started_ns; what was not seen is null.
 *
 * SONDE_RECORDING_WHOLE adds all that the readable members leave out, as numbers of
 * <sonde/recording.h>, so that the element can be had back from its text:
 *
 *	call      "raw":{"kind","flags","result","buffer","how","timeout_ns","length",
 *	          "datagrams"}, "address" in the whole form
 *	socket    "raw":{"family","kind","pipe_end","cookie","looked_ns","unread","unsent",
 *	          "in_flight"}, "local" and "peer" in the whole form
 *	program   "raw":{"lines","status","signal"}
 *	stack     "stack":{"stack","user_place","cut","places":[{"place","code","offset",
 *	          "file","line","function","text","system"}]} in place of the short list
 *	holder    "raw":{"state","ownerless","unsearched"}, "local" and "peer" in the whole form
 *	address   {"family","bytes" (hex),"port","scope"}
 *
 * 64-bit values that a JSON number cannot hold (code, cookie, buffer) are strings in
 * hexadecimal.  Text that is not UTF-8 is not kept as it was. */
#ifndef SONDE_RECORDING_JSON_H
#define SONDE_RECORDING_JSON_H

#include <sonde/export.h>
#include <sonde/json.h>
#include <sonde/recording.h>

enum sonde_recording_form { SONDE_RECORDING_READABLE = 0, SONDE_RECORDING_WHOLE };

SONDE_API void sonde_recording_json_program(struct sonde_json *json,
					    const struct sonde_recording *recording,
					    const struct sonde_program *program,
					    enum sonde_recording_form form);
SONDE_API void sonde_recording_json_socket(struct sonde_json *json,
					   const struct sonde_recording *recording,
					   const struct sonde_socket *socket,
					   enum sonde_recording_form form);
/* Without its stack and its holder, which are the next functions'. */
SONDE_API void sonde_recording_json_call(struct sonde_json *json,
					 const struct sonde_recording *recording,
					 const struct sonde_call *call,
					 enum sonde_recording_form form);
/* Member "stack", and "stack_cut" where it is; stack 0: nothing. */
SONDE_API void sonde_recording_json_stack(struct sonde_json *json,
					  const struct sonde_recording *recording,
					  uint32_t stack, enum sonde_recording_form form);
/* Member "holder"; holder 0: nothing. */
SONDE_API void sonde_recording_json_holder(struct sonde_json *json,
					   const struct sonde_recording *recording,
					   uint32_t holder,
					   enum sonde_recording_form form);
/* An address as a value: an object, or null where it has no readable form. */
SONDE_API void sonde_recording_json_address(struct sonde_json *json,
					    const struct sonde_address *address,
					    bool has_port);
/* "tcp", "unix-stream", "pipe". */
SONDE_API const char *sonde_socket_kind_word(uint8_t kind);
/* "listens", "time-wait". */
SONDE_API const char *sonde_holder_state_word(uint8_t state);

#endif
