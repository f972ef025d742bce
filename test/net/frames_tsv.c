/* frames_tsv FILE [OUT]: the frames of a capture file as tshark prints the same fields:
 * number, epoch, length, captured length, interface, comments; with OUT they are written
 * there, too.  Standard error says how the file ended. */
#include <inttypes.h>
#include <stdio.h>

#include <sonde/capture_file.h>

static int complain(const struct sonde_error *err)
{
	fprintf(stderr, "%s %s: %s\n", err->operation, err->subject, err->reason);
	return 1;
}

static void print_frame(const struct sonde_frame *frame)
{
	printf("%" PRIu32 "\t", frame->number);
	if (frame->at_ns != INT64_MIN)
		printf("%s%" PRId64 ".%09" PRId64, frame->at_ns < 0 ? "-" : "",
		       (frame->at_ns < 0 ? -frame->at_ns : frame->at_ns) / 1000000000,
		       (frame->at_ns < 0 ? -frame->at_ns : frame->at_ns) % 1000000000);
	printf("\t%" PRIu32 "\t%" PRIu32 "\t", frame->wire_length,
	       frame->captured_length);
	if (frame->kind == SONDE_FRAME_PACKET)
		printf("%" PRIu32, frame->interface);
	printf("\t%s\t", frame->interface_name ? frame->interface_name : "");
	for (size_t i = 0; i < frame->comment_count; i++)
		printf("%s%.*s", i ? "|" : "", (int)frame->comments[i].length,
		       frame->comments[i].text);
	putchar('\n');
}

int main(int argc, char **argv)
{
	struct sonde_capture_reader *reader;
	struct sonde_capture_writer *writer = NULL;
	struct sonde_capture_facts facts;
	struct sonde_frame frame;
	struct sonde_error err;
	int r;

	if (argc < 2)
		return 2;
	if (sonde_capture_reader_open(argv[1], &reader, &err) < 0)
		return complain(&err);
	if (argc > 2 && sonde_capture_writer_open(argv[2], &writer, &err) < 0)
		return complain(&err);
	while ((r = sonde_capture_reader_next(reader, &frame, &err)) > 0) {
		print_frame(&frame);
		if (writer && sonde_capture_writer_add(writer, &frame, &err) < 0)
			return complain(&err);
	}
	if (r < 0)
		complain(&err);
	sonde_capture_reader_facts(reader, &facts);
	fprintf(stderr, "cut: %d passed over: %" PRIu64 " dropped: %" PRIu64 "\n",
		facts.is_cut, facts.passed_over, facts.dropped);
	sonde_capture_reader_close(reader);
	if (sonde_capture_writer_close(writer, &err) < 0)
		return complain(&err);
	return r < 0;
}
