/* The list of packets while they are captured: as `sonde read` shows them. */
#ifndef CLI_CAPTURE_VIEW_H
#define CLI_CAPTURE_VIEW_H

#include <sonde/error.h>
#include <sonde/frame.h>

#include "output.h"

struct capture_view;

int capture_view_new(struct output *output, struct capture_view **ret,
		     struct sonde_error *err);
void capture_view_free(struct capture_view *view);
int capture_view_add(struct capture_view *view, const struct sonde_frame *frame,
		     struct sonde_error *err);
/* So that what was added is seen now. */
void capture_view_flush(struct capture_view *view);

#endif
