/* Stacks and places, each fed once and then known by its number.
 *
 * A place is an instruction, not a line: two calls on one line are two places.  It
 * belongs to its program, because addresses of code mean nothing elsewhere; the source
 * text is read when the place is first met, while the file still is what the program
 * runs. */
#include "trace/where.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct place_key {
	uint64_t code;
	/* Hashes of names: code may be freed and its address used again. */
	uint64_t file, function;
	uint32_t program;
	uint32_t offset;
	int32_t line;
	uint32_t is_system;
};

/* 64 bits of hash stand for the whole key: among a million places (LIMIT_PLACES) two
 * collide with a probability of 3 in 10^8. */
static bool is_any(const void *context, uint32_t number)
{
	(void)context;
	(void)number;
	return true;
}

static uint64_t hash_string(const char *string)
{
	return string ? hash_bytes(HASH_START, string, strlen(string)) : 0;
}

static uint32_t intern_place(struct tracer *tracer, const struct process *process,
			     const struct source_frame *frame)
{
	struct place_key key = {
		.code = frame->code,
		.file = hash_string(frame->file),
		.function = frame->line ? 0 : hash_string(frame->function),
		.program = process->program.program,
		.offset = frame->offset,
		.line = frame->line,
		.is_system = frame->is_system,
	};
	uint64_t hash = hash_bytes(HASH_START, &key, sizeof(key));
	uint32_t number = number_map_find(&tracer->places, hash, is_any, NULL);
	char text[LIMIT_SOURCE_LINE + 1];
	struct sonde_place place;

	if (number)
		return number;
	if (tracer->place_count >= LIMIT_PLACES ||
	    number_map_add(&tracer->places, hash, tracer->place_count + 1) < 0)
		return 0;
	place = (struct sonde_place){
		.place = ++tracer->place_count,
		.code = frame->code,
		.offset = frame->offset,
		.file = frame->file,
		.function = frame->function,
		.line = frame->line,
		.is_system = frame->is_system,
	};
	if (frame->file &&
	    source_text_read(process->pid, frame->file, frame->line, text) == 0)
		place.text = text;
	feed_place(tracer->feed, &place);
	return place.place;
}

static uint32_t intern_stack(struct tracer *tracer, struct process *process,
			     const struct source_stack *found)
{
	uint32_t places[LIMIT_STACK_DEPTH];
	struct sonde_stack stack = {.places = places, .is_cut = found->is_cut};
	uint64_t hash;
	uint32_t number;

	for (unsigned i = 0; i < found->count; i++) {
		places[i] = intern_place(tracer, process, &found->frames[i]);
		if (!places[i])
			return 0;
		if (!stack.user_place && !found->frames[i].is_system)
			stack.user_place = places[i];
	}
	if (!stack.user_place)
		stack.user_place = places[0];
	stack.place_count = found->count;
	hash = hash_bytes(HASH_START, places, found->count * sizeof(places[0]));
	number = number_map_find(&tracer->stacks, hash, is_any, NULL);
	if (number)
		return number;
	if (tracer->stack_count >= LIMIT_STACKS ||
	    number_map_add(&tracer->stacks, hash, tracer->stack_count + 1) < 0)
		return 0;
	stack.stack = ++tracer->stack_count;
	feed_stack(tracer->feed, &stack);
	return stack.stack;
}

/* What is no CPython is taken for native code. */
static void open_native(struct process *process)
{
	bool has_lines;

	if (source_dwarf_open(process->pid, &process->dwarf, &has_lines) < 0)
		process->lines = SONDE_LINES_NO_READER;
	else
		process->lines = has_lines ? SONDE_LINES_READ : SONDE_LINES_SYMBOLS;
	/* The lines of a runtime are nothing to those who wrote a script for it. */
	if (process->is_script && process->lines == SONDE_LINES_READ) {
		source_dwarf_free(process->dwarf);
		process->dwarf = NULL;
		process->lines = SONDE_LINES_NO_READER;
	}
	process->dwarf_maps = process->dwarf ? source_dwarf_maps(process->dwarf) : 0;
}

static void find_reader(struct tracer *tracer, struct process *process)
{
	char version[32] = "", text[160];

	switch (source_python_open(process->pid, &process->python, version)) {
	case SOURCE_READY:
		process->lines = SONDE_LINES_READ;
		break;
	case SOURCE_UNKNOWN_VERSION:
		process->lines = SONDE_LINES_UNKNOWN_VERSION;
		if (tracer->said_version)
			break;
		tracer->said_version = true;
		snprintf(text, sizeof(text),
			 "%s: its memory layout is not known: calls are shown without "
			 "lines",
			 version);
		feed_note(tracer->feed, SONDE_WARNING, text,
			  "sonde reads the source lines of CPython 3.8 to 3.13");
		break;
	case SOURCE_NOT_MINE:
		open_native(process);
		break;
	}
	feed_program_lines(tracer->feed, process->program.program, process->lines,
			   version[0] ? version : NULL);
}

/* A native program may load an interpreter at any time: then its map has changed. */
static void look_for_python(struct tracer *tracer, struct process *process)
{
	char version[32] = "";

	if (process->python || source_dwarf_maps(process->dwarf) == process->dwarf_maps)
		return;
	process->dwarf_maps = source_dwarf_maps(process->dwarf);
	if (source_python_open(process->pid, &process->python, version) != SOURCE_READY)
		return;
	process->lines = SONDE_LINES_READ;
	feed_program_lines(tracer->feed, process->program.program, process->lines,
			   version);
}

uint32_t where_stack(struct tracer *tracer, struct process *process, pid_t tid)
{
	struct source_stack stack, later;
	int r = -ENOENT;

	if (process->lines == SONDE_LINES_UNTRIED)
		find_reader(tracer, process);
	if (process->python)
		r = source_python_read(process->python, tid, &stack);
	/* Of a program that has loaded an interpreter, also what is native. */
	if (process->dwarf && (!process->python || r == -ENOENT)) {
		r = source_dwarf_read(process->dwarf, tid, &stack);
		look_for_python(tracer, process);
		if (process->python &&
		    source_python_read(process->python, tid, &later) == 0 && later.count)
			return intern_stack(tracer, process, &later);
	}
	if (r < 0 || stack.count == 0)
		return 0;
	return intern_stack(tracer, process, &stack);
}

void where_forget(struct process *process)
{
	source_python_free(process->python);
	process->python = NULL;
	source_dwarf_free(process->dwarf);
	process->dwarf = NULL;
	process->lines = SONDE_LINES_UNTRIED;
}
