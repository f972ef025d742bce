/* Names of ports, from the system's /etc/services. */
#ifndef IO_SERVICE_NAME_H
#define IO_SERVICE_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SERVICE_NAME_CHARS 64

/* The port that the name has, of TCP where UDP has another one.  0, or -ENOENT. */
int service_name_lookup(const char *name, uint16_t *ret);
/* The name that was probably meant.  Returns its length; 0 where none is near, -ENOENT
 * where the system has no list at all. */
int service_name_nearest(const char *name, char ret[SERVICE_NAME_CHARS]);
/* Calls visit() for each port of the list, with its first name.  0, or -ENOENT. */
int service_name_each(void (*visit)(void *context, const char *name, uint16_t port,
				    bool udp),
		      void *context);

#endif
