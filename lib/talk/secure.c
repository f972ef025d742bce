/* TLS over a connection that is there, and why it cannot be had. */
#include <errno.h>

#include "base/clock.h"
#include "talk/session.h"

static int fail(struct sonde_session *session, int error, struct sonde_error *err)
{
	char subject[SESSION_SUBJECT_CHARS];

	session_format_subject(session, subject);
	if (error == -ETIMEDOUT)
		return sonde_error_set(err, SONDE_ERROR_NETWORK, error, "secure", subject,
				       "the handshake of TLS took too long (ETIMEDOUT)");
	session_fail(session, "secure", error, err);
	switch (tls_get_fault(session->stream)) {
	case TLS_FAULT_TRUST:
		sonde_error_hint(err, "--ca-file trusts who signed a certificate, --pin "
				      "one certificate alone; --insecure -v shows it");
		break;
	case TLS_FAULT_NAME:
		sonde_error_hint(err, "--tls-name says for which name its certificate "
				      "is, where that is meant; --insecure -v shows it");
		break;
	case TLS_FAULT_PLAIN:
		sonde_error_hint(err,
				 "where TLS begins with a command, as STARTTLS, "
				 "connect without --tls, send it, and then say `tls` "
				 "in a --script or after ^]");
		break;
	case TLS_FAULT_NONE_SHOWN:
	case TLS_FAULT_VERSION:
	case TLS_FAULT_OTHER:
		break;
	}
	return error;
}

int session_secure(struct sonde_session *session, struct tls_context *context,
		   int64_t deadline_ns, struct sonde_error *err)
{
	struct sonde_tls_details details;
	struct sonde_session_event event = {.kind = SONDE_SESSION_TLS, .tls = &details};
	int64_t began_ns = clock_monotonic_ns();
	struct stream *secured;

	int r = tls_start(context, session->host, session->stream, &secured);
	session->stream = r < 0 ? NULL : secured;
	if (r < 0)
		return sonde_error_set(err, SONDE_ERROR_TROUBLE, r, "secure",
				       session->host, NULL);
	while ((r = tls_handshake(session->stream)) == -EAGAIN) {
		short events = (short)stream_events(session->stream, true, false);
		r = sock_wait_or(stream_fd(session->stream), events, session->also_fd,
				 deadline_ns);
		if (r < 0)
			break;
	}
	if (r < 0) {
		fail(session, r, err);
		session_close(session, false, "TLS failed");
		return r;
	}
	tls_describe(session->stream, &details);
	event.took_ns = clock_monotonic_ns() - began_ns;
	session->active_ns = clock_monotonic_ns();
	session_tell(session, &event);
	return 0;
}

int session_start_tls(struct sonde_session *session, const struct sonde_tls_options *tls,
		      int64_t deadline_ns, struct sonde_error *err)
{
	struct tls_context *context;

	if (!session->stream || session_is_datagram(session) ||
	    stream_is_tls(session->stream))
		return sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, "start", "TLS",
				       !session->stream ? "there is no connection"
				       : session_is_datagram(session)
					       ? "it needs a stream"
					       : "it is spoken already");
	int r = tls_context_new(TLS_CLIENT, tls, &context, err);
	if (r < 0)
		return r;
	r = session_secure(session, context, deadline_ns, err);
	tls_context_free(context);
	return r;
}

int sonde_session_start_tls(struct sonde_session *session,
			    const struct sonde_tls_options *tls, int64_t timeout_ns,
			    struct sonde_error *err)
{
	int64_t deadline_ns = timeout_ns > 0
				      ? clock_after_ns(clock_monotonic_ns(), timeout_ns)
				      : SOCK_NEVER;

	return session_start_tls(session, tls, deadline_ns, err);
}
