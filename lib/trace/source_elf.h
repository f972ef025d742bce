/* Dynamic symbols of an ELF file that a process has mapped, read from its memory: the
 * file itself may be out of reach, deleted or replaced. */
#ifndef TRACE_SOURCE_ELF_H
#define TRACE_SOURCE_ELF_H

#include <stdint.h>

#include "trace/source_memory.h"

struct elf_image {
	struct memory *memory; /* borrowed */
	uint64_t begin, end;   /* where it is mapped */
	uint64_t bias;         /* what is added to the addresses in the file */
	uint64_t symbols, strings, gnu_hash, hash;
};

/* base is where the file's first byte is mapped.  Returns 0, or -EFAULT: no ELF file of
 * this machine, or none with dynamic symbols. */
int elf_open(struct memory *memory, uint64_t base, struct elf_image *ret);

/* Where a symbol that this image defines lies in the process.  0, -ENOENT or -EFAULT. */
int elf_find(const struct elf_image *image, const char *name, uint64_t *ret);

#endif
