/* The interpreters of this machine, to test with. */
#ifndef TEST_PYTHONS_H
#define TEST_PYTHONS_H

#include <stdbool.h>

struct python {
	char path[256];
	unsigned major, minor, micro;
	bool is_free_threaded;
};

enum { PYTHONS = 32 };

/* Debian's, those named python3.8 to python3.14, and those in SONDE_TEST_PYTHONS (paths or
 * names, with colons between them), each once; says which.  Returns how many. */
unsigned pythons_find(struct python pythons[PYTHONS]);

#endif
