/* The reader of native code: C, C++, and what else has call frame information.
 *
 * A stack is walked anew each time, because nothing but the registers and the stack
 * itself says who called: but all that an instruction alone decides is worked out once
 * and kept as a *site*: the rules that lead to its caller, and the functions and lines
 * that it belongs to.  A walk then is one reading of registers, one of memory (the spans
 * that the last one of the thread used, source_memory.h) and some additions.
 *
 * What is mapped may change under the sites (dlopen, dlclose), and a library may come to
 * lie where another one lay.  So the map is read again before a site is made, and each
 * walk compares the build id of the libraries that it comes through (where there is none,
 * a few bytes of the code) with the program's memory.  When something else turns out to
 * be there, all sites go and the walk begins again.
 *
 * An instruction is looked up one byte before the address at which the thread will go on:
 * that lies inside the call, while the address itself may belong to the next line, or to
 * another function where the call does not return.  A frame that a signal interrupted has
 * its exact address.
 *
 * Where a function ends with a call, the compiler may jump instead (tail call): the
 * function is then on no stack any more, and its caller's line is what can be known. */
#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "trace/source.h"
#include "trace/source_dwarf_lines.h"
#include "trace/source_dwarf_modules.h"
#include "trace/source_dwarf_unwind.h"
#include "trace/source_memory.h"
#include "trace/state.h"

enum {
	THREAD_SLOTS = 256,
	CODE_BYTES = 8,
	BLOCK_BYTES = 256, /* of the stack, read at once */
	PHYSICAL_DEPTH = 256,
	CHANGES = 3, /* of the map, followed in one reading */
};

struct site {
	uint64_t address;         /* inside the instruction */
	uint8_t code[CODE_BYTES]; /* there */
	bool has_code;
	struct dwarf_module *module; /* NULL: no file's code */
	struct unwind_rules rules;
	struct dwarf_lines lines;
};

struct dwarf_thread {
	pid_t tid;                 /* 0: an empty slot */
	struct memory_spans spans; /* what the last reading of it used */
};

struct source_dwarf {
	struct dwarf_modules modules;
	struct memory memory;
	uint64_t walk;      /* its number */
	struct site *sites; /* [number - 1] */
	size_t site_capacity;
	uint32_t site_count;
	struct number_map site_by_address;
	bool is_static;     /* the program has its libraries in itself */
	uint32_t map_count; /* how often its map was found to be another one */
	uint64_t block_address;
	bool has_block;
	uint8_t block[BLOCK_BYTES];
	struct dwarf_thread threads[THREAD_SLOTS];
};

/* ---- sites ---- */

static void drop_sites(struct source_dwarf *dwarf)
{
	for (uint32_t i = 0; i < dwarf->site_count; i++) {
		unwind_rules_done(&dwarf->sites[i].rules);
		dwarf_lines_done(&dwarf->sites[i].lines);
	}
	dwarf->site_count = 0;
	array_free(dwarf->site_by_address.slots);
	dwarf->site_by_address = (struct number_map){0};
}

/* 1: the map changed, and all sites are gone. */
static int refresh(struct source_dwarf *dwarf)
{
	int r = dwarf_modules_read(&dwarf->modules);

	if (r <= 0)
		return r;
	drop_sites(dwarf);
	dwarf->map_count++;
	dwarf->is_static = true;
	for (size_t i = 0; i < dwarf->modules.count; i++) {
		const struct dwarf_module *module = &dwarf->modules.items[i];
		if (!module->is_program && module->path[0] == '/')
			dwarf->is_static = false;
	}
	return r;
}

static bool has_address(const void *context, uint32_t number)
{
	const void *const *both = context;
	const struct source_dwarf *dwarf = both[0];
	const uint64_t *address = both[1];

	return dwarf->sites[number - 1].address == *address;
}

static struct site *find_site(const struct source_dwarf *dwarf, uint64_t address)
{
	uint64_t hash = hash_bytes(HASH_START, &address, sizeof(address));
	const void *both[] = {dwarf, &address};
	uint32_t number =
		number_map_find(&dwarf->site_by_address, hash, has_address, both);

	return number ? &dwarf->sites[number - 1] : NULL;
}

static struct site *add_site(struct source_dwarf *dwarf, const struct site *site)
{
	uint64_t hash = hash_bytes(HASH_START, &site->address, sizeof(site->address));

	if (array_reserve(&dwarf->sites, &dwarf->site_capacity,
			  (size_t)dwarf->site_count + 1, sizeof(*dwarf->sites)) < 0 ||
	    number_map_add(&dwarf->site_by_address, hash, dwarf->site_count + 1) < 0)
		return NULL;
	dwarf->sites[dwarf->site_count++] = *site;
	return &dwarf->sites[dwarf->site_count - 1];
}

static bool read_code(struct source_dwarf *dwarf, uint64_t address,
		      uint8_t ret[CODE_BYTES])
{
	return memory_read(&dwarf->memory, address + 1 - CODE_BYTES, ret, CODE_BYTES) ==
	       0;
}

/* Whether the file is the one that was there when its sites were made.  The executable
 * cannot go. */
static bool is_same_file(struct source_dwarf *dwarf, struct dwarf_module *module)
{
	uint8_t id[DWARF_ID_BYTES];

	if (module->is_program || module->checked == dwarf->walk)
		return true;
	if (memory_read(&dwarf->memory, module->id_address, id, module->id_bytes) < 0 ||
	    memcmp(id, module->id, module->id_bytes) != 0)
		return false;
	module->checked = dwarf->walk;
	return true;
}

static bool is_same_site(struct source_dwarf *dwarf, const struct site *site)
{
	uint8_t code[CODE_BYTES];

	if (site->module && (site->module->is_program || site->module->id_bytes))
		return is_same_file(dwarf, site->module);
	return read_code(dwarf, site->address, code) == site->has_code &&
	       (!site->has_code || memcmp(code, site->code, CODE_BYTES) == 0);
}

static int fill_site(struct source_dwarf *dwarf, struct site *site, uint64_t pc)
{
	struct dwarf_module *module = dwarf_modules_find(&dwarf->modules, site->address);
	int r;

	site->has_code = read_code(dwarf, site->address, site->code);
	if (!module)
		return 0;
	site->module = module;
	r = unwind_rules_read(module->module, !module->is_system, site->address,
			      &site->rules);
	if (r == 0)
		r = dwarf_lines_read(module, site->address, pc, &site->lines);
	return r;
}

/* *ret: the site of an address.  1: the map changed, begin again. */
static int look_up(struct source_dwarf *dwarf, uint64_t address, uint64_t pc,
		   struct site **ret)
{
	struct site site = {.address = address}, *known = find_site(dwarf, address);
	int r;

	if (known && is_same_site(dwarf, known)) {
		*ret = known;
		return 0;
	}
	r = refresh(dwarf);
	if (r != 0)
		return r;
	if (known) { /* code that was written anew where no file is */
		known->has_code = read_code(dwarf, address, known->code);
		*ret = known;
		return 0;
	}
	if (dwarf->site_count >= LIMIT_DWARF_SITES)
		drop_sites(dwarf);
	r = fill_site(dwarf, &site, pc);
	*ret = r == 0 ? add_site(dwarf, &site) : NULL;
	if (*ret)
		return 0;
	unwind_rules_done(&site.rules);
	dwarf_lines_done(&site.lines);
	return r < 0 ? r : -ENOMEM;
}

/* ---- walking ---- */

/* By whole blocks, because walks from neighbouring places read neighbouring words. */
static int read_word(void *context, uint64_t address, uint64_t *ret)
{
	struct source_dwarf *dwarf = context;
	uint64_t block = address - address % BLOCK_BYTES;

	if (address % BLOCK_BYTES > BLOCK_BYTES - sizeof(*ret))
		return memory_read(&dwarf->memory, address, ret, sizeof(*ret));
	if (!dwarf->has_block || dwarf->block_address != block) {
		dwarf->has_block = memory_read(&dwarf->memory, block, dwarf->block,
					       BLOCK_BYTES) == 0;
		dwarf->block_address = block;
	}
	if (!dwarf->has_block)
		return -EFAULT;
	memcpy(ret, dwarf->block + (address - block), sizeof(*ret));
	return 0;
}

/* Adds the functions of a site; false: there is no more room. */
static bool add_frames(const struct site *site, uint64_t pc, struct source_stack *stack,
		       uint8_t origins[LIMIT_STACK_DEPTH])
{
	for (size_t i = 0; i < site->lines.count; i++) {
		const struct dwarf_line *line = &site->lines.items[i];
		if (stack->count == LIMIT_STACK_DEPTH) {
			stack->is_cut = true;
			return false;
		}
		origins[stack->count] = line->origin;
		stack->frames[stack->count++] = (struct source_frame){
			.code = pc,
			.offset = (uint32_t)i,
			.file = line->file,
			.function = line->function,
			.line = line->line,
		};
	}
	return true;
}

/* Which frames are the system's; returns whether any is not.  Beside code with lines,
 * code without them is taken for a library's: a static program has libc in itself.  Where
 * nothing has lines, and the program is static, the function that holds the system call
 * is libc's. */
static bool mark_system(const struct source_dwarf *dwarf, struct source_stack *stack,
			const uint8_t origins[LIMIT_STACK_DEPTH])
{
	bool has_own = false, has_outer = false, has_user = false;

	for (unsigned i = 0; i < stack->count; i++) {
		has_own |= origins[i] == DWARF_OWN;
		has_outer |= i > 0 && origins[i] == DWARF_UNKNOWN;
	}
	for (unsigned i = 0; i < stack->count; i++) {
		bool is_inner = i == 0 && has_outer && dwarf->is_static;
		stack->frames[i].is_system =
			origins[i] == DWARF_SYSTEM ||
			(origins[i] == DWARF_UNKNOWN && (has_own || is_inner));
		has_user |= !stack->frames[i].is_system;
	}
	return has_user;
}

/* Where all is a library's, no line is anybody's statement: the innermost function alone is
 * shown, or of a goroutine that Go's library began, the one that it began with. */
static void show_function_alone(struct source_stack *stack)
{
	unsigned shown = 0;

	for (unsigned i = stack->count - 1; i > 0 && shown == 0; i--) {
		const struct source_frame *frame = &stack->frames[i];
		const char *end = frame->file ? strrchr(frame->file, '.') : NULL;
		if (end && strcmp(end, ".go") == 0 && frame->function &&
		    strncmp(frame->function, "runtime.", strlen("runtime.")) != 0)
			shown = i;
	}
	stack->frames[shown].is_system = shown == 0;
	stack->frames[shown].file = NULL;
	stack->frames[shown].line = 0;
}

/* 1: the map changed while it was walked. */
static int walk(struct source_dwarf *dwarf, pid_t tid, struct source_stack *ret)
{
	struct unwind_registers registers;
	uint8_t origins[LIMIT_STACK_DEPTH];
	bool is_exact = false, is_start = false;
	int r = unwind_start(tid, &registers);

	if (r < 0)
		return r;
	dwarf->walk++;
	ret->count = 0;
	ret->is_cut = false;
	dwarf->has_block = false;
	for (unsigned depth = 0; depth < PHYSICAL_DEPTH; depth++) {
		struct site *site = NULL;
		uint64_t pc = registers.pc;
		r = look_up(dwarf, is_exact ? pc : pc - 1, pc, &site);
		if (r != 0)
			return r;
		if (!add_frames(site, pc, ret, origins) || site->lines.is_outermost)
			break;
		is_exact = site->rules.is_signal;
		is_start = site->lines.is_start;
		r = unwind_step(&site->rules, read_word, dwarf, &registers);
		if (r < 0)
			break;
	}
	/* The outermost function, where the program has no symbols. */
	is_start |= r == -ENOENT && !dwarf->is_static;
	if (is_start && ret->count && origins[ret->count - 1] == DWARF_UNKNOWN) {
		origins[ret->count - 1] = DWARF_SYSTEM;
		/* In a static program what is left before main cannot be told from it. */
		if (dwarf->is_static)
			return -ENOENT;
	}
	if (ret->count == 0)
		return -ENOENT;
	if (mark_system(dwarf, ret, origins))
		return 0;
	show_function_alone(ret);
	return is_start ? -ENOENT : 0;
}

static struct dwarf_thread *find_thread(struct source_dwarf *dwarf, pid_t tid)
{
	struct dwarf_thread *thread = &dwarf->threads[(unsigned)tid % THREAD_SLOTS];

	if (thread->tid != tid) {
		thread->spans.count = 0;
		thread->tid = tid;
	}
	return thread;
}

int source_dwarf_read(struct source_dwarf *dwarf, pid_t tid, struct source_stack *ret)
{
	struct dwarf_thread *thread = find_thread(dwarf, tid);
	int r = 1;

	for (unsigned i = 0; i < CHANGES && r == 1; i++) {
		memory_begin(&dwarf->memory, tid, &thread->spans);
		r = walk(dwarf, tid, ret);
		memory_end(&dwarf->memory, &thread->spans);
	}
	return r == 1 ? -EAGAIN : r;
}

/* ---- opening ---- */

uint32_t source_dwarf_maps(const struct source_dwarf *dwarf)
{
	return dwarf->map_count;
}

int source_dwarf_open(pid_t pid, struct source_dwarf **ret, bool *ret_has_lines)
{
	struct source_dwarf *dwarf = array_new(1, sizeof(*dwarf));
	bool has_lines = false;
	int r;

	if (!dwarf)
		return -ENOMEM;
	dwarf->modules.pid = pid;
	r = refresh(dwarf);
	if (r < 0) {
		source_dwarf_free(dwarf);
		return r;
	}
	for (size_t i = 0; i < dwarf->modules.count; i++) {
		const struct dwarf_module *module = &dwarf->modules.items[i];
		if (module->is_program && module->module)
			has_lines |= dwarf_lines_has(module);
	}
	*ret = dwarf;
	*ret_has_lines = has_lines;
	return 0;
}

void source_dwarf_free(struct source_dwarf *dwarf)
{
	if (!dwarf)
		return;
	drop_sites(dwarf);
	array_free(dwarf->sites);
	for (size_t i = 0; i < THREAD_SLOTS; i++)
		memory_spans_done(&dwarf->threads[i].spans);
	memory_done(&dwarf->memory);
	dwarf_modules_done(&dwarf->modules);
	array_free(dwarf);
}
