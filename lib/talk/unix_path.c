/* Unix addresses: read and written. */
#include "talk/unix_path.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sonde/text.h>

static int refuse(const char *text, const char *reason, const char *hint,
		  struct sonde_error *err)
{
	char storage[160];
	struct sonde_text shown;

	sonde_text_init(&shown, storage, sizeof(storage));
	sonde_text_add_escaped(&shown, text, strlen(text));
	sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, "use Unix address",
			*text ? storage : "\"\"", "%s", reason);
	sonde_error_hint(err, "%s", hint);
	return -EINVAL;
}

int unix_path_parse(const char *text, struct sockaddr_un *ret, socklen_t *ret_length,
		    struct sonde_error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t n = strlen(text);
	bool is_abstract = text[0] == '@';

	if (n == 0 || (is_abstract && n == 1))
		return refuse(text, "it is empty",
			      "give the path of a socket, or @NAME for an abstract one",
			      err);
	/* A path ends with a NUL, which wants room as well; an abstract name begins with
	 * one, in the place of its @. */
	if (n + (is_abstract ? 0 : 1) > sizeof(address.sun_path)) {
		char hint[96];
		snprintf(hint, sizeof(hint),
			 "%zu bytes are the most; a shorter path may lead there from "
			 "another folder",
			 sizeof(address.sun_path) - 1);
		return refuse(text, "it is too long for a Unix socket", hint, err);
	}
	memcpy(address.sun_path, text, n);
	if (is_abstract)
		address.sun_path[0] = '\0';
	*ret = address;
	*ret_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n +
				  (is_abstract ? 0 : 1));
	return 0;
}

void unix_path_format(const struct sockaddr_un *address, socklen_t length, char *ret,
		      size_t capacity)
{
	size_t head = offsetof(struct sockaddr_un, sun_path);
	size_t n = length > head ? length - head : 0;

	if (n > sizeof(address->sun_path))
		n = sizeof(address->sun_path);
	if (n > 0 && address->sun_path[0] != '\0')
		n = strnlen(address->sun_path, n);
	if (n >= capacity)
		n = capacity - 1;
	memcpy(ret, address->sun_path, n);
	ret[n] = '\0';
	if (n > 0 && ret[0] == '\0')
		ret[0] = '@';
}
