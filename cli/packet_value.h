/* A field's value as text and as JSON: what `-e` and columns show, as tshark -T fields
 * does. */
#ifndef CLI_PACKET_VALUE_H
#define CLI_PACKET_VALUE_H

#include <sonde/dissect.h>
#include <sonde/json.h>

#include "lines.h"
#include "packet_time.h"

void packet_value_add(struct lines *lines, struct packet_time *time,
		      const struct sonde_field *field);
void packet_value_add_json(struct sonde_json *json, const struct sonde_field *field);

#endif
