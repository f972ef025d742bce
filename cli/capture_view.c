/* See capture_view.h. */
#include "capture_view.h"

#include <inttypes.h>
#include <stdlib.h>

#include <sonde/packet.h>

struct capture_view {
	struct output *output;
	int64_t first_ns;
};

int capture_view_new(struct output *output, struct capture_view **ret,
		     struct sonde_error *err)
{
	struct capture_view *view = calloc(1, sizeof(*view));

	if (!view)
		return sonde_error_set(err, SONDE_ERROR_TROUBLE, -12, "list", "packets",
				       NULL);
	view->output = output;
	*ret = view;
	return 0;
}

void capture_view_free(struct capture_view *view)
{
	free(view);
}

int capture_view_add(struct capture_view *view, const struct sonde_frame *frame,
		     struct sonde_error *err)
{
	static const char *const protos[] = {"-", "TCP", "UDP", "ICMP", "ICMPv6"};
	char source[SONDE_ADDRESS_CHARS] = "-", destination[SONDE_ADDRESS_CHARS] = "-";
	char flags[9] = "";
	struct sonde_decoded decoded;
	int64_t since_ns;

	(void)err;
	if (!view->first_ns)
		view->first_ns = frame->at_ns;
	since_ns = frame->at_ns - view->first_ns;
	sonde_packet_decode((enum sonde_link)frame->link, frame->bytes,
			    frame->captured_length, &decoded);
	if (decoded.src.family != SONDE_FAMILY_NONE) {
		sonde_address_format(&decoded.src, source);
		sonde_address_format(&decoded.dst, destination);
	}
	if (decoded.proto == SONDE_PACKET_TCP)
		sonde_packet_flag_letters(decoded.tcp_flags, flags);
	output_print(view->output,
		     "%5" PRIu32 " %4" PRId64 ".%09" PRId64 " %s > %s %s %" PRIu32
		     " %s\n",
		     frame->number, since_ns / 1000000000, since_ns % 1000000000, source,
		     destination, protos[decoded.proto], frame->wire_length, flags);
	return 0;
}

void capture_view_flush(struct capture_view *view)
{
	output_flush(view->output);
}
