/* The table of services. */
#include "proto/service.h"

#include <errno.h>
#include <string.h>

const struct service *const service_table[] = {
	&service_calc, &service_chargen, &service_daytime, &service_discard,
	&service_echo, &service_qotd,    &service_reverse, &service_rot13,
	&service_tell, &service_time,    &service_upper,
};
const size_t service_count = sizeof(service_table) / sizeof(service_table[0]);

const struct service *service_find(const char *name)
{
	for (size_t i = 0; i < service_count; i++) {
		if (strcmp(service_table[i]->name, name) == 0)
			return service_table[i];
	}
	return NULL;
}

const struct service_option *service_find_option(const struct service *service,
						 const char *name)
{
	for (const struct service_option *option = service->options;
	     option && option->name; option++) {
		if (strcmp(option->name, name) == 0)
			return option;
	}
	return NULL;
}

int service_set(const struct service *service, void *config, const char *name,
		const char *value)
{
	const struct service_option *option = service_find_option(service, name);

	return option ? option->set(config, value) : -ENOENT;
}
