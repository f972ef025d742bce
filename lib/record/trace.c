/* sonde_trace: the tracer's process, the packet ring and the recording, put together.
 *
 *	this process                         tracer's process          programs
 *	recording  <--- feed (a pipe) -----  ptrace  <-------------->  stopped at calls
 *	capture file                         opens the ring
 *	ring  <----- SCM_RIGHTS -----------  (in the namespace)
 *
 * Calls come through the feed, packets through the ring.  A record that gives a socket an
 * address is mostly in the pipe before the packet is in the ring; so the feed is always
 * emptied first.  Whose the other packets are is decided a little later (packets.c). */
#include <sonde/trace.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/limits.h"
#include "capture/ring.h"
#include "record/annotate.h"
#include "record/capture_file.h"
#include "record/find_program.h"
#include "record/packets.h"
#include "record/row.h"
#include "trace/feed.h"
#include "trace/tracer.h"

enum { FEED_ROOM = 1 << 20, FEED_CHUNK = 1 << 17, DRAIN_MS = 200, DRAIN_TURNS = 50 };

struct sonde_trace {
	pid_t tracer; /* 0: has been waited for */
	int feed_fd, control_fd;
	bool has_ended;
	uint8_t *bytes; /* of the feed, not yet whole records; owned */
	size_t byte_count;
	int64_t known_ns; /* when the feed was last found empty */
	struct feed_state state;
	struct sonde_recording *recording; /* owned */
	struct ring *ring;                 /* owned; NULL: no packets */
	struct packets packets;
	struct capture_file file; /* fd -1: none */
	struct sonde_json json;   /* scratch */
};

/* ---- what comes in ---- */

static void on_socket(void *context, const struct sonde_socket *socket)
{
	struct sonde_trace *trace = context;

	if (!trace->packets.is_isolated)
		flows_add_socket(&trace->packets.flows, socket);
}

static void on_call(void *context, const struct sonde_call *call)
{
	struct sonde_trace *trace = context;

	if (trace->packets.is_isolated || !call->socket ||
	    (call->kind != SONDE_CALL_SEND && call->kind != SONDE_CALL_CONNECT))
		return;
	flows_add_peer(&trace->packets.flows,
		       &trace->recording->sockets[call->socket - 1], &call->address);
}

static void on_return(void *context, const struct sonde_call *call)
{
	struct sonde_trace *trace = context;

	if (trace->file.fd < 0)
		return;
	row_format(&trace->file.block, trace->recording, call, NULL, false, &trace->json);
	capture_file_add_row(&trace->file);
}

static void read_ring(struct sonde_trace *trace)
{
	struct ring_packet packet;

	while (trace->ring && ring_next(trace->ring, &packet) > 0)
		packets_take(&trace->packets, &packet);
}

/* Takes what is in the pipe now, and not what comes meanwhile: the ring must not wait for
 * that.  1 there may be more later, 0 the tracer has ended. */
static int read_feed(struct sonde_trace *trace)
{
	size_t taken = 0;

	while (taken < FEED_ROOM) {
		size_t room = FEED_ROOM - trace->byte_count;
		int64_t asked_ns = clock_realtime_ns();
		ssize_t n = read(trace->feed_fd, trace->bytes + trace->byte_count,
				 room < FEED_CHUNK ? room : FEED_CHUNK);
		ssize_t used;

		if (n < 0 && errno == EAGAIN)
			trace->known_ns = asked_ns;
		if (n == 0)
			return 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 1 : -errno;
		taken += (size_t)n;
		trace->byte_count += (size_t)n;
		used = feed_take(&trace->state, trace->bytes, trace->byte_count);
		if (used < 0)
			return (int)used;
		trace->byte_count -= (size_t)used;
		memmove(trace->bytes, trace->bytes + used, trace->byte_count);
		/* In a namespace of their own all packets are the programs'. */
		if (trace->packets.is_isolated)
			read_ring(trace);
	}
	return 1;
}

/* ---- the start ---- */

static void __attribute__((noreturn))
be_tracer(const struct sonde_trace_options *options, int feed_fd, int control_fd)
{
	struct tracer_options own = {
		.arguments = options->arguments,
		.with = options->with,
		.with_count = options->with_count,
		.isolate = options->isolate,
		.stdout_to_stderr = options->stdout_to_stderr,
		.pin = options->pin,
		.no_lines = options->no_lines,
		.feed_fd = feed_fd,
		.control_fd = control_fd,
	};

	if (options->signal_mask)
		own.program_mask = *options->signal_mask;
	else
		sigprocmask(SIG_SETMASK, NULL, &own.program_mask);
	_exit(tracer_run(&own));
}

static int fork_tracer(struct sonde_trace *trace,
		       const struct sonde_trace_options *options)
{
	int feed[2] = {-1, -1}, control[2] = {-1, -1};
	int error = 0;

	if (pipe2(feed, O_CLOEXEC) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) < 0) {
		error = -errno;
		goto out;
	}
	/* A large pipe lets the tracer go on while this process writes to a disk. */
	fcntl(feed[0], F_SETPIPE_SZ, FEED_ROOM);
	fcntl(feed[0], F_SETFL, O_NONBLOCK);
	trace->tracer = fork();
	if (trace->tracer == 0) {
		close(feed[0]);
		close(control[0]);
		be_tracer(options, feed[1], control[1]);
	}
	if (trace->tracer < 0) {
		error = -errno;
		trace->tracer = 0;
		goto out;
	}
	trace->feed_fd = feed[0];
	trace->control_fd = control[0];
	feed[0] = control[0] = -1;
out:
	for (int i = 0; i < 2; i++) {
		if (feed[i] >= 0)
			close(feed[i]);
		if (control[i] >= 0)
			close(control[i]);
	}
	return error;
}

static void say_no_packets(struct sonde_trace *trace, int error)
{
	char text[160];

	if (error == -EPERM || error == -EACCES) {
		sonde_recording_add_note(trace->recording, SONDE_WARNING,
					 "no packets: capturing them needs CAP_NET_RAW, "
					 "calls alone are shown",
					 "add --isolate, or run sonde as root");
		return;
	}
	snprintf(text, sizeof(text), "no packets: the capture could not be opened: %s",
		 sonde_error_name(-error));
	sonde_recording_add_note(trace->recording, SONDE_WARNING, text, NULL);
}

/* The tracer's first message: the ring.  Without one it has given up, and says why. */
static int take_ring(struct sonde_trace *trace, struct sonde_error *err)
{
	struct tracer_ring_message message;
	struct iovec vector = {.iov_base = &message, .iov_len = sizeof(message)};
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct msghdr in = {
		.msg_iov = &vector,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	const struct cmsghdr *header;
	ssize_t n;
	int fd, error;

	do
		n = recvmsg(trace->control_fd, &in, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n != sizeof(message)) {
		read_feed(trace);
		if (trace->state.failure) {
			if (err)
				*err = trace->state.error;
			return trace->state.failure;
		}
		return sonde_error_set(err, SONDE_ERROR_TROUBLE, -ECHILD, "start",
				       "tracer", "its process ended at once");
	}
	if (message.error < 0) {
		say_no_packets(trace, message.error);
		return 0;
	}
	header = CMSG_FIRSTHDR(&in);
	if (!header || header->cmsg_type != SCM_RIGHTS) {
		say_no_packets(trace, -EMFILE);
		return 0;
	}
	memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	error = ring_map(fd, &trace->ring, NULL);
	if (error < 0)
		say_no_packets(trace, error);
	if (error >= 0) {
		trace->recording->has_packets = true;
		trace->packets.ring_fd = ring_fd(trace->ring);
	}
	return 0;
}

int sonde_trace_start(const struct sonde_trace_options *options, struct sonde_trace **ret,
		      struct sonde_error *err)
{
	struct sonde_trace *trace;
	int error;

	error = find_program(options->arguments[0], options->path, err);
	if (error < 0)
		return error;
	trace = array_new(1, sizeof(*trace));
	if (!trace)
		return sonde_error_set(err, SONDE_ERROR_TROUBLE, -ENOMEM, "trace",
				       options->arguments[0], NULL);
	trace->feed_fd = trace->control_fd = trace->file.fd = trace->file.read_fd = -1;
	trace->packets.is_isolated = options->isolate;
	sonde_json_init(&trace->json);
	trace->bytes = array_new(FEED_ROOM, 1);
	trace->recording = sonde_recording_new();
	if (!trace->bytes || !trace->recording || said_new(&trace->packets.said) < 0) {
		error = sonde_error_set(err, SONDE_ERROR_TROUBLE, -ENOMEM, "trace",
					options->arguments[0], NULL);
		goto out;
	}
	trace->packets.recording = trace->recording;
	trace->packets.file = &trace->file;
	trace->recording->started_ns = clock_realtime_ns();
	trace->recording->margin_ns = TRACER_MARGIN_NS;
	trace->state = (struct feed_state){
		.recording = trace->recording,
		.main_status = -1,
		.on_socket = on_socket,
		.on_call = on_call,
		.on_return = on_return,
		.context = trace,
	};
	if (options->capture_path) {
		error = capture_file_open(&trace->file, options->capture_path, err);
		if (error < 0)
			goto out;
	}
	error = fork_tracer(trace, options);
	if (error < 0) {
		sonde_error_set(err, SONDE_ERROR_TROUBLE, error, "start", "tracer", NULL);
		goto out;
	}
	error = take_ring(trace, err);
	/* Only now: a start that fails leaves an old capture as it was. */
	if (error >= 0 && trace->file.fd >= 0)
		capture_file_begin(&trace->file);
out:
	if (error < 0) {
		sonde_trace_free(trace);
		return error;
	}
	*ret = trace;
	return 0;
}

/* ---- while it runs ---- */

/* The programs are gone: what the kernel still holds, and the end. */
static void finish(struct sonde_trace *trace)
{
	struct sonde_recording *recording = trace->recording;
	struct ring_counts before, after;

	trace->has_ended = true;
	waitpid(trace->tracer, NULL, 0);
	trace->tracer = 0;
	if (trace->ring) {
		ring_count(trace->ring, &before);
		for (int i = 0; i < DRAIN_TURNS && ring_drain(trace->ring, DRAIN_MS) > 0;
		     i++)
			read_ring(trace);
		read_ring(trace);
		packets_end(&trace->packets);
		ring_count(trace->ring, &after);
		packets_count_lost(&trace->packets, &before, &after);
	}
	recording->ended_ns = clock_realtime_ns();
	capture_file_finish(&trace->file);
	sonde_recording_seal(recording);
}

int sonde_trace_wait(struct sonde_trace *trace, int also_fd, struct sonde_error *err)
{
	struct pollfd fds[3] = {
		{.fd = trace->feed_fd, .events = POLLIN},
		{.fd = also_fd, .events = POLLIN},
		{.fd = trace->ring ? ring_fd(trace->ring) : -1, .events = POLLIN},
	};

	while (!trace->has_ended) {
		int more;

		if (poll(fds, 3, packets_patience_ms(&trace->packets)) < 0 &&
		    errno != EINTR)
			return sonde_error_set(err, SONDE_ERROR_TROUBLE, -errno,
					       "wait for", "programs", NULL);
		more = read_feed(trace);
		read_ring(trace);
		packets_judge(&trace->packets, trace->known_ns);
		capture_file_flush(&trace->file);
		if (more < 0) {
			/* It may be in the middle of a record, with the pipe full:
			 * nobody will read the rest.  Its programs die with it. */
			kill(trace->tracer, SIGKILL);
			sonde_error_set(err, SONDE_ERROR_TROUBLE, more, "read",
					"tracer's records", NULL);
			finish(trace);
			return more;
		}
		if (more == 0)
			finish(trace);
		else if (fds[1].revents)
			return 1;
	}
	if (trace->state.failure && err)
		*err = trace->state.error;
	if (!trace->state.failure && trace->state.main_status < 0)
		return sonde_error_set(err, SONDE_ERROR_TROUBLE, -ECHILD, "trace",
				       "programs", "the tracer ended before them");
	return trace->state.failure;
}

static int command(struct sonde_trace *trace, enum tracer_command what, int signal)
{
	struct tracer_message message = {.command = what, .signal = signal};

	if (!trace->tracer)
		return -ESRCH;
	/* A tracer that does not read must not hold its host up. */
	if (send(trace->control_fd, &message, sizeof(message),
		 MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return -errno;
	kill(trace->tracer, SIGALRM); /* look now, not at the next tick */
	return 0;
}

int sonde_trace_signal(struct sonde_trace *trace, int signal)
{
	return command(trace, TRACER_SIGNAL, signal);
}

void sonde_trace_stop(struct sonde_trace *trace)
{
	/* Where it cannot be told, its end is that of the programs, too. */
	if (command(trace, TRACER_STOP, 0) == -EAGAIN)
		kill(trace->tracer, SIGKILL);
}

int sonde_trace_status(const struct sonde_trace *trace)
{
	return trace->state.main_status;
}

struct sonde_recording *sonde_trace_recording(struct sonde_trace *trace)
{
	return trace->recording;
}

/* ---- the end ---- */

int sonde_trace_save(struct sonde_trace *trace, const struct sonde_timeline *timeline,
		     struct sonde_error *err)
{
	struct capture_file *file = &trace->file;

	if (file->error) {
		capture_file_number(file, trace->recording);
		sonde_error_set(
			err, SONDE_ERROR_TROUBLE, file->error, "write", file->path,
			file->error == -ETIMEDOUT ? "its reader takes nothing" : NULL);
		if (file->is_regular)
			sonde_error_hint(err, "it holds %u of %u packets, whole",
					 capture_file_packets(file),
					 trace->recording->packet_count);
		return file->error;
	}
	if (file->fd < 0)
		return 0;
	return annotate(file, trace->recording, timeline, err);
}

void sonde_trace_free(struct sonde_trace *trace)
{
	if (!trace)
		return;
	if (trace->tracer) {
		/* Its programs die with it (EXITKILL). */
		kill(trace->tracer, SIGKILL);
		waitpid(trace->tracer, NULL, 0);
	}
	if (trace->feed_fd >= 0)
		close(trace->feed_fd);
	if (trace->control_fd >= 0)
		close(trace->control_fd);
	capture_file_close(&trace->file);
	ring_free(trace->ring);
	packets_done(&trace->packets);
	sonde_json_done(&trace->json);
	sonde_recording_free(trace->recording);
	array_free(trace->bytes);
	array_free(trace);
}
