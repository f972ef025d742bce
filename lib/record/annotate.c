/* The capture file written anew.
 *
 * What lies on disk is whole already, packets by arrival and calls by their return.  Here
 * both are merged by time (a call by its entry, and before a packet of the same moment),
 * the packets get their comments and the process that sent them, and the result takes the
 * old file's place in one step: a reader sees the one or the other, never half of one.
 * What is no file of its own (a pipe, the standard output) stays as it is. */
#include "record/annotate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sonde/text.h>

#include "base/array.h"
#include "record/quiet.h"
#include "record/row.h"

enum { COMMENT_CHARS = 400, COMMENTS = 16, OUTPUT_BYTES = 1 << 18 };

/* Everything that one annotation works with. */
struct annotation {
	const struct capture_file *file;
	struct sonde_recording *recording;
	const struct sonde_timeline *timeline;
	uint32_t *calls;           /* numbers by enter_ns */
	uint32_t *frames;          /* of the packets, in the new file */
	struct sonde_edge *passes; /* between calls, by the one they lead to */
	uint32_t pass_count;
	uint8_t *packet; /* one block as it was, */
	size_t packet_capacity;
	struct pcapng_block block; /* and as it becomes */
	struct sonde_json json;
	uint32_t next_edge;
	char storage[COMMENTS][COMMENT_CHARS];
	const char *comments[COMMENTS];
	size_t comment_count;
	FILE *output;
};

static struct sonde_text add_comment(struct annotation *annotation)
{
	struct sonde_text text;
	size_t at = annotation->comment_count;

	if (at < COMMENTS)
		annotation->comment_count++;
	else
		at = COMMENTS - 1;
	annotation->comments[at] = annotation->storage[at];
	sonde_text_init(&text, annotation->storage[at], COMMENT_CHARS);
	return text;
}

static const char *carried(uint8_t carries)
{
	switch (carries) {
	case SONDE_SYN:
		return "SYN ";
	case SONDE_FIN:
		return "FIN ";
	case SONDE_RST:
		return "RST ";
	}
	return "";
}

static void comment_edge(struct annotation *annotation, const struct sonde_packet *packet,
			 const struct sonde_edge *edge)
{
	struct sonde_text text = add_comment(annotation);

	sonde_text_add(&text, "packet %u: ", packet->packet);
	if (edge->kind == SONDE_EDGE_COMPLETED)
		sonde_text_add(&text, "completes ");
	else
		sonde_text_add(&text, "%ssent by ", carried(edge->carries));
	sonde_statement_add_label(annotation->timeline, edge->statement, &text);
	if (!edge->exact)
		sonde_text_add(&text, " (one of several candidates)");
}

/* Of a packet that no statement sent. */
static void comment_why(struct annotation *annotation, const struct sonde_packet *packet)
{
	const struct sonde_packet_place *place =
		&annotation->timeline->packet_places[packet->packet - 1];
	struct sonde_text text = add_comment(annotation);

	sonde_text_add(&text, "packet %u: %s", packet->packet,
		       sonde_why_text(place->why));
}

/* The packet's comments, and the process that sent it. */
static void comment_packet(struct annotation *annotation,
			   const struct sonde_packet *packet, struct pcapng_packet *ret)
{
	const struct sonde_timeline *timeline = annotation->timeline;

	annotation->comment_count = 0;
	while (annotation->next_edge < timeline->edge_count &&
	       timeline->edges[annotation->next_edge].packet < packet->packet)
		annotation->next_edge++;
	/* SENT edges come first, so that this stands before what the packet completes. */
	if (annotation->next_edge == timeline->edge_count ||
	    timeline->edges[annotation->next_edge].packet != packet->packet ||
	    timeline->edges[annotation->next_edge].kind != SONDE_EDGE_SENT)
		comment_why(annotation, packet);
	for (uint32_t i = annotation->next_edge;
	     i < timeline->edge_count && timeline->edges[i].packet == packet->packet;
	     i++) {
		const struct sonde_edge *edge = &timeline->edges[i];

		if (edge->kind == SONDE_EDGE_RELEASED)
			continue;
		comment_edge(annotation, packet, edge);
		if (edge->kind == SONDE_EDGE_SENT && !ret->pid && edge->call) {
			const struct sonde_call *call =
				&annotation->recording->calls[edge->call - 1];

			ret->pid = call->pid;
			ret->tid = call->tid;
		}
	}
	ret->comments = annotation->comments;
	ret->comment_count = annotation->comment_count;
}

static int put_block(struct annotation *annotation)
{
	if (annotation->block.error)
		return annotation->block.error;
	if (fwrite(annotation->block.bytes, 1, annotation->block.used,
		   annotation->output) != annotation->block.used)
		return -errno;
	return 0;
}

static int put_packet(struct annotation *annotation, const struct sonde_packet *packet)
{
	const struct capture_block *where = &annotation->file->packets[packet->frame - 1];
	struct pcapng_packet block;
	struct pcapng_view view;
	bool swapped = false;
	ssize_t n;

	if (array_reserve(&annotation->packet, &annotation->packet_capacity,
			  where->length, 1) < 0)
		return -ENOMEM;
	n = pread(annotation->file->read_fd, annotation->packet, where->length,
		  (off_t)where->offset);
	if (n < 0)
		return -errno;
	/* Somebody else may have written to the file. */
	if (n != where->length ||
	    pcapng_parse(annotation->packet, where->length, &swapped, &view) != n ||
	    pcapng_parse_packet(&view, &block) < 0)
		return -EBADMSG;
	block.direction = packet->is_outgoing ? PCAPNG_OUTBOUND : PCAPNG_INBOUND;
	comment_packet(annotation, packet, &block);
	pcapng_format_packet(&annotation->block, &block);
	return put_block(annotation);
}

static int by_entry(const void *left, const void *right, void *context)
{
	const struct sonde_call *calls = context;
	const struct sonde_call *a = &calls[*(const uint32_t *)left - 1];
	const struct sonde_call *b = &calls[*(const uint32_t *)right - 1];

	if (a->enter_ns != b->enter_ns)
		return a->enter_ns < b->enter_ns ? -1 : 1;
	return a->call < b->call ? -1 : a->call > b->call;
}

static int by_taker(const void *left, const void *right)
{
	const struct sonde_edge *a = left, *b = right;

	if (a->call != b->call)
		return a->call < b->call ? -1 : 1;
	if (a->kind != b->kind)
		return (int)b->kind - (int)a->kind;
	return a->by_call < b->by_call ? -1 : a->by_call > b->by_call;
}

/* The edges between calls, by the one that they lead to. */
static int sort_passes(struct annotation *annotation)
{
	const struct sonde_timeline *timeline = annotation->timeline;
	uint32_t count = 0;

	while (count < timeline->edge_count && !timeline->edges[count].packet)
		count++;
	annotation->passes = array_new((size_t)count + 1, sizeof(*annotation->passes));
	if (!annotation->passes)
		return -ENOMEM;
	if (count)
		memcpy(annotation->passes, timeline->edges,
		       count * sizeof(*annotation->passes));
	qsort(annotation->passes, count, sizeof(*annotation->passes), by_taker);
	annotation->pass_count = count;
	return 0;
}

static int put_call(struct annotation *annotation, uint32_t number, bool is_last)
{
	struct row_edges edges = {.timeline = annotation->timeline};
	uint32_t low = 0, high = annotation->pass_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (annotation->passes[middle].call < number)
			low = middle + 1;
		else
			high = middle;
	}
	edges.edges = &annotation->passes[low];
	while (low + edges.count < annotation->pass_count &&
	       annotation->passes[low + edges.count].call == number)
		edges.count++;
	row_format(&annotation->block, annotation->recording,
		   &annotation->recording->calls[number - 1], &edges, is_last,
		   &annotation->json);
	return put_block(annotation);
}

static int sort_calls(struct annotation *annotation)
{
	struct sonde_recording *recording = annotation->recording;

	annotation->calls = array_new(recording->call_count + 1, sizeof(uint32_t));
	annotation->frames = array_new(recording->packet_count + 1, sizeof(uint32_t));
	if (!annotation->calls || !annotation->frames)
		return -ENOMEM;
	for (uint32_t i = 0; i < recording->call_count; i++)
		annotation->calls[i] = i + 1;
	qsort_r(annotation->calls, recording->call_count, sizeof(uint32_t), by_entry,
		recording->calls);
	return 0;
}

static int put_start(struct annotation *annotation)
{
	const struct sonde_recording *recording = annotation->recording;
	char comment[128];
	int error;

	snprintf(comment, sizeof(comment), "sonde trace: epoch_ns=%lld, margin_ns=%lld",
		 (long long)recording->started_ns, (long long)recording->margin_ns);
	pcapng_format_section(&annotation->block, "sonde " SONDE_VERSION, comment);
	error = put_block(annotation);
	for (uint32_t i = 0; !error && i < recording->interface_count; i++) {
		pcapng_format_interface(&annotation->block,
					(uint16_t)recording->interfaces[i].link, 0,
					recording->interfaces[i].name);
		error = put_block(annotation);
	}
	return error;
}

static int put_end(struct annotation *annotation)
{
	const struct sonde_recording *recording = annotation->recording;

	if (!recording->interface_count)
		return 0;
	pcapng_format_statistics(&annotation->block, 0, recording->started_ns,
				 recording->ended_ns,
				 recording->packet_count + recording->packets_dropped,
				 recording->packets_dropped);
	return put_block(annotation);
}

/* Whether the next call comes before the next packet; one of them is left. */
static bool is_call_next(const struct annotation *annotation, uint32_t call,
			 uint32_t packet)
{
	const struct sonde_recording *recording = annotation->recording;

	if (packet == recording->packet_count)
		return true;
	return call < recording->call_count &&
	       recording->calls[annotation->calls[call] - 1].enter_ns <=
		       recording->packets[packet].at_ns;
}

static int put_all(struct annotation *annotation)
{
	struct sonde_recording *recording = annotation->recording;
	uint32_t call = 0, packet = 0, frame = 0;
	int error = put_start(annotation);

	while (!error &&
	       (call < recording->call_count || packet < recording->packet_count)) {
		const struct sonde_packet *first;

		if (is_call_next(annotation, call, packet)) {
			error = put_call(annotation, annotation->calls[call],
					 call + 1 == recording->call_count);
			call++;
			frame++;
			continue;
		}
		first = &recording->packets[packet++];
		if (!first->frame)
			continue; /* the disk was full when it came */
		error = put_packet(annotation, first);
		annotation->frames[packet - 1] = ++frame;
	}
	return error ? error : put_end(annotation);
}

/* The new file has owner and permissions of the old one. */
static int keep_owner(const struct annotation *annotation, int fd)
{
	struct stat status, own;

	if (fstat(annotation->file->fd, &status) < 0 || fstat(fd, &own) < 0)
		return -errno;
	if ((status.st_uid != own.st_uid || status.st_gid != own.st_gid) &&
	    fchown(fd, status.st_uid, status.st_gid) < 0)
		return -errno;
	return fchmod(fd, status.st_mode & 07777) < 0 ? -errno : 0;
}

static void number_packets(const struct annotation *annotation)
{
	struct sonde_recording *recording = annotation->recording;

	for (uint32_t i = 0; i < recording->packet_count; i++)
		recording->packets[i].frame = annotation->frames[i];
}

/* The file as it is, and why. */
static void leave(const struct capture_file *file, struct sonde_recording *recording,
		  const char *reason)
{
	char text[160];

	capture_file_number(file, recording);
	snprintf(text, sizeof(text), "the capture has no comments: %s", reason);
	sonde_recording_add_note(recording, SONDE_NOTE, text, NULL);
}

int annotate(struct capture_file *file, struct sonde_recording *recording,
	     const struct sonde_timeline *timeline, struct sonde_error *err)
{
	struct annotation *annotation = array_new(1, sizeof(*annotation));
	const char *reason = capture_file_refuses(file);
	size_t size = file->place ? strlen(file->place) + sizeof(".XXXXXX") : 1;
	char *temporary = array_new(size, 1);
	int fd = -1, error = -ENOMEM;
	struct quiet quiet;

	quiet_begin(&quiet);
	if (reason) {
		leave(file, recording, reason);
		error = 0;
		goto out;
	}
	if (!annotation || !temporary)
		goto out;
	annotation->file = file;
	annotation->recording = recording;
	annotation->timeline = timeline;
	pcapng_block_init(&annotation->block);
	sonde_json_init(&annotation->json);
	snprintf(temporary, size, "%s.XXXXXX", file->place);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0) {
		error = -errno;
		if (error == -EACCES || error == -EPERM || error == -EROFS) {
			leave(file, recording, "nothing can be created in its folder");
			error = 0;
		}
		goto out;
	}
	annotation->output = fdopen(fd, "w");
	if (!annotation->output) {
		error = -errno;
		close(fd);
		goto out_remove;
	}
	if (keep_owner(annotation, fd) < 0) {
		leave(file, recording, "its owner could not be kept");
		unlink(temporary);
		fclose(annotation->output);
		error = 0;
		goto out;
	}
	setvbuf(annotation->output, NULL, _IOFBF, OUTPUT_BYTES);
	error = sort_calls(annotation);
	if (!error)
		error = sort_passes(annotation);
	if (!error)
		error = put_all(annotation);
	if (fclose(annotation->output) != 0 && !error)
		error = -errno;
	if (!error && rename(temporary, file->place) < 0)
		error = -errno;
	if (!error)
		number_packets(annotation);
out_remove:
	if (error)
		unlink(temporary);
out:
	quiet_end(&quiet);
	if (annotation) {
		array_free(annotation->calls);
		array_free(annotation->passes);
		array_free(annotation->frames);
		array_free(annotation->packet);
		pcapng_block_done(&annotation->block);
		sonde_json_done(&annotation->json);
	}
	array_free(annotation);
	array_free(temporary);
	if (error) {
		capture_file_number(file, recording);
		sonde_error_set(err, sonde_error_kind_of(-error), error, "annotate",
				file->path, NULL);
		sonde_error_hint(err,
				 "the capture is whole, its packets have no comments");
	}
	return error;
}
