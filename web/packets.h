/* The columns of all packets, as the dissector makes them. */
#ifndef WEB_PACKETS_H
#define WEB_PACKETS_H

#include <stddef.h>
#include <stdint.h>

struct page_columns {
	uint32_t *starts; /* [frame - 1]: where in chars, from 1; 0 not a packet */
	char *chars;      /* source, destination, protocol, info, a NUL behind each */
	size_t used, room;
};

/* Four texts, each behind the NUL of the one before; NULL: there are none.  Borrowed. */
const char *packets_columns(struct page_columns *columns, uint32_t frame);
void packets_forget(struct page_columns *columns);

#endif
