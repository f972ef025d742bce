/* ring_capture FILE: captures all interfaces of its network namespace into a pcapng file.
 * Prints "capturing" once it does, and ends when its standard input does, having drained
 * the ring; then prints received, dropped, read and the packets written, tab-separated.
 */
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "capture/ring.h"
#include "file/pcapng.h"

enum { INTERFACES_MOST = 16, DRAIN_MS = 5000 };

struct output {
	FILE *file;
	struct pcapng_block block;
	struct {
		int index;
		uint16_t link;
	} interfaces[INTERFACES_MOST];
	uint32_t interface_count;
	unsigned long written;
};

static int fail(const char *what)
{
	fprintf(stderr, "ring_capture: %s: %s\n", what, strerror(errno));
	return 1;
}

static int fail_with(const struct sonde_error *error)
{
	fprintf(stderr, "ring_capture: %s %s: %s\n", error->operation, error->subject,
		error->reason);
	return 1;
}

static void flush(struct output *output)
{
	fwrite(output->block.bytes, 1, output->block.used, output->file);
}

static uint32_t find_interface(struct output *output, int index, uint16_t link)
{
	char name[IF_NAMESIZE];
	uint32_t i;

	for (i = 0; i < output->interface_count; i++)
		if (output->interfaces[i].index == index &&
		    output->interfaces[i].link == link)
			return i;
	if (i == INTERFACES_MOST)
		return 0;
	output->interfaces[i].index = index;
	output->interfaces[i].link = link;
	output->interface_count++;
	pcapng_format_interface(&output->block, link, LIMIT_SNAP_BYTES,
				if_indextoname((unsigned)index, name));
	flush(output);
	return i;
}

static void write_packets(struct output *output, struct ring *ring)
{
	struct ring_packet from;

	while (ring_next(ring, &from) > 0) {
		const struct pcapng_packet packet = {
			.interface =
				find_interface(output, from.interface_index, from.link),
			.at_ns = from.at_ns,
			.captured_length = from.captured_length,
			.wire_length = from.wire_length,
			.bytes = from.bytes,
			.direction = from.is_outgoing ? PCAPNG_OUTBOUND : PCAPNG_INBOUND,
		};

		pcapng_format_packet(&output->block, &packet);
		flush(output);
		output->written++;
	}
}

int main(int argc, char **argv)
{
	struct pollfd sources[] = {{.fd = -1, .events = POLLIN},
				   {.fd = STDIN_FILENO, .events = POLLIN}};
	int64_t started_ns = clock_realtime_ns();
	struct output output = {0};
	struct ring_counts counts;
	struct sonde_error error;
	struct ring *ring;
	int fd, r;

	if (argc != 2)
		return 2;
	output.file = fopen(argv[1], "wb");
	if (!output.file)
		return fail(argv[1]);
	fd = ring_open(&error);
	if (fd < 0 || ring_map(fd, &ring, &error) < 0)
		return fail_with(&error);
	pcapng_block_init(&output.block);
	pcapng_format_section(&output.block, "sonde's tests", NULL);
	flush(&output);
	puts("capturing");
	fflush(stdout);

	sources[0].fd = ring_fd(ring);
	while (!sources[1].revents) {
		if (poll(sources, 2, -1) < 0)
			return fail("poll");
		write_packets(&output, ring);
	}
	while ((r = ring_drain(ring, DRAIN_MS)) > 0)
		write_packets(&output, ring);
	if (r < 0) {
		errno = -r;
		return fail("drain");
	}
	ring_count(ring, &counts);
	pcapng_format_statistics(&output.block, 0, started_ns, clock_realtime_ns(),
				 counts.received, counts.dropped);
	flush(&output);
	pcapng_block_done(&output.block);
	ring_free(ring);
	if (ferror(output.file) || fclose(output.file))
		return fail(argv[1]);
	printf("%llu\t%llu\t%llu\t%lu\n", (unsigned long long)counts.received,
	       (unsigned long long)counts.dropped, (unsigned long long)counts.read,
	       output.written);
	return 0;
}
