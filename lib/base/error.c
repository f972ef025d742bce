/* Errors: filled, named, given a kind. */
#include <sonde/error.h>
