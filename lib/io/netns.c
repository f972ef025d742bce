/* A network namespace for the calling process.
 *
 * A user namespace is the way for ordinary users; who may do without stays outside of
 * one, because inside it files and ids of other users look foreign, and a program would
 * not behave as it does elsewhere. */
#include "io/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int error = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		error = -errno;
	close(fd);
	return error;
}

/* The user and the group are mapped to themselves, and to nobody else. */
static int map_ids(uid_t uid, gid_t gid)
{
	char map[64];
	int error;

	/* Without it an ordinary user may not map a group. */
	error = write_file("/proc/self/setgroups", "deny");
	if (error < 0 && error != -ENOENT)
		return error;
	snprintf(map, sizeof(map), "%u %u 1", uid, uid);
	error = write_file("/proc/self/uid_map", map);
	if (error < 0)
		return error;
	snprintf(map, sizeof(map), "%u %u 1", gid, gid);
	return write_file("/proc/self/gid_map", map);
}

static int bring_up_loopback(void)
{
	struct ifreq request = {.ifr_name = "lo"};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int error = 0;

	if (fd < 0)
		return -errno;
	if (ioctl(fd, SIOCGIFFLAGS, &request) < 0) {
		error = -errno;
	} else {
		request.ifr_flags = (short)(request.ifr_flags | IFF_UP);
		if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
			error = -errno;
	}
	close(fd);
	return error;
}

/* Of an unshare(); kind is "user" or "network". */
static int fail_namespace(struct sonde_error *err, int error, const char *kind,
			  const char *hint)
{
	/* ENOSPC, too, and its own sentence speaks of a disk. */
	bool is_limit = error == -ENOSPC || error == -EUSERS;
	char subject[32];

	snprintf(subject, sizeof(subject), "%s namespace", kind);
	sonde_error_set(err, SONDE_ERROR_PERMISSION, error, "isolate", subject,
			is_limit ? "too many %s namespaces, or none allowed (%s)" : NULL,
			kind, sonde_error_name(-error));
	sonde_error_hint(err, "%s", hint);
	return error;
}

static int enter_user_namespace(struct sonde_error *err)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int error;

	if (unshare(CLONE_NEWUSER) < 0)
		return fail_namespace(
			err, -errno, "user",
			"allow them (sysctl user.max_user_namespaces=1000 and, where it "
			"exists, kernel.unprivileged_userns_clone=1), run sonde as root, "
			"or leave out --isolate");
	error = map_ids(uid, gid);
	if (error < 0) {
		sonde_error_set(err, SONDE_ERROR_PERMISSION, error, "isolate",
				"id map of the user namespace", NULL);
		sonde_error_hint(err, "run sonde as root, or leave out --isolate");
	}
	return error;
}

int netns_isolate(struct sonde_error *err)
{
	int error = unshare(CLONE_NEWNET) < 0 ? -errno : 0;

	if (error == -EPERM) {
		error = enter_user_namespace(err);
		if (error < 0)
			return error;
		error = unshare(CLONE_NEWNET) < 0 ? -errno : 0;
	}
	if (error < 0)
		return fail_namespace(err, error, "network",
				      "allow them (sysctl user.max_net_namespaces=1000), "
				      "or leave out --isolate");
	error = bring_up_loopback();
	if (error < 0) {
		sonde_error_set(err, SONDE_ERROR_PERMISSION, error, "isolate",
				"loopback interface", NULL);
		sonde_error_hint(
			err,
			"the system limits what user namespaces may do (AppArmor: "
			"sysctl kernel.apparmor_restrict_unprivileged_userns=0); run "
			"sonde as root, or leave out --isolate");
	}
	return error;
}
