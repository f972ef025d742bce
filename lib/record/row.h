/* A call as a row of the capture file: a systemd Journal Export block. */
#ifndef RECORD_ROW_H
#define RECORD_ROW_H

#include <sonde/json.h>
#include <sonde/recording.h>
#include <sonde/text.h>

#include "file/pcapng.h"

/* Writes the block.  json is scratch: its memory serves row after row. */
void row_format(struct pcapng_block *block, const struct sonde_recording *recording,
		const struct sonde_call *call, struct sonde_json *json);

#endif
