/* The rights that a capture takes, and those that it gives up. */
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#include <sonde/capture.h>
#include <sonde/sandbox.h>
#include <sonde/text.h>

#include "capture_rights.h"
#include "message.h"

enum { NOBODY = 65534 };

/* Whom sudo was called by; nobody where it was not. */
static void find_user(uid_t *ret_uid, gid_t *ret_gid)
{
	const char *uid_text = getenv("SUDO_UID"), *gid_text = getenv("SUDO_GID");
	long long uid, gid;

	*ret_uid = *ret_gid = NOBODY;
	if (geteuid() == 0 && getuid() != 0) {
		*ret_uid = getuid();
		*ret_gid = getgid();
	} else if (uid_text && gid_text &&
		   sonde_text_parse_int(uid_text, 1, INT32_MAX, &uid) == 0 &&
		   sonde_text_parse_int(gid_text, 1, INT32_MAX, &gid) == 0) {
		*ret_uid = (uid_t)uid;
		*ret_gid = (gid_t)gid;
	}
}

int capture_rights_give_up(const struct output *output, struct sonde_error *err)
{
	struct sonde_sandbox sandbox;
	uid_t uid;
	gid_t gid;
	int r;

	find_user(&uid, &gid);
	r = sonde_sandbox_enter_as(SONDE_SANDBOX_CAPTURE, uid, gid, &sandbox, err);
	if (r < 0)
		return r;
	if (sandbox.is_nobody)
		message_detail(output, "sandbox: runs as user %u from here on",
			       (unsigned)uid);
	if (sandbox.why_root)
		message_detail(output,
			       "sandbox: stays root, without its capabilities: %s",
			       sandbox.why_root);
	if (sandbox.is_filtered)
		message_detail(output, "sandbox: can open no file, start no program");
	else
		message_note(output, "sandbox: system calls are not filtered: %s",
			     sandbox.why_opened);
	return 0;
}

int capture_rights_isolate(const struct output *output, bool has_programs,
			   struct sonde_error *err)
{
	bool is_root = geteuid() == 0;
	int r = sonde_capture_isolate(err);

	if (r == 0 && !has_programs)
		message_note(output,
			     "isolated: programs get in with nsenter -t %d %s-n COMMAND",
			     (int)getpid(), is_root ? "" : "-U --preserve-credentials ");
	return r;
}
