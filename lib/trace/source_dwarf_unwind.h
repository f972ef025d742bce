/* One step from a frame to its caller, by the rules that the compiler left for exceptions
 * and debuggers (call frame information).
 *
 * The rules of one instruction never change while its module is mapped, so they are read
 * once and applied often. */
#ifndef TRACE_SOURCE_DWARF_UNWIND_H
#define TRACE_SOURCE_DWARF_UNWIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <elfutils/libdwfl.h>

#ifdef __x86_64__
enum { DWARF_REGISTERS = 17, DWARF_SP = 7 };
#else
enum { DWARF_REGISTERS = 32, DWARF_SP = 31 };
#endif

/* Of one frame, by their DWARF numbers; what a caller's frame no longer knows has no bit.
 */
struct unwind_registers {
	uint64_t pc;
	uint64_t known; /* bits */
	uint64_t values[DWARF_REGISTERS];
};

struct unwind_rule; /* how to find one register */

struct unwind_rules {
	const Dwarf_Op *frame; /* the canonical frame address, if not this: */
	size_t frame_count;
	unsigned frame_register;
	int64_t frame_offset;
	uint64_t same;            /* registers that the caller still has: bits */
	struct unwind_rule *more; /* owned: the others */
	unsigned more_count;
	unsigned return_register;
	bool is_signal; /* the caller was interrupted, it did not call */
	bool is_known;  /* 0: no rules for this instruction */
};

/* Reads a word of the program: 0, or negative. */
typedef int unwind_read(void *context, uint64_t address, uint64_t *ret);

/* Of the stopped thread tid.  0, or a negative errno. */
int unwind_start(pid_t tid, struct unwind_registers *ret);

/* The rules at an address of the module; *ret may say that there are none.  It keeps
 * pointers into the module.  0, or -ENOMEM. */
int unwind_rules_read(Dwfl_Module *module, bool with_debug_frame, uint64_t address,
		      struct unwind_rules *ret);
void unwind_rules_done(struct unwind_rules *rules);

/* *registers become those of the caller.  0; -ENOENT: there is no caller; -EFAULT: it
 * cannot be told. */
int unwind_step(const struct unwind_rules *rules, unwind_read *read, void *context,
		struct unwind_registers *registers);

#endif
