/* What the two halves of the recording's JSON share. */
#ifndef TIMELINE_RECORDING_JSON_PART_H
#define TIMELINE_RECORDING_JSON_PART_H

#include <sonde/recording_json.h>

/* A member with everything that an address is; of none, nothing. */
void json_add_whole_address(struct sonde_json *json, const char *key,
			    const struct sonde_address *address);
/* A member with an address as it is read, or null. */
void json_add_address(struct sonde_json *json, const char *key,
		      const struct sonde_address *address);
/* A time since the start; one that was not seen is null. */
void json_add_time(struct sonde_json *json, const char *key,
		   const struct sonde_recording *recording, int64_t at_ns);
/* A number that is 0 where there is nothing to refer to: then it is absent. */
void json_add_reference(struct sonde_json *json, const char *key, uint32_t number);

#endif
