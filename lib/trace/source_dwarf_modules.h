/* The files that a process has mapped and runs code of, for libdw. */
#ifndef TRACE_SOURCE_DWARF_MODULES_H
#define TRACE_SOURCE_DWARF_MODULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <elfutils/libdwfl.h>

enum { DWARF_ID_BYTES = 20 };

struct dwarf_module {
	uint64_t begin, end; /* in the process */
	uint64_t device, inode;
	char *path; /* owned; as the process's maps have it */
	Dwfl_Module *module;
	/* The build id, and where it lies in the process; 0 bytes: there is none. */
	uint64_t id_address;
	uint8_t id[DWARF_ID_BYTES];
	size_t id_bytes;
	uint64_t checked; /* the reader's: the walk that saw it there last */
	char *go_root;    /* owned; where Go's own sources lie; NULL not known */
	bool has_looked_for_go;
	bool is_code;
	bool is_program; /* the executable itself */
	bool is_system;  /* a library of the system: where its calls come from is not
			    what a person asks */
};

struct dwarf_modules {
	pid_t pid;
	Dwfl *dwfl;                 /* owned */
	struct dwarf_module *items; /* owned; by address */
	size_t count, capacity;
};

/* Takes in what the process has mapped now.  Returns 1 if that is not what it was, 0 if
 * it is, or a negative errno.  With 1 everything is gone that came from a module.  The
 * caller zeroes *modules before the first time and sets pid. */
int dwarf_modules_read(struct dwarf_modules *modules);
void dwarf_modules_done(struct dwarf_modules *modules);

/* NULL: no file's code. */
struct dwarf_module *dwarf_modules_find(const struct dwarf_modules *modules,
					uint64_t address);

#endif
