/* Ports that are taken for each other. */
#include "base/port_slip.h"

#include <stdio.h>
#include <string.h>

bool port_is_swapped(uint16_t a, uint16_t b)
{
	return a != b && a == (uint16_t)(b << 8 | b >> 8);
}

bool port_is_slip(uint16_t a, uint16_t b)
{
	char shorter[8], longer[8];
	size_t n, same = 0;

	snprintf(shorter, sizeof(shorter), "%u", (unsigned)(a < b ? a : b));
	snprintf(longer, sizeof(longer), "%u", (unsigned)(a < b ? b : a));
	n = strlen(shorter);
	while (same < n && shorter[same] == longer[same])
		same++;
	if (strlen(longer) == n + 1)
		return strcmp(shorter + same, longer + same + 1) == 0;
	if (strlen(longer) != n || same == n)
		return false;
	if (strcmp(shorter + same + 1, longer + same + 1) == 0)
		return true;
	return same + 1 < n && shorter[same] == longer[same + 1] &&
	       shorter[same + 1] == longer[same] &&
	       strcmp(shorter + same + 2, longer + same + 2) == 0;
}
