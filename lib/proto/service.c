/* The table of services. */
#include "proto/service.h"

#include <errno.h>
#include <string.h>

const struct service *const service_table[] = {
	&service_calc,
	&service_echo,
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

int service_set(const struct service *service, void *config, const char *name,
		const char *value)
{
	for (const struct service_option *option = service->options;
	     option && option->name; option++) {
		if (strcmp(option->name, name) == 0)
			return option->set(config, value);
	}
	return -ENOENT;
}
