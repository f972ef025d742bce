/* The reader of CPython's stacks.
 *
 * An interpreter is known by the dynamic symbols _PyRuntime and Py_Version of the
 * program or of a library whose file is called *python*; the version in Py_Version picks
 * the row of offsets (source_python_layout.h).  Names of files tell no version here.
 *
 * From the runtime a list of interpreters is reached, from each a list of thread states;
 * the one of the stopped thread is recognised by pthread_self() (the thread pointer,
 * where the machine has it in a register of its own) or the kernel's thread number.  The
 * first is right also after a fork, where early 3.11s keep the parent's number, and in a
 * PID namespace, where the numbers are not ours.  A thread state that was found is
 * remembered, and believed as long as it says the same thread and its list still leads to
 * it.
 *
 * From the thread state the frames go from the innermost to the outermost.  The thread is
 * stopped, so its own frames hold still; other threads run on, and may change the lists
 * while they are read: every read is bounded, and what does not fit together is -EFAULT.
 */
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <unistd.h>

#include "base/array.h"
#include "trace/source.h"
#include "trace/source_elf.h"
#include "trace/source_memory.h"
#include "trace/source_python_code.h"
#include "trace/source_python_layout.h"

enum { THREAD_SLOTS = 256 };

struct python_thread {
	pid_t tid;                 /* 0: an empty slot */
	uint64_t state;            /* 0: not known */
	struct memory_spans spans; /* what the last reading of it used */
};

struct source_python {
	const struct python_layout *layout;
	uint64_t runtime;
	struct memory memory;
	struct python_codes codes;
	struct python_thread threads[THREAD_SLOTS];
};

/* ---- opening ---- */

struct interpreter {
	uint64_t runtime, version; /* their addresses; version 0: does not say */
	uint64_t code_type, string_type, bytes_type;
};

static bool inspect_image(struct memory *memory, uint64_t base, struct interpreter *ret)
{
	struct interpreter found = {0};
	struct elf_image image;

	if (elf_open(memory, base, &image) < 0 ||
	    elf_find(&image, "_PyRuntime", &found.runtime) < 0)
		return false;
	/* What is not there stays 0. */
	elf_find(&image, "Py_Version", &found.version);
	elf_find(&image, "PyCode_Type", &found.code_type);
	elf_find(&image, "PyUnicode_Type", &found.string_type);
	elf_find(&image, "PyBytes_Type", &found.bytes_type);
	*ret = found;
	return true;
}

/* The program itself, and libraries that may be libpython; not extension modules, whose
 * names have ".cpython-". */
static bool is_candidate(const char *path, const char *program)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return false;
	return strcmp(path, program) == 0 ||
	       (strstr(slash, "python") && !strstr(slash, ".cpython-"));
}

static bool find_interpreter(struct memory *memory, pid_t pid, struct interpreter *ret)
{
	char path[64], program[LIMIT_PATH] = "";
	char *line = NULL;
	size_t capacity = 0;
	bool is_found = false;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	ssize_t n = readlink(path, program, sizeof(program) - 1);
	program[n > 0 ? n : 0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	FILE *maps = fopen(path, "re");
	if (!maps)
		return false;
	while (!is_found && (n = getline(&line, &capacity, maps)) > 0) {
		unsigned long begin, offset;
		int at = 0;
		if (line[n - 1] == '\n')
			line[n - 1] = '\0';
		if (sscanf(line, "%lx-%*x %*s %lx %*s %*s %n", &begin, &offset, &at) ==
			    2 &&
		    at > 0 && offset == 0 && is_candidate(line + at, program))
			is_found = inspect_image(memory, begin, ret);
	}
	free(line);
	fclose(maps);
	return is_found;
}

enum source_found source_python_open(pid_t pid, struct source_python **ret,
				     char version[32])
{
	const struct memory_spans nothing = {0};
	struct memory memory = {0};
	struct interpreter found;
	uint64_t hex = 0;

	memory_begin(&memory, pid, &nothing);
	bool is_mine = find_interpreter(&memory, pid, &found);
	bool is_told = is_mine && found.version &&
		       memory_read(&memory, found.version, &hex, sizeof(hex)) == 0 &&
		       hex <= UINT32_MAX;
	memory_done(&memory);
	if (!is_mine)
		return SOURCE_NOT_MINE;
	if (!is_told) {
		snprintf(version, 32, "Python before 3.11");
		return SOURCE_UNKNOWN_VERSION;
	}
	python_version_format((uint32_t)hex, version);
	const struct python_layout *layout = python_layout_find((uint32_t)hex);
	if (!layout || !found.code_type || !found.string_type || !found.bytes_type)
		return SOURCE_UNKNOWN_VERSION;

	struct source_python *python = array_new(1, sizeof(*python));
	if (!python)
		return SOURCE_NOT_MINE;
	python->layout = layout;
	python->runtime = found.runtime;
	python->codes.layout = layout;
	python->codes.code_type = found.code_type;
	python->codes.string_type = found.string_type;
	python->codes.bytes_type = found.bytes_type;
	*ret = python;
	return SOURCE_READY;
}

void source_python_free(struct source_python *python)
{
	if (!python)
		return;
	for (size_t i = 0; i < THREAD_SLOTS; i++)
		memory_spans_done(&python->threads[i].spans);
	memory_done(&python->memory);
	python_codes_done(&python->codes);
	array_free(python);
}

/* ---- thread states ---- */

static uint64_t get(const uint8_t *bytes, size_t offset)
{
	uint64_t value;

	memcpy(&value, bytes + offset, sizeof(value));
	return value;
}

static int read_pointer(struct source_python *python, uint64_t address, uint64_t *ret)
{
	return memory_read(&python->memory, address, ret, sizeof(*ret));
}

/* What pthread_self() gives in thread tid; 0 where it is not to be had. */
static uint64_t read_thread_pointer(pid_t tid)
{
#ifdef __x86_64__
	struct user_regs_struct registers;
	struct iovec io = {.iov_base = &registers, .iov_len = sizeof(registers)};

	if (ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &io) == 0 &&
	    io.iov_len == sizeof(registers))
		return registers.fs_base;
#else
	/* On arm64 it lies at a distance from the register that libc decides. */
	(void)tid;
#endif
	return 0;
}

static bool is_of(const struct source_python *python, const uint8_t *state, pid_t tid)
{
	const struct python_layout *layout = python->layout;

	if (get(state, layout->thread_native_id) == (uint64_t)tid)
		return true;
	uint64_t self = read_thread_pointer(tid);
	return self && get(state, layout->thread_id) == self;
}

static int read_state(struct source_python *python, uint64_t state,
		      uint8_t ret[PYTHON_LARGEST_STRUCT])
{
	if (!memory_is_object(state))
		return -EFAULT;
	return memory_read(&python->memory, state, ret, python->layout->thread_bytes);
}

/* Does its list still lead to this thread state? */
static bool is_listed(struct source_python *python, uint64_t state, const uint8_t *bytes)
{
	const struct python_layout *layout = python->layout;
	uint64_t previous = get(bytes, layout->thread_previous);
	uint64_t interpreter = get(bytes, layout->thread_interpreter), link;
	uint64_t from = previous ? previous + layout->thread_next
				 : interpreter + layout->interpreter_threads;

	return read_pointer(python, from, &link) == 0 && link == state;
}

/* The innermost frame of the thread state; 0: none. */
static int read_current(struct source_python *python, const uint8_t *state, uint64_t *ret)
{
	uint64_t cframe = get(state, python->layout->thread_cframe);

	if (cframe == 0) {
		*ret = 0;
		return 0;
	}
	if (!memory_is_object(cframe))
		return -EFAULT;
	return read_pointer(python, cframe + python->layout->cframe_current, ret);
}

struct search {
	pid_t tid;
	uint64_t self;
	unsigned looked_at;
	unsigned rank; /* of what was found so far; 0 nothing */
	uint64_t state, frame;
};

static int search_threads(struct source_python *python, uint64_t state,
			  struct search *search)
{
	const struct python_layout *layout = python->layout;
	uint8_t bytes[PYTHON_LARGEST_STRUCT];

	for (; state != 0; state = get(bytes, layout->thread_next)) {
		if (search->looked_at++ >= LIMIT_PYTHON_THREADS)
			return -EFAULT;
		int r = read_state(python, state, bytes);
		if (r < 0)
			return r;
		bool is_self =
			search->self && get(bytes, layout->thread_id) == search->self;
		bool is_native =
			get(bytes, layout->thread_native_id) == (uint64_t)search->tid;
		uint64_t frame;
		if (!is_self && !is_native)
			continue;
		r = read_current(python, bytes, &frame);
		if (r < 0)
			return r;
		/* A thread may have a state in several interpreters: the newest comes
		 * first, and one that runs nothing is not the one. */
		unsigned rank = (is_self ? 4 : 0) + (is_native ? 2 : 0) + (frame ? 1 : 0);
		if (rank > search->rank) {
			search->rank = rank;
			search->state = state;
			search->frame = frame;
		}
	}
	return 0;
}

static int search_interpreters(struct source_python *python, struct search *search)
{
	const struct python_layout *layout = python->layout;
	uint64_t interpreter, threads;
	int r = read_pointer(python, python->runtime + layout->runtime_interpreters,
			     &interpreter);

	for (unsigned i = 0; r >= 0 && interpreter != 0; i++) {
		if (i >= LIMIT_PYTHON_INTERPRETERS || !memory_is_object(interpreter))
			return -EFAULT;
		r = read_pointer(python, interpreter + layout->interpreter_threads,
				 &threads);
		if (r >= 0)
			r = search_threads(python, threads, search);
		if (r >= 0)
			r = read_pointer(python, interpreter + layout->interpreter_next,
					 &interpreter);
	}
	return r;
}

/* The innermost frame of the thread. */
static int find_frame(struct source_python *python, struct python_thread *thread,
		      uint64_t *ret)
{
	uint8_t bytes[PYTHON_LARGEST_STRUCT];
	uint64_t frame = 0;

	if (thread->state && read_state(python, thread->state, bytes) == 0 &&
	    is_of(python, bytes, thread->tid) &&
	    is_listed(python, thread->state, bytes)) {
		int r = read_current(python, bytes, &frame);
		if (r < 0)
			return r;
	}
	if (frame == 0) {
		struct search search = {
			.tid = thread->tid,
			.self = read_thread_pointer(thread->tid),
		};
		thread->state = 0;
		int r = search_interpreters(python, &search);
		if (r < 0)
			return r;
		thread->state = search.state;
		frame = search.frame;
	}
	if (frame == 0)
		return -ENOENT;
	*ret = frame;
	return 0;
}

/* ---- frames ---- */

static int read_frames(struct source_python *python, uint64_t frame,
		       struct source_stack *ret)
{
	const struct python_layout *layout = python->layout;
	uint8_t bytes[PYTHON_LARGEST_STRUCT];

	ret->count = 0;
	ret->is_cut = false;
	while (frame != 0) {
		if (ret->count == LIMIT_STACK_DEPTH) {
			ret->is_cut = true;
			break;
		}
		if (!memory_is_object(frame) ||
		    memory_read(&python->memory, frame, bytes, layout->frame_bytes) < 0 ||
		    bytes[layout->frame_owner] >= layout->frame_owners)
			return -EFAULT;
		int r = python_codes_place(
			&python->codes, &python->memory, get(bytes, layout->frame_code),
			get(bytes, layout->frame_instruction), &ret->frames[ret->count]);
		if (r < 0)
			return r;
		ret->count++;
		frame = get(bytes, layout->frame_previous);
	}
	return 0;
}

int source_python_read(struct source_python *python, pid_t tid, struct source_stack *ret)
{
	struct python_thread *thread = &python->threads[(unsigned)tid % THREAD_SLOTS];
	uint64_t frame;

	if (thread->tid != tid) {
		thread->tid = tid;
		thread->state = 0;
		thread->spans.count = 0;
	}
	memory_begin(&python->memory, tid, &thread->spans);
	int r = find_frame(python, thread, &frame);
	if (r == 0)
		r = read_frames(python, frame, ret);
	memory_end(&python->memory, &thread->spans);
	return r;
}
