/* Linux's numbers and shapes of sockets, as far as the rooms ask for them: a recording
 * holds arguments of calls that were made there. */
#ifndef LINUX_SYS_SOCKET_H
#define LINUX_SYS_SOCKET_H

#include <stdint.h>

typedef uint16_t sa_family_t;
typedef uint32_t socklen_t;

enum { AF_UNSPEC = 0, AF_UNIX = 1, AF_INET = 2, AF_INET6 = 10 };
enum { SHUT_RD = 0, SHUT_WR = 1, SHUT_RDWR = 2 };

struct sockaddr {
	sa_family_t sa_family;
	char sa_data[14];
};

struct sockaddr_storage {
	sa_family_t ss_family;
	char bytes[126];
};

#endif
