/* Dynamic symbols of a mapped ELF file; the hash tables are those of the System V ABI
 * (gABI, "Hash Table") and of the GNU linker (DT_GNU_HASH). */
#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/limits.h"
#include "trace/source_elf.h"

#if defined(__x86_64__)
#define MACHINE EM_X86_64
#elif defined(__aarch64__)
#define MACHINE EM_AARCH64
#else
#error "no machine number for ELF files here"
#endif

enum {
	LONGEST_CHAIN = 1 << 12, /* of symbols that share a bucket */
	LONGEST_NAME = 64,
};

/* Pointers in the dynamic section are addresses in the file; some dynamic linkers turn
 * them into addresses in memory, others do not. */
static uint64_t locate(const struct elf_image *image, uint64_t pointer)
{
	if (pointer >= image->begin && pointer < image->end)
		return pointer;
	pointer += image->bias;
	return pointer >= image->begin && pointer < image->end ? pointer : 0;
}

static int read_dynamic(struct elf_image *image, uint64_t at, uint64_t bytes)
{
	Elf64_Dyn dynamic[LIMIT_ELF_DYNAMIC];
	size_t count = bytes / sizeof(*dynamic);

	if (count > LIMIT_ELF_DYNAMIC)
		count = LIMIT_ELF_DYNAMIC;
	if (memory_read(image->memory, at, dynamic, count * sizeof(*dynamic)) < 0)
		return -EFAULT;
	for (size_t i = 0; i < count && dynamic[i].d_tag != DT_NULL; i++) {
		uint64_t pointer = locate(image, dynamic[i].d_un.d_ptr);
		switch (dynamic[i].d_tag) {
		case DT_SYMTAB:
			image->symbols = pointer;
			break;
		case DT_STRTAB:
			image->strings = pointer;
			break;
		case DT_GNU_HASH:
			image->gnu_hash = pointer;
			break;
		case DT_HASH:
			image->hash = pointer;
			break;
		}
	}
	bool has_all =
		image->symbols && image->strings && (image->gnu_hash || image->hash);
	return has_all ? 0 : -EFAULT;
}

int elf_open(struct memory *memory, uint64_t base, struct elf_image *ret)
{
	struct elf_image image = {.memory = memory};
	Elf64_Phdr segments[LIMIT_ELF_SEGMENTS];
	uint64_t lowest = UINT64_MAX, highest = 0, dynamic = 0, dynamic_bytes = 0;
	Elf64_Ehdr header;

	if (memory_read(memory, base, &header, sizeof(header)) < 0 ||
	    memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
	    header.e_ident[EI_CLASS] != ELFCLASS64 ||
	    header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_machine != MACHINE ||
	    (header.e_type != ET_EXEC && header.e_type != ET_DYN) ||
	    header.e_phentsize != sizeof(*segments) || header.e_phnum == 0 ||
	    header.e_phnum > LIMIT_ELF_SEGMENTS ||
	    memory_read(memory, base + header.e_phoff, segments,
			header.e_phnum * sizeof(*segments)) < 0)
		return -EFAULT;
	for (size_t i = 0; i < header.e_phnum; i++) {
		const Elf64_Phdr *segment = &segments[i];
		if (segment->p_type == PT_DYNAMIC) {
			dynamic = segment->p_vaddr;
			dynamic_bytes = segment->p_memsz;
		} else if (segment->p_type == PT_LOAD) {
			/* The first byte of the file, whatever page it shares. */
			uint64_t start = segment->p_vaddr - segment->p_offset;
			if (segment->p_offset == 0 && start < lowest)
				lowest = start;
			if (segment->p_vaddr + segment->p_memsz > highest)
				highest = segment->p_vaddr + segment->p_memsz;
		}
	}
	if (lowest == UINT64_MAX || highest <= lowest || !dynamic_bytes)
		return -EFAULT;
	image.bias = base - lowest;
	image.begin = base;
	image.end = base + (highest - lowest);
	int r = read_dynamic(&image, dynamic + image.bias, dynamic_bytes);
	if (r < 0)
		return r;
	*ret = image;
	return 0;
}

static int read_u32(const struct elf_image *image, uint64_t table, uint64_t index,
		    uint32_t *ret)
{
	return memory_read(image->memory, table + index * sizeof(*ret), ret,
			   sizeof(*ret));
}

/* Is symbol `index` one that is defined here and has that name?  1, 0 or -EFAULT. */
static int check(const struct elf_image *image, uint32_t index, const char *name,
		 uint64_t *ret)
{
	Elf64_Sym symbol;
	char found[LONGEST_NAME];
	size_t n = strlen(name) + 1;

	if (n > sizeof(found))
		return 0;
	if (memory_read(image->memory, image->symbols + index * sizeof(symbol), &symbol,
			sizeof(symbol)) < 0)
		return -EFAULT;
	if (symbol.st_shndx == SHN_UNDEF || symbol.st_value == 0)
		return 0;
	if (memory_read(image->memory, image->strings + symbol.st_name, found, n) < 0)
		return -EFAULT;
	if (memcmp(found, name, n) != 0)
		return 0;
	*ret = symbol.st_value + image->bias;
	return 1;
}

static int find_gnu(const struct elf_image *image, const char *name, uint64_t *ret)
{
	struct {
		uint32_t buckets, first_symbol, bloom_words, bloom_shift;
	} header;
	uint32_t wanted = 5381, index, hash;

	for (const char *at = name; *at; at++)
		wanted = wanted * 33 + (unsigned char)*at;
	if (memory_read(image->memory, image->gnu_hash, &header, sizeof(header)) < 0 ||
	    header.buckets == 0)
		return -EFAULT;
	uint64_t buckets =
		image->gnu_hash + sizeof(header) + header.bloom_words * sizeof(uint64_t);
	uint64_t chains = buckets + header.buckets * sizeof(uint32_t);
	if (read_u32(image, buckets, wanted % header.buckets, &index) < 0)
		return -EFAULT;
	if (index < header.first_symbol)
		return -ENOENT;
	for (int i = 0; i < LONGEST_CHAIN; i++, index++) {
		if (read_u32(image, chains, index - header.first_symbol, &hash) < 0)
			return -EFAULT;
		/* The lowest bit marks the end of the chain. */
		int r = (hash | 1) == (wanted | 1) ? check(image, index, name, ret) : 0;
		if (r != 0)
			return r < 0 ? r : 0;
		if (hash & 1)
			return -ENOENT;
	}
	return -EFAULT;
}

static int find_sysv(const struct elf_image *image, const char *name, uint64_t *ret)
{
	struct {
		uint32_t buckets, chains;
	} header;
	uint32_t wanted = 0, index;

	for (const char *at = name; *at; at++) {
		wanted = (wanted << 4) + (unsigned char)*at;
		wanted = (wanted ^ (wanted >> 24 & 0xf0)) & 0x0fffffff;
	}
	if (memory_read(image->memory, image->hash, &header, sizeof(header)) < 0 ||
	    header.buckets == 0)
		return -EFAULT;
	uint64_t buckets = image->hash + sizeof(header);
	uint64_t chains = buckets + header.buckets * sizeof(uint32_t);
	if (read_u32(image, buckets, wanted % header.buckets, &index) < 0)
		return -EFAULT;
	for (int i = 0; i < LONGEST_CHAIN && index != STN_UNDEF; i++) {
		if (index >= header.chains)
			return -EFAULT;
		int r = check(image, index, name, ret);
		if (r != 0)
			return r < 0 ? r : 0;
		if (read_u32(image, chains, index, &index) < 0)
			return -EFAULT;
	}
	return index == STN_UNDEF ? -ENOENT : -EFAULT;
}

int elf_find(const struct elf_image *image, const char *name, uint64_t *ret)
{
	return image->gnu_hash ? find_gnu(image, name, ret) : find_sysv(image, name, ret);
}
