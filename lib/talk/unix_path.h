/* Addresses of Unix sockets as a user writes them: a path, or "@NAME" for an abstract one
 * (unix(7)).  In "@NAME", as in a path, every byte stands for itself. */
#ifndef TALK_UNIX_PATH_H
#define TALK_UNIX_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <sonde/error.h>

/* 0 with the address and its length, or -EINVAL with *err, which names the text. */
int unix_path_parse(const char *text, struct sockaddr_un *ret, socklen_t *ret_length,
		    struct sonde_error *err);
/* Back to text; "" for a socket without a name.  Longer than `capacity` is cut. */
void unix_path_format(const struct sockaddr_un *address, socklen_t length, char *ret,
		      size_t capacity);

#endif
