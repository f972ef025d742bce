/* A session whose person is a program: its standard output is sent, what is received is
 * its standard input. */
#include <errno.h>

#include "talk/exec.h"
#include "talk/session.h"

int sonde_session_run_exec(struct sonde_session *session, const char *command,
			   char *const *environment, int also_fd, struct sonde_error *err)
{
	struct exec_place place = {
		.transport = session->transport,
		.local = session->local_address,
		.peer = session->peer_address,
		.local_text = session->local,
		.peer_text = session->peer,
		.environment = environment,
	};
	struct exec exec;
	struct sonde_error ignored;

	int r = exec_start(command, &place, &exec);
	if (r < 0)
		return sonde_error_set(err, SONDE_ERROR_TROUBLE, r, "run", command, NULL);
	struct sonde_pipe pipe = {
		.in_fd = exec.out_fd,
		.out_fd = exec.in_fd,
		.also_fd = also_fd,
	};
	r = sonde_session_run_pipe(session, &pipe, err);
	exec.in_fd = exec.out_fd = -1; /* closed by the session */
	int status = exec_stop(&exec);
	int failed = exec_check(command, status, r == 0 ? err : &ignored);
	return r == 0 ? failed : r;
}
