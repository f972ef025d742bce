/* The way to a peer: look up, bind, connect, and say what happens meanwhile.
 *
 * All addresses of a name are tried in their order, each with its share of the time that
 * is left.  Where none can be had, the error is that of the first which says something:
 * that this machine has no IPv6 says less than that a port is closed. */
#include "talk/session.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sonde/text.h>

#include "base/clock.h"
#include "base/limits.h"
#include "io/resolve.h"
#include "talk/duration.h"
#include "talk/local.h"

enum { KEEPALIVE_S = 90 };

static enum sock_transport sock_transport(const struct sonde_session *session)
{
	return session->transport == SONDE_TRANSPORT_UDP ? SOCK_UDP : SOCK_TCP;
}

/* --- what went wrong, in words */

int connect_fail_timeout(const char *operation, const char *subject, int64_t timeout_ns,
			 struct sonde_error *err)
{
	char limit[DURATION_CHARS];

	duration_format(timeout_ns, limit);
	sonde_error_set(err, SONDE_ERROR_NETWORK, -ETIMEDOUT, operation, subject,
			"no connection within %s (ETIMEDOUT)", limit);
	sonde_error_hint(err, "no such machine is up, or a firewall drops what is sent "
			      "there");
	return -ETIMEDOUT;
}

void connect_tell_failed(struct sonde_session *session, const char *reason, int left)
{
	struct sonde_session_event event = {
		.kind = SONDE_SESSION_FAILED,
		.text = reason,
		.count = (size_t)left,
	};
	session_tell(session, &event);
}

bool connect_lacks_interface(const struct sonde_address *address)
{
	return address->family == SONDE_FAMILY_INET6 && address->scope_id == 0 &&
	       address->bytes[0] == 0xfe && (address->bytes[1] & 0xc0) == 0x80;
}

int connect_refuse_link_local(const char *operation, const char *subject,
			      const struct sonde_address *address,
			      struct sonde_error *err)
{
	char host[SONDE_ADDRESS_CHARS];

	sonde_address_format_host(address, host);
	sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, operation, subject,
			"a link-local address needs its interface (EINVAL)");
	sonde_error_hint(err, "write %s%%eth0, with the interface's name", host);
	return -EINVAL;
}

int connect_explain(const char *operation, const char *subject,
		    const struct sonde_address *address, bool has_bind, int error,
		    struct sonde_error *err)
{
	if (error == -EINVAL && connect_lacks_interface(address))
		return connect_refuse_link_local(operation, subject, address, err);
	if (error == -EINTR)
		return sonde_error_set(err, SONDE_ERROR_NETWORK, error, operation,
				       subject, "told to end meanwhile");
	sonde_error_set(err, sonde_error_kind_of(-error), error, operation, subject,
			NULL);
	switch (-error) {
	case ECONNREFUSED:
		sonde_error_hint(err, "nothing listens there; `sonde listen %u` would",
				 address->port);
		break;
	case EHOSTUNREACH:
	case ENETUNREACH:
		sonde_error_hint(err, "this machine has no way there, or one on the way "
				      "says so");
		break;
	case EADDRNOTAVAIL:
		err->kind = SONDE_ERROR_NETWORK;
		sonde_error_hint(err, "no local address leads there, or no local port is "
				      "free");
		break;
	case EINVAL:
		sonde_error_hint(err, "%s",
				 has_bind ? "from the address of --bind no way "
					    "leads there"
					  : "it is no address of a peer");
		break;
	default:
		break;
	}
	return error;
}

static int fail_connect(const struct sonde_session *session,
			const struct sonde_target *target,
			const struct sonde_address *address, int error,
			struct sonde_error *err)
{
	char subject[SOCK_SUBJECT_CHARS];

	sock_format_subject(address, sock_transport(session), subject);
	if (error == -ETIMEDOUT && target->timeout_ns > 0)
		return connect_fail_timeout("connect", subject, target->timeout_ns, err);
	return connect_explain("connect", subject, address, target->bind != NULL, error,
			       err);
}

/* --- IP */

static void format_addresses(const struct sonde_address *addresses, int count, char *ret,
			     size_t capacity)
{
	struct sonde_text list;

	sonde_text_init(&list, ret, capacity);
	for (int i = 0; i < count; i++) {
		char host[SONDE_ADDRESS_CHARS];
		sonde_address_format_host(&addresses[i], host);
		sonde_text_add(&list, "%s%s", i ? ", " : "", host);
	}
}

/* What can be tried: of the wanted family, and of one that --bind has. */
static int keep_families(const struct sonde_target *target, const struct local *local,
			 struct sonde_address *addresses, int count,
			 struct sonde_error *err)
{
	int kept = 0;

	for (int i = 0; i < count; i++) {
		if (target->family != SONDE_FAMILY_NONE &&
		    addresses[i].family != target->family)
			continue;
		if (local_has_family(local, addresses[i].family))
			addresses[kept++] = addresses[i];
	}
	if (kept > 0)
		return kept;
	bool is_inet = addresses[0].family == SONDE_FAMILY_INET;
	sonde_error_set(err, SONDE_ERROR_USAGE, -EAFNOSUPPORT, "connect",
			*target->host ? target->host : "localhost",
			"it has no IPv%d address%s%s", is_inet ? 6 : 4,
			local->text ? ", as --bind " : "",
			local->text ? local->text : "");
	sonde_error_hint(err, "its address is IPv%d", is_inet ? 4 : 6);
	return -EAFNOSUPPORT;
}

static int look_up(struct sonde_session *session, const struct sonde_target *target,
		   const struct local *local, struct sonde_address *ret,
		   struct sonde_error *err)
{
	struct resolve_endpoint endpoint;
	struct sonde_address numeric;
	char list[256];

	int r = target->port
			? resolve_parse_pair(target->host, target->port, &endpoint, err)
			: resolve_parse(target->host, &endpoint, err);
	if (r < 0)
		return r;
	snprintf(session->host, sizeof(session->host), "%s", endpoint.host);
	if (strcmp(endpoint.host, "*") == 0 || endpoint.port == 0) {
		sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, "connect",
				endpoint.port == 0 ? "port 0" : "*",
				"no peer can be reached there");
		sonde_error_hint(err, "* and 0 are for servers; write HOST PORT, as in "
				      "localhost 50000");
		return -EINVAL;
	}
	bool is_name =
		*endpoint.host && sonde_address_parse_host(endpoint.host, &numeric) < 0;
	if (is_name)
		session_tell_text(session, SONDE_SESSION_RESOLVING, "%s", endpoint.host);
	int64_t asked_ns = clock_monotonic_ns();
	int count = resolve_lookup(&endpoint, ret, LIMIT_ADDRESSES, err);
	if (count < 0)
		return count;
	if (is_name) {
		format_addresses(ret, count, list, sizeof(list));
		struct sonde_session_event event = {
			.kind = SONDE_SESSION_RESOLVED,
			.text = list,
			.count = (size_t)count,
			.took_ns = clock_monotonic_ns() - asked_ns,
		};
		session_tell(session, &event);
	}
	return keep_families(target, local, ret, count, err);
}

/* An address that does not answer at all shall leave time for the others. */
static int64_t share_deadline(int64_t deadline_ns, int addresses_left)
{
	int64_t now_ns = clock_monotonic_ns();

	if (deadline_ns == SOCK_NEVER || deadline_ns <= now_ns)
		return deadline_ns;
	return now_ns + (deadline_ns - now_ns) / addresses_left;
}

static void note_local(struct sonde_session *session, int fd)
{
	if (sock_local_address(fd, &session->local_address) < 0)
		return;
	sonde_address_format(&session->local_address, session->local);
}

static void tell_bound(struct sonde_session *session, const struct local *local)
{
	struct sonde_session_event event = {
		.kind = SONDE_SESSION_BOUND,
		.by_user = local->text != NULL,
	};
	session_tell(session, &event);
}

/* Two SYNs that cross make a connection (RFC 9293, simultaneous open), also of one socket
 * that was given the port it asks for: a loop that tries again and again gets there. */
static bool is_own_end(const struct sonde_session *session, enum sock_transport transport)
{
	return transport == SOCK_TCP &&
	       sonde_address_equal(&session->local_address, &session->peer_address);
}

/* The descriptor, or what failed.  Sets *ret_goes_on to whether other addresses may do
 * better. */
static int try_address(struct sonde_session *session, const struct sonde_target *target,
		       const struct local *local, const struct sonde_address *address,
		       int64_t deadline_ns, bool *ret_goes_on, struct sonde_error *err)
{
	struct sonde_session_event connecting = {.kind = SONDE_SESSION_CONNECTING};
	enum sock_transport transport = sock_transport(session);
	int on = 1;

	session->local[0] = '\0';
	session->local_address = (struct sonde_address){0};
	session->peer_address = *address;
	sonde_address_format(address, session->peer);
	*ret_goes_on = true;
	int fd = sock_open(address, transport);
	if (fd < 0) {
		*ret_goes_on = fd == -EAFNOSUPPORT;
		return fail_connect(session, target, address, fd, err);
	}
	/* Who writes a broadcast address means it. */
	if (transport == SOCK_UDP)
		setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on));
	int r = local_bind(local, fd, address->family, transport, err);
	if (r < 0) {
		*ret_goes_on = false;
		close(fd);
		return r;
	}
	if (local->count > 0)
		note_local(session, fd);
	tell_bound(session, local);
	session_tell(session, &connecting);
	r = sock_connect(fd, address, session->also_fd, deadline_ns);
	if (r < 0) {
		*ret_goes_on = r != -EINTR;
		fail_connect(session, target, address, r, err);
		close(fd);
		return r;
	}
	note_local(session, fd);
	if (is_own_end(session, transport)) {
		close(fd);
		sonde_error_set(err, SONDE_ERROR_NETWORK, -ECONNREFUSED, "connect",
				session->peer,
				"the local port is the same one: the kernel connected "
				"the socket with itself, nothing listens there");
		return -ECONNREFUSED;
	}
	return fd;
}

/* A family that this machine does not have says less than what another address said. */
static bool says_little(int error)
{
	return error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL || error == -ENETUNREACH;
}

static int connect_ip(struct sonde_session *session, const struct sonde_target *target,
		      struct sonde_error *err)
{
	struct sonde_address addresses[LIMIT_ADDRESSES];
	struct local local;
	struct sonde_error tried;
	int reported = 0;

	int r = local_parse(target->bind, &local, err);
	if (r < 0)
		return r;
	session->gave_address = local.gives_address;
	session->gave_port = local.gives_port;
	int count = look_up(session, target, &local, addresses, err);
	if (count < 0)
		return count;
	int64_t deadline_ns = SOCK_NEVER;
	if (target->timeout_ns > 0)
		deadline_ns = clock_after_ns(clock_monotonic_ns(), target->timeout_ns);
	for (int i = 0; i < count; i++) {
		bool goes_on;
		int fd = try_address(session, target, &local, &addresses[i],
				     share_deadline(deadline_ns, count - i), &goes_on,
				     &tried);
		if (fd >= 0)
			return fd;
		if (reported == 0 || !goes_on || says_little(reported)) {
			reported = fd;
			if (err)
				*err = tried;
		}
		connect_tell_failed(session, tried.reason, goes_on ? count - i - 1 : 0);
		if (!goes_on)
			break;
	}
	return reported;
}

static int connect_plain(struct sonde_session *session, const struct sonde_target *target,
			 struct sonde_error *err)
{
	bool is_ip = target->transport == SONDE_TRANSPORT_TCP ||
		     target->transport == SONDE_TRANSPORT_UDP;
	int fd = is_ip ? connect_ip(session, target, err)
		       : connect_unix(session, target, err);

	if (fd < 0)
		return fd;
	if (target->transport == SONDE_TRANSPORT_TCP) {
		/* A line that was typed shall leave at once, and a peer that vanished be
		 * noticed. */
		sock_set_no_delay(fd);
		sock_set_keepalive(fd, KEEPALIVE_S);
	}
	session->stream = stream_new_plain(fd, session_is_datagram(session));
	if (!session->stream) {
		close(fd);
		return sonde_error_set(err, SONDE_ERROR_TROUBLE, -ENOMEM, "connect",
				       target->host, NULL);
	}
	session->opened_ns = session->active_ns = clock_monotonic_ns();
	return 0;
}

int sonde_session_open(struct sonde_session *session, const struct sonde_target *target,
		       struct sonde_error *err)
{
	struct sonde_error ignored;

	if (!err)
		err = &ignored;
	if (session->stream)
		return sonde_error_set(err, SONDE_ERROR_USAGE, -EISCONN, "connect",
				       target->host, "there is a connection already");
	session->transport = target->transport;
	snprintf(session->host, sizeof(session->host), "%s", target->host);
	session->local_address = (struct sonde_address){0};
	session->peer_address = (struct sonde_address){0};
	session->gave_address = session->gave_port = false;
	session->sent_end = session->peer_end = session->peer_ended_first = false;
	session->was_answered = false;
	session->last_sent = '\0';
	session->held.used = 0;
	session->is_mid_chunk = false;
	session->has_telnet = session->options.telnet;
	session->telnet_if_asked = session->options.telnet_if_asked;
	session->telnet_after_cr = false;
	const struct telnet_terminal terminal = {
		.columns = session->options.columns,
		.rows = session->options.rows,
		.takes_echo = session->options.takes_echo,
		.type = session->options.terminal_type,
	};
	telnet_init(&session->telnet, &terminal);

	struct tls_context *context = NULL;
	if (target->tls) {
		int failed = tls_context_new(TLS_CLIENT, target->tls, &context, err);
		if (failed < 0)
			return failed;
	}
	int64_t began_ns = clock_monotonic_ns();
	int r = connect_plain(session, target, err);
	if (r == 0) {
		struct sonde_session_event event = {
			.kind = SONDE_SESSION_CONNECTED,
			.took_ns = session->opened_ns - began_ns,
		};
		session_tell(session, &event);
	}
	if (r == 0 && context)
		r = session_secure(session, context,
				   target->timeout_ns > 0
					   ? clock_after_ns(began_ns, target->timeout_ns)
					   : SOCK_NEVER,
				   err);
	tls_context_free(context);
	return r;
}
