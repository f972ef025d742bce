/* Recordings made by hand, as a tracer would have made them. */
#ifndef TEST_CLI_SAMPLE_H
#define TEST_CLI_SAMPLE_H

#include <sonde/recording.h>

struct sample {
	struct sonde_recording *recording;
	uint16_t client_port; /* of the first packet */
	uint32_t seq[2]; /* what the next packet of the client, the server begins with */
};

void sample_init(struct sample *sample);

/* Returns the program's number. */
uint32_t sample_program(struct sample *sample, const char *name, uint32_t pid);
/* peer_port 0: listening. */
uint32_t sample_socket(struct sample *sample, uint32_t program, int fd, int at_us,
		       uint16_t local_port, uint16_t peer_port);
/* A call at a line of the program's file; line 0: none.  Times are microseconds since the
 * start; exit_us 0: it never came out.  Kind, name, result and so on are the caller's. */
uint32_t sample_call(struct sample *sample, uint32_t program, int line, const char *text,
		     int enter_us, int exit_us, struct sonde_call call);

/* From port to port on loopback; seq and ack as on the wire are counted here. */
uint32_t sample_packet(struct sample *sample, int at_us, uint16_t from, uint16_t to,
		       uint8_t flags, uint32_t length);

#endif
