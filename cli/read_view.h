/* What sonde read shows of each packet, as its options say. */
#ifndef CLI_READ_VIEW_H
#define CLI_READ_VIEW_H

#include "option.h"
#include "output.h"
#include "render_packet.h"

/* Returns the exit status: options that mean nothing together, a column that there is not. */
int read_view_choose(struct packet_view *view, const struct arguments *arguments,
		     struct output *output);

#endif
