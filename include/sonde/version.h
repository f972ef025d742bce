/* The version of the library that runs, as "0.1.0".  Static. */
#ifndef SONDE_VERSION_H
#define SONDE_VERSION_H

#include <sonde/export.h>

#define SONDE_SCHEMA 1 /* of the JSON output */

SONDE_API const char *sonde_version(void);

#endif
