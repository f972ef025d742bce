/* Which bytes a match may begin with: all others are passed over in a glance. */
#include <string.h>

#include "pattern_group.h"

enum { LOOKS = 256 }; /* steps looked at; then any byte may be */

struct look {
	const struct pattern *pattern;
	struct pattern_set *first;
	unsigned left;
};

/* false: it may begin anywhere. */
static bool look(struct look *look_at, uint32_t at)
{
	for (;;) {
		const struct pattern_step *step = &look_at->pattern->steps[at];

		if (look_at->left-- == 0)
			return false;
		switch ((enum pattern_op)step->op) {
		case PATTERN_REPEAT:
		case PATTERN_BYTES:
			for (unsigned i = 0; i < 8; i++)
				look_at->first->bits[i] |=
					look_at->pattern->sets[step->a].bits[i];
			if (step->op == PATTERN_BYTES || step->b > 0)
				return true;
			at++;
			break;
		case PATTERN_SPLIT:
			if (!look(look_at, at + step->a))
				return false;
			at += step->b;
			break;
		case PATTERN_JUMP:
			at += step->a;
			break;
		case PATTERN_SAVE:
		case PATTERN_HOLD:
		case PATTERN_CUT:
			at++;
			break;
		case PATTERN_NEVER:
			return true;
		default:
			return false;
		}
		if (look_at->left > LOOKS)
			return false;
	}
}

void pattern_find_first(struct pattern *pattern)
{
	struct pattern_set first = {0};
	struct look it = {.pattern = pattern, .first = &first, .left = LOOKS};

	pattern->has_first = look(&it, 0);
	pattern->first = first;
	pattern->is_anchored = pattern->steps[0].op == PATTERN_PLACE &&
			       pattern->steps[0].how == PLACE_START;
}
