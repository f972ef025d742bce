/* Instead of the page, where the build was told to leave it out (-Dpage=disabled). */
#include "page_parts.h"

const unsigned char page_head[1] = {0}, page_tail[1] = {0};
const size_t page_head_size = 0, page_tail_size = 0;
