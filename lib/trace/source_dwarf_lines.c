/* Instructions to lines and functions, by libdw.
 *
 * A compilation unit is found by its address ranges (not all compilers write the index
 * that libdw would use), and the line by the unit's line table.  An instruction that was
 * inlined lies in several functions at once: the line table has the innermost, and each
 * inlined function says in which line of which file it was called.  That matters: with
 * _FORTIFY_SOURCE recv() is such a function, in a header of libc.
 *
 * Names come from the debug information or the symbol table.  C++'s are decoded by the
 * compiler's own library. */
#include "trace/source_dwarf_lines.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/limits.h"
#include "trace/source_dwarf_library.h"

/* Of the C++ ABI (Itanium), in libstdc++.
 * NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
char *__cxa_demangle(const char *mangled, char *output, size_t *length, int *status);

static char *copy_n(const char *string, size_t n)
{
	char *copied = array_new(n + 1, 1);

	if (copied)
		memcpy(copied, string, n);
	return copied;
}

/* ---- names ---- */

/* Rust appends a hash: "::h0123456789abcdef". */
static size_t length_without_hash(const char *name)
{
	size_t n = strlen(name);

	if (n > 19 && strncmp(name + n - 19, "::h", 3) == 0 &&
	    strspn(name + n - 16, "0123456789abcdef") == 16)
		return n - 19;
	return n;
}

static char *readable_name(const char *name)
{
	char *decoded, *copied;
	int status;

	if (strncmp(name, "_Z", 2) != 0 || strlen(name) > LIMIT_SYMBOL)
		return copy_n(name, strnlen(name, LIMIT_SYMBOL));
	decoded = __cxa_demangle(name, NULL, NULL, &status);
	if (!decoded)
		return copy_n(name, strlen(name));
	size_t n = length_without_hash(decoded);
	copied = copy_n(decoded, n < LIMIT_SYMBOL ? n : LIMIT_SYMBOL);
	free(decoded);
	return copied;
}

static const char *die_name(Dwarf_Die *die)
{
	static const unsigned names[] = {DW_AT_linkage_name, DW_AT_MIPS_linkage_name,
					 DW_AT_name};
	Dwarf_Attribute attribute;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *name =
			dwarf_formstring(dwarf_attr_integrate(die, names[i], &attribute));
		if (name)
			return name;
	}
	return NULL;
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

/* "symbol+0x12", of a library "libx.so:symbol+0x12", without symbols "prog+0x1139". */
static char *name_by_symbol(const struct dwarf_module *module, uint64_t address,
			    uint64_t pc)
{
	char text[LIMIT_SYMBOL + LIMIT_PATH];
	const char *file = last_part(module->path);
	GElf_Sym symbol;
	GElf_Off offset;
	const char *name = dwfl_module_addrinfo(module->module, address, &offset, &symbol,
						NULL, NULL, NULL);
	char *readable = name ? readable_name(name) : NULL;
	int n;

	if (readable)
		n = snprintf(text, sizeof(text), "%s%s%s+0x%" PRIx64,
			     module->is_program ? "" : file,
			     module->is_program ? "" : ":", readable,
			     (uint64_t)offset + (pc - address));
	else
		n = snprintf(text, sizeof(text), "%s+0x%" PRIx64, file,
			     (uint64_t)pc - module->begin);
	array_free(readable);
	return copy_n(text, n > 0 && (size_t)n < sizeof(text) ? (size_t)n : 0);
}

/* ---- lines ---- */

static Dwarf_Die *find_unit(Dwfl_Module *module, uint64_t address, Dwarf_Addr *ret_bias)
{
	Dwarf_Die *unit = dwfl_module_addrdie(module, address, ret_bias);

	if (unit)
		return unit;
	while ((unit = dwfl_module_nextcu(module, unit, ret_bias)))
		if (dwarf_haspc(unit, address - *ret_bias) > 0)
			return unit;
	return NULL;
}

/* Headers of the system and sources of standard libraries. */
static bool is_system_file(const char *file)
{
	static const char *const folders[] = {
		"/usr/include/", "/usr/local/include/", "/usr/lib/", "/usr/lib64/",
		"/usr/share/go", "/usr/local/go/src/",  "/rustc/"};

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (strncmp(file, folders[i], strlen(folders[i])) == 0)
			return true;
	return false;
}

/* Names may be relative to the folder in which the compiler ran. */
static char *full_path(Dwarf_Die *unit, const char *file)
{
	Dwarf_Attribute attribute;
	const char *folder = NULL;
	char path[LIMIT_PATH];
	int n;

	if (file[0] != '/')
		folder = dwarf_formstring(dwarf_attr(unit, DW_AT_comp_dir, &attribute));
	if (folder && strcmp(folder, ".") == 0)
		folder = NULL; /* as Go has it, and no help */
	n = folder ? snprintf(path, sizeof(path), "%s/%s", folder, file)
		   : snprintf(path, sizeof(path), "%s", file);
	return n > 0 && (size_t)n < sizeof(path) ? copy_n(path, (size_t)n) : NULL;
}

/* unit: NULL where no line is known.  Takes function. */
static int add(struct dwarf_lines *lines, struct dwarf_module *module, Dwarf_Die *unit,
	       const char *file, int number, char *function)
{
	struct dwarf_line *line;

	if (array_reserve(&lines->items, &lines->capacity, lines->count + 1,
			  sizeof(*lines->items)) < 0) {
		array_free(function);
		return -ENOMEM;
	}
	line = &lines->items[lines->count++];
	*line = (struct dwarf_line){.function = function};
	if (unit && file && number > 0) {
		line->file = full_path(unit, file);
		line->line = line->file ? number : 0;
	}
	if (module->is_system ||
	    (line->file && (is_system_file(line->file) ||
			    dwarf_library_has_file(module, unit, line->file))))
		line->origin = DWARF_SYSTEM;
	return 0;
}

static bool is_function(Dwarf_Die *die)
{
	int tag = dwarf_tag(die);

	return tag == DW_TAG_inlined_subroutine || tag == DW_TAG_subprogram ||
	       tag == DW_TAG_entry_point;
}

/* The functions around an instruction, outermost first. */
struct nest {
	unsigned count;
	Dwarf_Die items[LIMIT_DWARF_NEST];
};

/* dwarf_getscopes() does not look into namespaces, where clang and Rust have functions,
 * and of an inlined function it tells the scopes around its definition.  Functions that
 * are defined inside of others may lie elsewhere: they are looked for with `everywhere`. */
static bool find_functions(Dwarf_Die *parent, Dwarf_Addr address, bool everywhere,
			   unsigned depth, struct nest *nest)
{
	Dwarf_Die die;

	if (depth == LIMIT_DWARF_NEST || dwarf_child(parent, &die) != 0)
		return false;
	do {
		int tag = dwarf_tag(&die);
		bool is_container = tag == DW_TAG_namespace || tag == DW_TAG_module ||
				    tag == DW_TAG_class_type ||
				    tag == DW_TAG_structure_type ||
				    tag == DW_TAG_union_type;
		bool is_code = is_function(&die) || tag == DW_TAG_lexical_block ||
			       tag == DW_TAG_try_block || tag == DW_TAG_catch_block;

		if (is_code && dwarf_haspc(&die, address) > 0) {
			if (is_function(&die) && nest->count < LIMIT_DWARF_NEST)
				nest->items[nest->count++] = die;
			find_functions(&die, address, everywhere, depth + 1, nest);
			return true;
		}
		if ((is_container || (is_code && everywhere)) &&
		    find_functions(&die, address, everywhere, depth + 1, nest))
			return true;
	} while (dwarf_siblingof(&die, &die) == 0);
	return false;
}

static const char *call_site(Dwarf_Files *files, Dwarf_Die *die, int *ret_line)
{
	Dwarf_Attribute attribute;
	Dwarf_Word file, line;

	if (dwarf_formudata(dwarf_attr(die, DW_AT_call_file, &attribute), &file) != 0 ||
	    dwarf_formudata(dwarf_attr(die, DW_AT_call_line, &attribute), &line) != 0 ||
	    !files || line > INT32_MAX)
		return NULL;
	*ret_line = (int)line;
	return dwarf_filesrc(files, file, NULL, NULL);
}

/* The functions around the instruction, each with the line in it. */
static int add_functions(struct dwarf_lines *lines, struct dwarf_module *module,
			 Dwarf_Die *unit, Dwarf_Addr address, Dwarf_Addr bias,
			 const char *file, int number)
{
	struct nest nest = {0};
	Dwarf_Files *files = NULL;
	int r = 0;

	if (!find_functions(unit, address, false, 0, &nest))
		find_functions(unit, address, true, 0, &nest);
	if (dwarf_getsrcfiles(unit, &files, NULL) != 0)
		files = NULL;
	for (unsigned i = nest.count; i > 0 && r == 0; i--) {
		Dwarf_Die *die = &nest.items[i - 1];
		bool is_inlined = dwarf_tag(die) == DW_TAG_inlined_subroutine;
		const char *name = die_name(die);
		/* What no other unit sees has its namespace in the symbol alone. */
		const char *symbol =
			is_inlined ? NULL
				   : dwfl_module_addrname(module->module, address + bias);
		if (symbol && strncmp(symbol, "_Z", 2) == 0)
			name = symbol;
		r = add(lines, module, unit, file, number,
			name ? readable_name(name) : NULL);
		if (!is_inlined) {
			lines->is_outermost = module->is_program && name &&
					      (strcmp(name, "main") == 0 ||
					       dwarf_library_is_outermost(unit, name));
			break;
		}
		number = 0;
		file = call_site(files, die, &number);
	}
	return r;
}

/* 1: added; 0: no debug information of this instruction. */
static int add_by_debug(struct dwarf_lines *lines, struct dwarf_module *module,
			uint64_t address)
{
	Dwarf_Addr bias;
	Dwarf_Die *unit = find_unit(module->module, address, &bias);
	Dwarf_Line *line = unit ? dwarf_getsrc_die(unit, address - bias) : NULL;
	const char *file = line ? dwarf_linesrc(line, NULL, NULL) : NULL;
	int number = 0;
	int r;

	/* Line 0: of no line in particular, says the compiler. */
	if (!file || dwarf_lineno(line, &number) != 0 || number <= 0)
		return 0;
	r = add_functions(lines, module, unit, address - bias, bias, file, number);
	if (r == 0 && lines->count == 0)
		r = add(lines, module, unit, file, number, NULL);
	return r < 0 ? r : 1;
}

bool dwarf_lines_has(const struct dwarf_module *module)
{
	Dwarf_Addr bias;
	Dwarf_Die *unit = dwfl_module_nextcu(module->module, NULL, &bias);

	return unit != NULL;
}

int dwarf_lines_read(struct dwarf_module *module, uint64_t address, uint64_t pc,
		     struct dwarf_lines *ret)
{
	struct dwarf_lines lines = {0};
	/* A system library is known by its symbols alone: its lines are not asked for,
	 * and its debug information, where it is installed, is large. */
	int r = module->is_system ? 0 : add_by_debug(&lines, module, address);

	if (r == 0) {
		char *name = name_by_symbol(module, address, pc);
		lines.is_outermost =
			module->is_program && name && strncmp(name, "main+0x", 7) == 0;
		lines.is_start =
			module->is_program && name && strncmp(name, "_start+0x", 9) == 0;
		r = add(&lines, module, NULL, NULL, 0, name);
		if (r == 0 && !module->is_system)
			lines.items[0].origin = name && dwarf_library_has_symbol(name)
							? DWARF_SYSTEM
							: DWARF_UNKNOWN;
	}
	if (r < 0) {
		dwarf_lines_done(&lines);
		return r;
	}
	*ret = lines;
	return 0;
}

void dwarf_lines_done(struct dwarf_lines *lines)
{
	for (size_t i = 0; i < lines->count; i++) {
		array_free(lines->items[i].file);
		array_free(lines->items[i].function);
	}
	array_free(lines->items);
	*lines = (struct dwarf_lines){0};
}
