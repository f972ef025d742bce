/* See capture_out.h.  Each file is whole by itself: it begins with the interfaces and ends
 * with what the kernel counted while it was written. */
#include "capture_out.h"

#include <string.h>

#include "capture_keeper.h"
#include "clock.h"

static bool rotates(const struct capture_out *out)
{
	return out->rotate_bytes || out->rotate_ns;
}

static int open_next(struct capture_out *out, struct sonde_error *err)
{
	const char *name;
	int r;

	if (rotates(out)) {
		r = capture_keeper_next(out->keeper, &name, err);
		if (r >= 0)
			r = sonde_capture_writer_take(r, name, &out->writer, err);
	} else {
		r = sonde_capture_writer_open(out->path, &out->writer, err);
	}
	if (r < 0)
		return r;
	/* A pipe's reader gets its packets whenever the ring has been emptied. */
	sonde_capture_writer_gather(out->writer);
	out->files++;
	out->described = 0;
	out->started_ns = clock_now_ns(CLOCK_REALTIME);
	out->rotate_at_ns =
		out->rotate_ns ? clock_now_ns(CLOCK_MONOTONIC) + out->rotate_ns : 0;
	return 0;
}

int capture_out_prepare(struct capture_out *out, struct sonde_error *err)
{
	return out->path && rotates(out)
		       ? capture_keeper_start(out->path, out->rotate_keep, &out->keeper,
					      err)
		       : 0;
}

int capture_out_open(struct capture_out *out, struct sonde_error *err)
{
	return out->path ? open_next(out, err) : 0;
}

static int describe(struct capture_out *out, const struct sonde_capture *capture,
		    struct sonde_error *err)
{
	size_t count = sonde_capture_interface_count(capture);
	int r = 0;

	for (; r == 0 && out->described < count; out->described++) {
		struct sonde_captured_interface captured;
		struct sonde_capture_interface interface;

		sonde_capture_interface(capture, out->described, &captured);
		interface = (struct sonde_capture_interface){
			.link = captured.link,
			.snap_bytes = captured.snap_bytes,
			.name = captured.name[0] ? captured.name : NULL,
			.filter = out->filter,
		};
		r = sonde_capture_writer_describe(out->writer, (uint32_t)out->described,
						  &interface, err);
		if (out->described < CAPTURE_OUT_COUNTED)
			out->packets_before[out->described] = captured.packets;
	}
	return r;
}

int capture_out_begin(struct capture_out *out, struct sonde_capture *capture,
		      struct sonde_error *err)
{
	int r;

	if (!out->writer)
		return 0;
	r = describe(out, capture, err);
	/* Who reads a pipe learns at once that it is one. */
	return r < 0 ? r : sonde_capture_writer_flush(out->writer, err);
}

/* Where the interfaces share a ring, the kernel does not know of which it dropped: the
 * first one gets the count, and it is said. */
static int count_packets(struct capture_out *out, struct sonde_capture *capture,
			 struct sonde_error *err)
{
	struct sonde_capture_counts all;
	size_t most = out->described < CAPTURE_OUT_COUNTED ? out->described
							   : CAPTURE_OUT_COUNTED;
	int r = 0;

	sonde_capture_count(capture, &all);
	for (size_t i = 0; r == 0 && i < most; i++) {
		struct sonde_capture_counts counts;
		struct sonde_captured_interface captured;
		struct sonde_capture_statistics statistics = {
			.start_ns = out->started_ns,
			.end_ns = clock_now_ns(CLOCK_REALTIME),
		};

		sonde_capture_interface(capture, i, &captured);
		statistics.received = captured.packets - out->packets_before[i];
		if (sonde_capture_count_of(capture, i, &counts)) {
			statistics.dropped = counts.dropped - out->dropped_of[i];
			out->dropped_of[i] = counts.dropped;
		} else if (i == 0) {
			statistics.dropped = all.dropped - out->dropped_of[0];
			out->dropped_of[0] = all.dropped;
			statistics.comment = "isb_ifdrop counts all interfaces together";
		}
		statistics.received += statistics.dropped;
		r = sonde_capture_writer_count(out->writer, (uint32_t)i, &statistics,
					       err);
	}
	return r;
}

static int end_file(struct capture_out *out, struct sonde_capture *capture,
		    struct sonde_error *err)
{
	int r = count_packets(out, capture, err);
	int closed = sonde_capture_writer_close(out->writer, r < 0 ? NULL : err);

	out->writer = NULL;
	return r < 0 ? r : closed;
}

static int rotate(struct capture_out *out, struct sonde_capture *capture,
		  struct sonde_error *err)
{
	int r = end_file(out, capture, err);

	if (r == 0)
		r = open_next(out, err);
	return r < 0 ? r : describe(out, capture, err);
}

int capture_out_add(struct capture_out *out, struct sonde_capture *capture,
		    const struct sonde_frame *frame, struct sonde_error *err)
{
	int r = 0;

	if (!out->writer)
		return 0;
	if (frame->interface >= out->described)
		r = describe(out, capture, err);
	if (r == 0)
		r = sonde_capture_writer_add(out->writer, frame, err);
	if (r == 0 && out->rotate_bytes &&
	    sonde_capture_writer_size(out->writer) >= out->rotate_bytes)
		r = rotate(out, capture, err);
	return r;
}

int capture_out_flush(struct capture_out *out, struct sonde_capture *capture,
		      int64_t monotonic_ns, struct sonde_error *err)
{
	if (!out->writer)
		return 0;
	if (out->rotate_at_ns && monotonic_ns >= out->rotate_at_ns)
		return rotate(out, capture, err);
	return sonde_capture_writer_flush(out->writer, err);
}

int capture_out_close(struct capture_out *out, struct sonde_capture *capture,
		      struct sonde_error *err)
{
	int r = 0;

	if (out->writer)
		r = capture ? end_file(out, capture, err)
			    : sonde_capture_writer_close(out->writer, err);
	out->writer = NULL;
	capture_keeper_stop(out->keeper);
	out->keeper = NULL;
	return r;
}
