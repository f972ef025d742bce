/* The calculation protocol.  Pure: bytes in, values out; and its client.
 *
 * Request  <ID u32><operation><N u8><z1 i32>..<zN i32>,  reply  <ID u32><result i32>.
 * The operation is one of the UTF-8 words Summe, Produkt, Minimum, Maximum, without
 * padding or terminator.  The ID is opaque and echoed byte for byte; only z and result
 * have a byte order, little-endian unless agreed otherwise.  Servers and clients in the
 * wild differ in how they write the operation and N: those are the dialects. */
#ifndef SONDE_CALC_H
#define SONDE_CALC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <sonde/address.h>
#include <sonde/error.h>
#include <sonde/export.h>

#define SONDE_CALC_PORT 50000
#define SONDE_CALC_NUMBERS 255
#define SONDE_CALC_REQUEST_BYTES (4 + 7 + 1 + 4 * SONDE_CALC_NUMBERS)
#define SONDE_CALC_REPLY_BYTES 8

/* The longest of any dialect: fixed64 with 255 numbers. */
#define SONDE_CALC_DIALECT_BYTES (4 + 64 + 1 + 4 * SONDE_CALC_NUMBERS)

/* Auto is for reading only: of a request that may be both it takes the reading with the
 * smaller sum of magnitudes, little-endian where they are equal.  That is right wherever
 * no number is beyond 65535. */
enum sonde_calc_order { SONDE_CALC_LITTLE = 0, SONDE_CALC_BIG, SONDE_CALC_AUTO };

enum sonde_calc_dialect {
	SONDE_CALC_SHEET = 0,
	SONDE_CALC_FIXED7, /* the word in 7 bytes, NUL behind it; as the next three */
	SONDE_CALC_FIXED8,
	SONDE_CALC_FIXED10,
	SONDE_CALC_FIXED64,
	SONDE_CALC_THREE, /* SUM PRO MIN MAX */
	SONDE_CALC_ONE,   /* s m i a, and N as u32 */
	/* u8 length of the word, the word, no N: in a stream the numbers end with a pause */
	SONDE_CALC_LENPREFIX,
	SONDE_CALC_DIALECTS,
};

/* What a server does about a result that does not exist. */
enum sonde_calc_policy {
	SONDE_CALC_CLOSE = 0, /* no reply */
	SONDE_CALC_ZERO,
	SONDE_CALC_WRAP,     /* the lower 32 bits; 0 of no numbers */
	SONDE_CALC_SATURATE, /* the nearest i32; the neutral one of no numbers */
};

enum sonde_calc_operation {
	SONDE_CALC_SUM = 0,
	SONDE_CALC_PRODUCT,
	SONDE_CALC_MINIMUM,
	SONDE_CALC_MAXIMUM,
};

struct sonde_calc_request {
	uint8_t id[4]; /* as on the wire */
	enum sonde_calc_operation operation;
	uint8_t count;
	int32_t numbers[SONDE_CALC_NUMBERS];
	enum sonde_calc_order order; /* that they were read in; never auto */
};

/* Reads the request at the start of bytes[0..n).  Returns its length; 0 if it needs more
 * bytes; -EBADMSG if no further bytes can mend it.  Writes *ret only with a length. */
SONDE_API ssize_t sonde_calc_parse(const uint8_t *bytes, size_t n,
				   enum sonde_calc_order order,
				   struct sonde_calc_request *ret);

/* Writes the request; returns its length. */
SONDE_API size_t sonde_calc_format(const struct sonde_calc_request *request,
				   enum sonde_calc_order order,
				   uint8_t ret[SONDE_CALC_REQUEST_BYTES]);

/* The same in a dialect.  A word in a field of its own ends at a NUL: what stands behind
 * that is not looked at.  Where a dialect has no N, the numbers are all that is there, at
 * least one.  -EMSGSIZE: more than 255 numbers. */
SONDE_API ssize_t sonde_calc_parse_as(const uint8_t *bytes, size_t n,
				      enum sonde_calc_dialect dialect,
				      enum sonde_calc_order order,
				      struct sonde_calc_request *ret);
SONDE_API size_t sonde_calc_format_as(const struct sonde_calc_request *request,
				      enum sonde_calc_dialect dialect,
				      enum sonde_calc_order order,
				      uint8_t ret[SONDE_CALC_DIALECT_BYTES]);
/* "sheet", "fixed7" ...  Static; NULL past the last. */
SONDE_API const char *sonde_calc_dialect_name(size_t dialect);

/* Computes exactly; the range is checked on the final value.  Returns 0, -ERANGE where
 * the result is no i32, -EDOM for the minimum or maximum of nothing. */
SONDE_API int sonde_calc_compute(const struct sonde_calc_request *request, int32_t *ret);

/* The same, and where that fails the result that the policy has instead, which is none
 * for SONDE_CALC_CLOSE.  Returns what sonde_calc_compute() returns. */
SONDE_API int sonde_calc_compute_with(const struct sonde_calc_request *request,
				      enum sonde_calc_policy policy, int32_t *ret);

SONDE_API void sonde_calc_format_reply(const uint8_t id[4], int32_t result,
				       enum sonde_calc_order order,
				       uint8_t ret[SONDE_CALC_REPLY_BYTES]);
SONDE_API int32_t sonde_calc_parse_reply(const uint8_t bytes[SONDE_CALC_REPLY_BYTES],
					 enum sonde_calc_order order);

/* sum, product, min, max or a wire word, in any case.  0 or -EINVAL. */
SONDE_API int sonde_calc_parse_operation(const char *text,
					 enum sonde_calc_operation *ret);
/* "Summe".  Static. */
SONDE_API const char *sonde_calc_word(enum sonde_calc_operation operation);

struct sonde_calc_ask {
	const char *host; /* name or number; NULL: loopback */
	const char *port; /* number or service name; NULL: 50000 */
	bool udp;
	enum sonde_calc_dialect dialect;
	enum sonde_calc_order order; /* not auto */
	/* For the whole question, connect included; not for the look-up of a name.
	 * 0: none. */
	int64_t timeout_ns;
};

/* Asks a server.  Returns 0 and the result; on failure err tells in words what happened
 * (refused, silence, a close before the answer, an answer with another ID). */
SONDE_API int sonde_calc_ask(const struct sonde_calc_ask *ask,
			     const struct sonde_calc_request *request, int32_t *ret,
			     struct sonde_error *err);

#endif
