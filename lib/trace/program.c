/* Program images.  The arguments are read from /proc when the image begins. */
#include "trace/program.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/program_name.h"

static ssize_t read_start(const struct process *process, const char *name, void *ret,
			  size_t n)
{
	char path[64];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", process->pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	got = read(fd, ret, n);
	close(fd);
	return got;
}

static uint32_t read_arguments(const struct process *process, char *storage, size_t n,
			       const char **ret_arguments)
{
	ssize_t got = read_start(process, "cmdline", storage, n - 1);
	uint32_t count = 0;

	if (got <= 0)
		return 0;
	storage[got] = '\0';
	for (char *at = storage; at < storage + got && count < LIMIT_ARGUMENTS;
	     at += strlen(at) + 1)
		ret_arguments[count++] = at;
	return count;
}

/* The effective id that stands after "Uid:" or "Gid:"; false where it cannot be read. */
static bool read_effective(const char *status, const char *field, unsigned *ret)
{
	const char *line = strstr(status, field);

	return line && sscanf(line + strlen(field), "%*u %u", ret) == 1;
}

/* Whether the exec of a file with the set-user-ID or set-group-ID bit gave the process
 * less than the bit says: no_new_privs, a namespace that does not know the owner, and a
 * tracer that may not trace the owner's programs all have this effect. */
static bool lacks_privileges(const struct process *process, const struct stat *file)
{
	char status[4096];
	ssize_t n = read_start(process, "status", status, sizeof(status) - 1);
	unsigned uid, gid;

	if (n <= 0)
		return false;
	status[n] = '\0';
	if ((file->st_mode & S_ISUID) && read_effective(status, "\nUid:", &uid) &&
	    uid != file->st_uid)
		return true;
	return (file->st_mode & S_ISGID) && (file->st_mode & S_IXGRP) &&
	       read_effective(status, "\nGid:", &gid) && gid != file->st_gid;
}

static void say_if_foreign(struct tracer *tracer, const struct process *process,
			   const char *name)
{
	unsigned char header[EI_NIDENT];
	char path[64], text[256];
	struct stat status;

	if (read_start(process, "exe", header, sizeof(header)) == sizeof(header) &&
	    memcmp(header, ELFMAG, SELFMAG) == 0 && header[EI_CLASS] == ELFCLASS32 &&
	    !tracer->said_foreign) {
		snprintf(text, sizeof(text),
			 "%.100s is a 32-bit program: its socket calls are not seen",
			 name);
		feed_note(tracer->feed, SONDE_WARNING, text, "run a 64-bit build of it");
		tracer->said_foreign = true;
	}
	snprintf(path, sizeof(path), "/proc/%d/exe", process->pid);
	if (!tracer->said_setuid && stat(path, &status) == 0 &&
	    lacks_privileges(process, &status)) {
		snprintf(text, sizeof(text),
			 "%.100s is setuid or setgid: while it is traced it runs "
			 "without those privileges",
			 name);
		feed_note(tracer->feed, SONDE_WARNING, text,
			  "run sonde as root to trace it");
		tracer->said_setuid = true;
	}
}

void program_begin(struct tracer *tracer, struct process *process, uint32_t parent)
{
	char storage[LIMIT_ARGUMENT_BYTES];
	const char *arguments[LIMIT_ARGUMENTS];
	struct sonde_program *program = &process->program;

	process->has_program = true;
	process->is_uncounted = tracer->program_count >= LIMIT_PROGRAMS;
	if (process->is_uncounted) {
		program->program = parent;
		if (!tracer->said_programs)
			feed_note(tracer->feed, SONDE_WARNING,
				  "there were more programs than a recording keeps: the "
				  "calls of the rest are shown as their parents'",
				  "trace a shorter run");
		tracer->said_programs = true;
		return;
	}
	*program = (struct sonde_program){
		.program = ++tracer->program_count,
		.pid = (uint32_t)process->pid,
		.parent = parent,
		.started_ns = tracer->now_ns,
		.exit_status = -1,
		.arguments = arguments,
	};
	program->argument_count =
		read_arguments(process, storage, sizeof(storage), arguments);
	program->name = program_name(arguments, program->argument_count);
	process->is_script = program_is_script(arguments, program->argument_count);
	feed_program(tracer->feed, program);
	say_if_foreign(tracer, process, program->name);
	snprintf(process->name, sizeof(process->name), "%s", program->name);
	program->name = NULL;
	program->arguments = NULL;
	program->argument_count = 0;
}

void program_end(struct tracer *tracer, struct process *process, bool replaced,
		 int status)
{
	struct sonde_program *program = &process->program;

	if (!process->has_program || process->is_uncounted) {
		process->has_program = false;
		return;
	}
	program->ended_ns = tracer->now_ns;
	program->replaced = replaced;
	if (!replaced && WIFEXITED(status))
		program->exit_status = WEXITSTATUS(status);
	if (!replaced && WIFSIGNALED(status))
		program->exit_signal = WTERMSIG(status);
	feed_program_end(tracer->feed, program);
	process->has_program = false;
}
