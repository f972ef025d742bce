/* Which services there are. */
#include <sonde/serve.h>

#include "proto/service.h"

size_t sonde_serve_service_count(void)
{
	return service_count;
}

const char *sonde_serve_service_name(size_t i)
{
	return i < service_count ? service_table[i]->name : NULL;
}

const char *sonde_serve_service_summary(size_t i)
{
	return i < service_count ? service_table[i]->summary : NULL;
}

uint16_t sonde_serve_service_port(size_t i)
{
	return i < service_count ? service_table[i]->port : 0;
}
