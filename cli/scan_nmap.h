/* nmap's options, for those who have them in their fingers. */
#ifndef CLI_SCAN_NMAP_H
#define CLI_SCAN_NMAP_H

#include "option.h"

extern const struct foreign_option scan_nmap_options[];

#endif
