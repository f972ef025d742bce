/* sonde scan --explain PORT: what an open and a closed port do, on the wire. */
#ifndef CLI_SCAN_EXPLAIN_H
#define CLI_SCAN_EXPLAIN_H

#include "option.h"
#include "output.h"

/* Returns the exit status. */
int scan_explain_run(const struct arguments *arguments, struct output *output);

#endif
