/* The page, as web/ makes it: what stands before the capture in it, and behind. */
#ifndef CLI_PAGE_PARTS_H
#define CLI_PAGE_PARTS_H

#include <stddef.h>

/* Sizes 0: this build has no page. */
extern const unsigned char page_head[], page_tail[];
extern const size_t page_head_size, page_tail_size;

#endif
