/* The one client of a listener, as a session between two descriptors. */
#ifndef TALK_ADOPT_H
#define TALK_ADOPT_H

#include "talk/listener.h"

/* Takes the stream.  As sonde_session_run_pipe(). */
int adopt_client(struct sonde_listener *listener, struct stream *stream, int also_fd,
		 struct sonde_error *err);

#endif
