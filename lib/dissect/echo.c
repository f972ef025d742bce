/* Requests and their replies; see echo.h. */
#include "dissect/echo.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/limits.h"
#include "dissect/state.h"

static uint32_t place_of(const struct sonde_address *a, const struct sonde_address *b,
			 uint32_t number, uint8_t protocol)
{
	uint32_t sum = number * 0x9e3779b1u + protocol + a->port + b->port;

	for (int i = 0; i < 16; i++)
		sum = sum * 31 + a->bytes[i] + b->bytes[i];
	return (sum ^ sum >> 15) % LIMIT_DISSECT_ASKED;
}

void asked_add(struct sonde_dissector *d, uint8_t protocol, uint32_t number)
{
	if (d->is_quoted)
		return;
	if (!d->asked) {
		d->asked = array_new(LIMIT_DISSECT_ASKED, sizeof(*d->asked));
		if (!d->asked) {
			d->trouble = -ENOMEM;
			return;
		}
	}
	d->asked[place_of(&d->src, &d->dst, number, protocol)] = (struct asked){
		.from = d->src,
		.to = d->dst,
		.number = number,
		.protocol = protocol,
		.frame = d->frame_number,
		.at_ns = d->frame->at_ns,
	};
}

const struct asked *asked_find(struct sonde_dissector *d, uint8_t protocol,
			       uint32_t number)
{
	const struct asked *asked;

	if (!d->asked || d->is_quoted)
		return NULL;
	asked = &d->asked[place_of(&d->dst, &d->src, number, protocol)];
	if (!asked->frame || asked->number != number || asked->protocol != protocol ||
	    !sonde_address_equal(&asked->from, &d->dst) ||
	    !sonde_address_equal(&asked->to, &d->src))
		return NULL;
	return asked;
}

void asked_answer(struct sonde_dissector *d, const struct asked *asked)
{
	d->asked[asked - d->asked].frame = 0;
}
