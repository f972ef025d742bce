/* The records of the feed, for its two ends alone. */
#ifndef TRACE_FEED_RECORD_H
#define TRACE_FEED_RECORD_H

#include "trace/feed.h"

enum feed_kind {
	FEED_PROGRAM = 1,
	FEED_PROGRAM_LINES,
	FEED_PROGRAM_END,
	FEED_SOCKET,
	FEED_SOCKET_STATE,
	FEED_PLACE,
	FEED_STACK,
	FEED_HOLDER,
	FEED_CALL,
	FEED_RETURN,
	FEED_NOTE,
	FEED_CALLS_DROPPED,
	FEED_COST,
	FEED_MAIN_PROGRAM,
	FEED_MAIN_STATUS,
	FEED_STARTED,
	FEED_FAILURE,
};

struct feed_header {
	uint32_t kind;   /* enum feed_kind */
	uint32_t length; /* of the whole record, a multiple of 8 */
};

#define FEED_NO_STRING UINT32_MAX

#endif
