/* The version that the build was told. */
#include <sonde/version.h>

const char *sonde_version(void)
{
	return SONDE_VERSION;
}
