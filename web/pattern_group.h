/* What a pattern's program is made of, and the pieces that it is made from. */
#ifndef WEB_PATTERN_GROUP_H
#define WEB_PATTERN_GROUP_H

#include "pattern_part.h"

/* pattern_parse.c */
uint32_t pattern_end(const struct pattern_reader *reader); /* where the next step comes */
void pattern_emit(struct pattern_reader *reader, struct pattern_step step);
void pattern_insert(struct pattern_reader *reader, uint32_t at, struct pattern_step step);
void pattern_emit_set(struct pattern_reader *reader, const struct pattern_set *set);
uint32_t pattern_new_register(struct pattern_reader *reader);
/* Whether {2}, {2,} or {2,3} is what follows. */
bool pattern_is_counted(const struct pattern_reader *reader);
void pattern_skip_blanks(struct pattern_reader *reader);
/* Up to the bracket that ends them, or the end; is_behind: each begins by going back. */
struct pattern_width pattern_read_alternatives(struct pattern_reader *reader,
					       bool is_behind);

/* pattern_group.c: one piece: a byte, a class, a place, a group.  Whether it may be
 * repeated. */
bool pattern_read_piece(struct pattern_reader *reader, struct pattern_width *ret);

/* pattern_first.c: which bytes a match may begin with. */
void pattern_find_first(struct pattern *pattern);

#endif
