/* The tracer's tables of threads and processes, and a map from hashes to numbers. */
#include "trace/state.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/array.h"

static unsigned bucket(pid_t id)
{
	return (unsigned)id & (STATE_BUCKETS - 1);
}

struct task *task_find(struct tracer *tracer, pid_t tid)
{
	struct task *task = tracer->tasks[bucket(tid)];

	while (task && task->tid != tid)
		task = task->next;
	return task;
}

struct task *task_add(struct tracer *tracer, pid_t tid)
{
	struct task *task = array_new(1, sizeof(*task));

	if (!task)
		return NULL;
	task->tid = tid;
	task->next = tracer->tasks[bucket(tid)];
	tracer->tasks[bucket(tid)] = task;
	tracer->task_count++;
	return task;
}

void task_remove(struct tracer *tracer, struct task *task)
{
	struct task **at = &tracer->tasks[bucket(task->tid)];

	while (*at != task)
		at = &(*at)->next;
	*at = task->next;
	tracer->task_count--;
	sleep_done(&task->sleep);
	array_free(task);
}

struct process *process_find(struct tracer *tracer, pid_t pid)
{
	struct process *process = tracer->processes[bucket(pid)];

	while (process && process->pid != pid)
		process = process->next;
	return process;
}

struct descriptor_table *table_new(void)
{
	struct descriptor_table *table = array_new(1, sizeof(*table));

	if (table)
		table->holders = 1;
	return table;
}

void table_release(struct descriptor_table *table)
{
	if (--table->holders)
		return;
	array_free(table->entries);
	array_free(table);
}

struct process *process_add(struct tracer *tracer, pid_t pid)
{
	struct process *process = array_new(1, sizeof(*process));

	if (!process)
		return NULL;
	process->table = table_new();
	if (!process->table) {
		array_free(process);
		return NULL;
	}
	process->pid = pid;
	process->next = tracer->processes[bucket(pid)];
	tracer->processes[bucket(pid)] = process;
	tracer->process_count++;
	return process;
}

void process_remove(struct tracer *tracer, struct process *process)
{
	struct process **at = &tracer->processes[bucket(process->pid)];

	while (*at != process)
		at = &(*at)->next;
	*at = process->next;
	tracer->process_count--;
	source_python_free(process->python);
	source_dwarf_free(process->dwarf);
	table_release(process->table);
	array_free(process);
}

void process_signal(const struct process *process, int signal)
{
	/* Its number is nobody else's before its end was waited for here. */
	kill(process->pid, signal);
}

uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t n)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < n; i++)
		hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
	return hash ? hash : 1;
}

uint32_t number_map_find(const struct number_map *map, uint64_t hash,
			 bool (*is_same)(const void *context, uint32_t number),
			 const void *context)
{
	if (!map->capacity)
		return 0;
	for (size_t i = hash & (map->capacity - 1); map->slots[i].hash;
	     i = (i + 1) & (map->capacity - 1)) {
		if (map->slots[i].hash == hash && is_same(context, map->slots[i].number))
			return map->slots[i].number;
	}
	return 0;
}

static void place(struct number_slot *slots, size_t capacity, uint64_t hash,
		  uint32_t number)
{
	size_t i = hash & (capacity - 1);

	while (slots[i].hash)
		i = (i + 1) & (capacity - 1);
	slots[i] = (struct number_slot){.hash = hash, .number = number};
}

int number_map_add(struct number_map *map, uint64_t hash, uint32_t number)
{
	if (map->count * 2 >= map->capacity) {
		size_t capacity = map->capacity ? map->capacity * 2 : 256;
		struct number_slot *slots = array_new(capacity, sizeof(*slots));

		if (!slots)
			return -ENOMEM;
		for (size_t i = 0; i < map->capacity; i++) {
			if (map->slots[i].hash)
				place(slots, capacity, map->slots[i].hash,
				      map->slots[i].number);
		}
		array_free(map->slots);
		map->slots = slots;
		map->capacity = capacity;
	}
	place(map->slots, map->capacity, hash, number);
	map->count++;
	return 0;
}
