/* sonde calc --bench: a load, and what came of it. */
#ifndef CLI_CALC_BENCH_H
#define CLI_CALC_BENCH_H

#include <sonde/calc.h>
#include <sonde/load.h>

#include "option.h"
#include "output.h"

/* The services that can be measured, for the option's table; ends with NULL. */
extern const char *const calc_bench_services[];

/* The option that was given and has a meaning with --bench alone; NULL: there is none. */
const char *calc_bench_option(const struct arguments *arguments);

/* What has no meaning for a load is not passed over: STATUS_DONE, or said and refused. */
int calc_bench_check(const struct arguments *arguments);
/* request (its ID is replaced) is what a calculation server is asked, ask says where and
 * how; without a port there it is the service's own.  Returns the exit status. */
int calc_bench_run(const struct arguments *arguments, struct output *output,
		   const struct sonde_calc_request *request,
		   const struct sonde_calc_ask *ask);

#endif
