/* Modules of a process, from its memory map.
 *
 * libdw's ready-made callbacks are not used: the one for debug information asks servers
 * of the network (DEBUGINFOD_URLS).  Here only files of this machine are opened: the
 * mapped file itself, as the process would find it, if it still is the one that is mapped
 * (device and inode tell); else the image in the process's memory; and debug information
 * that was split off, in the places where Debian and gdb keep it: by build id below
 * /usr/lib/debug/.build-id, and by the name in .gnu_debuglink beside the file. */
#include "trace/source_dwarf_modules.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/array.h"
#include "base/limits.h"

/* ---- what libdw asks ---- */

static int open_mapped(const struct dwarf_modules *modules,
		       const struct dwarf_module *module)
{
	char path[64 + LIMIT_PATH];
	struct stat status;

	/* The executable is in reach even when its name is not. */
	if (module->is_program)
		snprintf(path, sizeof(path), "/proc/%d/exe", (int)modules->pid);
	else
		snprintf(path, sizeof(path), "/proc/%d/root%s", (int)modules->pid,
			 module->path);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -1;
	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) ||
	    status.st_ino != module->inode || status.st_dev != module->device) {
		close(fd);
		return -1;
	}
	return fd;
}

static const struct dwarf_module *module_of(const struct dwarf_modules *modules,
					    uint64_t base)
{
	for (size_t i = 0; i < modules->count; i++)
		if (modules->items[i].begin == base)
			return &modules->items[i];
	return NULL;
}

static int find_elf(Dwfl_Module *dwfl_module, void **userdata, const char *name,
		    Dwarf_Addr base, char **ret_path, Elf **ret_elf)
{
	const struct dwarf_modules *modules = *userdata;
	const struct dwarf_module *module = modules ? module_of(modules, base) : NULL;
	char vdso[32];

	if (!module)
		return -1;
	int fd = module->path[0] == '/' ? open_mapped(modules, module) : -1;
	if (fd >= 0) {
		*ret_path = strdup(module->path);
		return fd;
	}
	/* By such a name libdw reads the image in memory. */
	snprintf(vdso, sizeof(vdso), "[vdso: %d]", (int)modules->pid);
	(void)name;
	return dwfl_linux_proc_find_elf(dwfl_module, userdata, vdso, base, ret_path,
					ret_elf);
}

/* As .gnu_debuglink has it: the CRC-32 of IEEE 802.3. */
static uint32_t crc_add(uint32_t crc, const unsigned char *bytes, size_t n)
{
	crc = ~crc;
	for (size_t i = 0; i < n; i++) {
		crc ^= bytes[i];
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0xedb88320) : 0);
	}
	return ~crc;
}

static bool has_crc(int fd, uint32_t wanted)
{
	unsigned char bytes[1 << 14];
	uint32_t crc = 0;
	ssize_t n;

	while ((n = read(fd, bytes, sizeof(bytes))) > 0)
		crc = crc_add(crc, bytes, (size_t)n);
	return n == 0 && crc == wanted && lseek(fd, 0, SEEK_SET) == 0;
}

static int open_debug_file(const char *path, uint32_t crc)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd >= 0 && (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) ||
			status.st_size > LIMIT_DEBUG_FILE || !has_crc(fd, crc))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static int find_debuginfo(Dwfl_Module *dwfl_module, void **userdata, const char *name,
			  Dwarf_Addr base, const char *file, const char *link,
			  GElf_Word crc, char **ret_path)
{
	static const char *const forms[] = {"%.*s%s", "%.*s.debug/%s",
					    "/usr/lib/debug%.*s%s"};
	int fd = dwfl_build_id_find_debuginfo(dwfl_module, userdata, name, base, file,
					      link, crc, ret_path);
	const char *slash = file ? strrchr(file, '/') : NULL;
	char path[2 * LIMIT_PATH];

	if (fd >= 0 || !link || !slash || strchr(link, '/'))
		return fd;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]) && fd < 0; i++) {
		int folder = (int)(slash + 1 - file);
		int n;

		/* The forms are the three above. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		n = snprintf(path, sizeof(path), forms[i], folder, file, link);
#pragma GCC diagnostic pop
		if (n > 0 && (size_t)n < sizeof(path) && strcmp(path, file) != 0)
			fd = open_debug_file(path, crc);
	}
	if (fd >= 0)
		*ret_path = strdup(path);
	return fd;
}

static const Dwfl_Callbacks callbacks = {
	.find_elf = find_elf,
	.find_debuginfo = find_debuginfo,
};

/* ---- the map ---- */

static bool is_system_path(const char *path)
{
	static const char *const folders[] = {
		"/lib/",       "/lib32/",     "/lib64/",      "/usr/lib/",
		"/usr/lib32/", "/usr/lib64/", "/usr/libexec/"};

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (strncmp(path, folders[i], strlen(folders[i])) == 0)
			return true;
	return path[0] != '/'; /* [vdso] */
}

static void drop_items(struct dwarf_module *items, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		array_free(items[i].path);
		array_free(items[i].go_root);
	}
	array_free(items);
}

static char *copy(const char *string)
{
	size_t n = strlen(string) + 1;
	char *copied = array_new(n, 1);

	if (copied)
		memcpy(copied, string, n);
	return copied;
}

/* One line of the map: continues the module before, begins one, or is neither. */
static int add_line(struct dwarf_modules *modules, const char *line,
		    const struct stat *program)
{
	unsigned long begin, end, inode;
	unsigned major, minor;
	char access[5];
	int at = 0;
	struct dwarf_module *last =
		modules->count ? &modules->items[modules->count - 1] : NULL;

	if (sscanf(line, "%lx-%lx %4s %*x %x:%x %lu %n", &begin, &end, access, &major,
		   &minor, &inode, &at) != 6 ||
	    at == 0 || (line[at] != '/' && strcmp(line + at, "[vdso]") != 0))
		return 0;
	uint64_t device = makedev(major, minor);
	if (last && last->inode == inode && last->device == device &&
	    strcmp(last->path, line + at) == 0) {
		last->end = end;
		last->is_code |= access[2] == 'x';
		return 0;
	}
	if (modules->count >= LIMIT_DWARF_MODULES ||
	    array_reserve(&modules->items, &modules->capacity, modules->count + 1,
			  sizeof(*modules->items)) < 0)
		return -ENOMEM;
	last = &modules->items[modules->count];
	*last = (struct dwarf_module){
		.begin = begin,
		.end = end,
		.device = device,
		.inode = inode,
		.path = copy(line + at),
		.is_code = access[2] == 'x',
		.is_program = program->st_ino == inode && program->st_dev == device,
	};
	if (!last->path)
		return -ENOMEM;
	last->is_system = !last->is_program && is_system_path(last->path);
	modules->count++;
	return 0;
}

static int read_map(struct dwarf_modules *modules)
{
	char path[64];
	char *line = NULL;
	size_t capacity = 0, kept = 0;
	struct stat program = {0};
	ssize_t n;
	int r = 0;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)modules->pid);
	if (stat(path, &program) < 0)
		return -errno;
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)modules->pid);
	FILE *maps = fopen(path, "re");
	if (!maps)
		return -errno;
	while (r == 0 && (n = getline(&line, &capacity, maps)) > 0) {
		if (line[n - 1] == '\n')
			line[n - 1] = '\0';
		r = add_line(modules, line, &program);
	}
	free(line);
	fclose(maps);
	for (size_t i = 0; i < modules->count; i++) {
		if (modules->items[i].is_code)
			modules->items[kept++] = modules->items[i];
		else
			array_free(modules->items[i].path);
	}
	modules->count = kept;
	return r;
}

static bool is_same_map(const struct dwarf_modules *a, const struct dwarf_modules *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		const struct dwarf_module *x = &a->items[i], *y = &b->items[i];
		if (x->begin != y->begin || x->end != y->end || x->inode != y->inode ||
		    x->device != y->device || strcmp(x->path, y->path) != 0)
			return false;
	}
	return true;
}

/* Tells libdw of all modules.  Those that it knows, it keeps: a name holds all that tells
 * one file from another. */
static int report(struct dwarf_modules *modules)
{
	char name[64];
	void **userdata;

	if (!modules->dwfl) {
		modules->dwfl = dwfl_begin(&callbacks);
		if (!modules->dwfl)
			return -ENOMEM;
	}
	dwfl_report_begin(modules->dwfl);
	for (size_t i = 0; i < modules->count; i++) {
		struct dwarf_module *module = &modules->items[i];
		snprintf(name, sizeof(name), "%llx:%llx",
			 (unsigned long long)module->device,
			 (unsigned long long)module->inode);
		module->module = dwfl_report_module(modules->dwfl, name, module->begin,
						    module->end);
		if (!module->module)
			continue; /* what it overlaps is gone by the next reading */
		dwfl_module_info(module->module, &userdata, NULL, NULL, NULL, NULL, NULL,
				 NULL);
		*userdata = modules;
	}
	return dwfl_report_end(modules->dwfl, NULL, NULL) == 0 ? 1 : -EFAULT;
}

int dwarf_modules_read(struct dwarf_modules *modules)
{
	struct dwarf_modules now = {.pid = modules->pid, .dwfl = modules->dwfl};
	int r = read_map(&now);

	if (r < 0 || (modules->dwfl && is_same_map(modules, &now))) {
		drop_items(now.items, now.count);
		return r;
	}
	drop_items(modules->items, modules->count);
	*modules = now;
	return report(modules);
}

void dwarf_modules_done(struct dwarf_modules *modules)
{
	if (modules->dwfl)
		dwfl_end(modules->dwfl);
	drop_items(modules->items, modules->count);
	*modules = (struct dwarf_modules){0};
}

static void read_id(struct dwarf_module *module)
{
	const unsigned char *id;
	GElf_Addr address;
	Dwarf_Addr bias;
	int n = dwfl_module_getelf(module->module, &bias)
			? dwfl_module_build_id(module->module, &id, &address)
			: 0;

	if (n <= 0 || address == 0)
		return;
	module->id_bytes = n < DWARF_ID_BYTES ? (size_t)n : DWARF_ID_BYTES;
	module->id_address = address;
	memcpy(module->id, id, module->id_bytes);
}

struct dwarf_module *dwarf_modules_find(const struct dwarf_modules *modules,
					uint64_t address)
{
	size_t low = 0, high = modules->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct dwarf_module *module = &modules->items[middle];
		if (address < module->begin) {
			high = middle;
		} else if (address >= module->end) {
			low = middle + 1;
		} else {
			if (module->module && !module->id_bytes)
				read_id(module);
			return module->module ? module : NULL;
		}
	}
	return NULL;
}
