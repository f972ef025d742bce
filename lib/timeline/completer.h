/* What completed a call, kind of call by kind. */
#ifndef TIMELINE_COMPLETER_H
#define TIMELINE_COMPLETER_H

#include "timeline/verdict.h"

struct completer {
	struct join *join;
	uint32_t *unfinished; /* [statement - 1]: the telling call to go on with */
	uint32_t *connecting; /* [socket - 1]: the connect in progress */
	/* Of the call that is looked at: what else may have completed it. */
	struct candidates among, of_socket;
};

/* Of the next call, in order of entering; what else it may have been is in among. */
struct verdict completer_judge(struct completer *completer,
			       const struct sonde_call *call);
/* The same call before this one, which a signal broke off and which this one repeats: what
 * came in between was waited for as well.  NULL: there is none. */
const struct sonde_call *completer_interrupted_before(const struct completer *completer,
						      const struct sonde_call *call);

#endif
