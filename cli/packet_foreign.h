/* The options of tshark and tcpdump, for those who have them in their fingers. */
#ifndef CLI_PACKET_FOREIGN_H
#define CLI_PACKET_FOREIGN_H

#include "option.h"

#define PACKET_FOREIGN_OF "tshark or tcpdump"

extern const struct foreign_option read_foreign_options[];
extern const struct foreign_option follow_foreign_options[];
extern const struct foreign_option capture_foreign_options[];

#endif
