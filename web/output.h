/* What cli/ renders, into memory. */
#ifndef WEB_OUTPUT_H
#define WEB_OUTPUT_H

#include "cli/output.h"

/* One at a time; the text is valid until the next one begins. */
void page_output_begin(struct output *output, unsigned width);
const char *page_output_end(const struct output *output);

#endif
