/* The reader of CPython's stacks.
 *
 * Which interpreter a process runs, and so which row of offsets holds, has been found
 * (source_python_find.h).  From the runtime a list of interpreters is reached, from each
 * a list of thread states; the one of the stopped thread is recognised by pthread_self()
 * or, from 3.11, the kernel's thread number.  The first is right also after a fork, where
 * early 3.11s keep the parent's number, and in a PID namespace, where the numbers are not
 * ours.  A thread state that was found is
 * remembered, and believed as long as it says the same thread and its list still leads to
 * it.
 *
 * From the thread state the frames go from the innermost to the outermost.  The thread is
 * stopped, so its own frames hold still; other threads run on, and may change the lists
 * while they are read: every read is bounded, and what does not fit together is -EFAULT.
 */
#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

#include "base/array.h"
#include "trace/source.h"
#include "trace/source_memory.h"
#include "trace/source_python_code.h"
#include "trace/source_python_find.h"
#include "trace/source_python_layout.h"

enum { THREAD_SLOTS = 256 };

struct python_thread {
	pid_t tid;                 /* 0: an empty slot */
	uint64_t state;            /* 0: not known */
	struct memory_spans spans; /* what the last reading of it used */
};

struct source_python {
	struct python_layout layout;
	uint64_t runtime, frame_type;
	struct memory memory;
	struct python_codes codes;
	struct python_thread threads[THREAD_SLOTS];
};

/* ---- opening ---- */

enum source_found source_python_open(pid_t pid, struct source_python **ret,
				     char version[32])
{
	struct interpreter found;
	enum source_found r = interpreter_find(pid, &found, version);

	if (r != SOURCE_READY)
		return r;
	struct source_python *python = array_new(1, sizeof(*python));
	if (!python)
		return SOURCE_NOT_MINE;
	python->layout = found.layout;
	python->runtime = found.runtime;
	python->frame_type = found.frame_type;
	python->codes.layout = &python->layout;
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

/* The register that leads a thread to its own data; 0 where it is not to be had. */
static uint64_t read_thread_pointer(pid_t tid)
{
#if defined(__x86_64__)
	struct user_regs_struct registers;
	struct iovec io = {.iov_base = &registers, .iov_len = sizeof(registers)};

	if (ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &io) == 0 &&
	    io.iov_len == sizeof(registers))
		return registers.fs_base;
#elif defined(__aarch64__)
	uint64_t tls;
	struct iovec io = {.iov_base = &tls, .iov_len = sizeof(tls)};

	if (ptrace(PTRACE_GETREGSET, tid, NT_ARM_TLS, &io) == 0)
		return tls;
#endif
	return 0;
}

/* Is thread_id what pthread_self() gives in the thread of that pointer?  On x86-64 that
 * is the pointer itself.  On arm64 it lies below, by the size of what libc keeps of a
 * thread (glibc 2 KB, musl 200 bytes), which is less than a stack that another thread's
 * would lie beyond. */
static bool is_self(uint64_t thread_id, uint64_t pointer)
{
#if defined(__aarch64__)
	const uint64_t farthest = 4096;

	return thread_id && thread_id < pointer && pointer - thread_id <= farthest;
#else
	return pointer && thread_id == pointer;
#endif
}

static bool is_native(const struct source_python *python, const uint8_t *state, pid_t tid)
{
	size_t at = python->layout.thread_native_id;

	return at && get(state, at) == (uint64_t)tid;
}

static bool is_of(const struct source_python *python, const uint8_t *state, pid_t tid)
{
	return is_native(python, state, tid) ||
	       is_self(get(state, python->layout.thread_id), read_thread_pointer(tid));
}

static int read_state(struct source_python *python, uint64_t state,
		      uint8_t ret[PYTHON_LARGEST_STRUCT])
{
	if (!memory_is_object(state))
		return -EFAULT;
	return memory_read(&python->memory, state, ret, python->layout.thread_bytes);
}

/* Does its list still lead to this thread state? */
static bool is_listed(struct source_python *python, uint64_t state, const uint8_t *bytes)
{
	const struct python_layout *layout = &python->layout;
	uint64_t previous = get(bytes, layout->thread_previous);
	uint64_t interpreter = get(bytes, layout->thread_interpreter), link;
	uint64_t from = previous ? previous + layout->thread_next
				 : interpreter + layout->interpreter_threads;

	return read_pointer(python, from, &link) == 0 && link == state;
}

/* The innermost frame of the thread state; 0: none. */
static int read_current(struct source_python *python, const uint8_t *state, uint64_t *ret)
{
	uint64_t frame = get(state, python->layout.thread_frame);

	if (frame == 0 || !python->layout.has_cframe) {
		*ret = frame;
		return 0;
	}
	if (!memory_is_object(frame))
		return -EFAULT;
	return read_pointer(python, frame + python->layout.cframe_current, ret);
}

struct search {
	pid_t tid;
	uint64_t pointer; /* the thread's */
	unsigned looked_at;
	unsigned rank; /* of what was found so far; 0 nothing */
	uint64_t state, frame;
};

static int search_threads(struct source_python *python, uint64_t state,
			  struct search *search)
{
	const struct python_layout *layout = &python->layout;
	uint8_t bytes[PYTHON_LARGEST_STRUCT];

	for (; state != 0; state = get(bytes, layout->thread_next)) {
		if (search->looked_at++ >= LIMIT_PYTHON_THREADS)
			return -EFAULT;
		int r = read_state(python, state, bytes);
		if (r < 0)
			return r;
		bool has_self = is_self(get(bytes, layout->thread_id), search->pointer);
		bool has_native = is_native(python, bytes, search->tid);
		uint64_t frame;
		if (!has_self && !has_native)
			continue;
		r = read_current(python, bytes, &frame);
		if (r < 0)
			return r;
		/* A thread may have a state in several interpreters: the newest comes
		 * first, and one that runs nothing is not the one. */
		unsigned rank =
			(has_self ? 4 : 0) + (has_native ? 2 : 0) + (frame ? 1 : 0);
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
	const struct python_layout *layout = &python->layout;
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
			.pointer = read_thread_pointer(thread->tid),
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

/* What of the frame tells its instruction, as python_codes_place() takes it. */
static uint64_t get_instruction(const struct python_layout *layout, const uint8_t *frame)
{
	const int64_t unit = 2;
	int32_t index;

	if (layout->instruction == PYTHON_INSTRUCTION_POINTER)
		return get(frame, layout->frame_instruction);
	memcpy(&index, frame + layout->frame_instruction, sizeof(index));
	if (layout->instruction == PYTHON_INSTRUCTION_UNIT || index == -1)
		return (uint64_t)(index * unit);
	return (uint64_t)(int64_t)index;
}

static bool is_frame(const struct source_python *python, const uint8_t *frame)
{
	const struct python_layout *layout = &python->layout;

	return layout->frame_owners
		       ? frame[layout->frame_owner] < layout->frame_owners
		       : get(frame, layout->object_type) == python->frame_type;
}

/* From 3.12 on some frames are the interpreter's own: where C calls Python, and where a
 * specialised call of a class cleans up behind __init__.  No two of them follow each
 * other, so more are a circle. */
static int read_frames(struct source_python *python, uint64_t frame,
		       struct source_stack *ret)
{
	const struct python_layout *layout = &python->layout;
	uint8_t bytes[PYTHON_LARGEST_STRUCT];
	unsigned skipped = 0;

	ret->count = 0;
	ret->is_cut = false;
	for (; frame != 0; frame = get(bytes, layout->frame_previous)) {
		if (skipped > 2 * LIMIT_STACK_DEPTH || !memory_is_object(frame) ||
		    memory_read(&python->memory, frame, bytes, layout->frame_bytes) < 0 ||
		    !is_frame(python, bytes))
			return -EFAULT;
		if (layout->frame_owner_skipped &&
		    bytes[layout->frame_owner] == layout->frame_owner_skipped) {
			skipped++;
			continue;
		}
		if (ret->count == LIMIT_STACK_DEPTH) {
			ret->is_cut = true;
			break;
		}
		int r = python_codes_place(
			&python->codes, &python->memory, get(bytes, layout->frame_code),
			get_instruction(layout, bytes), &ret->frames[ret->count]);
		if (r == -ENODATA)
			skipped++;
		else if (r < 0)
			return r;
		else
			ret->count++;
	}
	return ret->count ? 0 : -ENOENT;
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
