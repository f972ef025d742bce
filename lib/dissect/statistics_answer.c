/* What was counted, sorted as it is shown. */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/limits.h"
#include "dissect/statistics_rows.h"

static int by_size(uint64_t frames_a, uint64_t frames_b, int64_t start_a, int64_t start_b)
{
	if (frames_a != frames_b)
		return frames_a < frames_b ? 1 : -1;
	return (start_a > start_b) - (start_a < start_b);
}

static int compare_conversations(const void *a, const void *b)
{
	const struct sonde_conversation *x = a, *y = b;
	int r = by_size(x->from_a.frames + x->from_b.frames,
			y->from_a.frames + y->from_b.frames, x->start_ns, y->start_ns);

	return r ? r : (x->stream > y->stream) - (x->stream < y->stream);
}

static int compare_endpoints(const void *a, const void *b)
{
	const struct sonde_endpoint_count *x = a, *y = b;
	int r = by_size(x->sent.frames + x->received.frames,
			y->sent.frames + y->received.frames, 0, 0);

	if (r == 0)
		r = memcmp(x->end.ethernet, y->end.ethernet, sizeof(x->end.ethernet));
	if (r == 0)
		r = memcmp(x->end.address.bytes, y->end.address.bytes,
			   sizeof(x->end.address.bytes));
	return r ? r : (int)x->end.address.port - (int)y->end.address.port;
}

static int compare_streams(const void *a, const void *b)
{
	const struct sonde_stream_count *x = a, *y = b;

	if (x->is_tcp != y->is_tcp)
		return x->is_tcp ? -1 : 1;
	return (x->stream > y->stream) - (x->stream < y->stream);
}

/* Room for what is asked for, kept until it is asked again; NULL without memory. */
static void *answer(struct sonde_statistics *s, unsigned place, size_t rows, size_t size)
{
	if (array_reserve(&s->shown[place], &s->shown_capacity[place], rows * size + 1,
			  1) < 0)
		return NULL;
	return s->shown[place];
}

const struct sonde_conversation *
sonde_statistics_conversations(struct sonde_statistics *s,
			       enum sonde_statistics_layer layer, size_t *ret_count)
{
	const struct statistics_table *table = &s->pairs[layer];
	const struct pair_row *rows = (const struct pair_row *)(const void *)table->rows;
	struct sonde_conversation *shown = answer(s, 0, table->row_count, sizeof(*shown));

	*ret_count = shown ? table->row_count : 0;
	for (size_t i = 0; i < *ret_count; i++)
		shown[i] = rows[i].conversation;
	if (*ret_count)
		qsort(shown, *ret_count, sizeof(*shown), compare_conversations);
	return shown;
}

const struct sonde_endpoint_count *
sonde_statistics_endpoints(struct sonde_statistics *s, enum sonde_statistics_layer layer,
			   size_t *ret_count)
{
	const struct statistics_table *table = &s->ends[layer];
	const struct end_row *rows = (const struct end_row *)(const void *)table->rows;
	struct sonde_endpoint_count *shown =
		answer(s, 1, table->row_count, sizeof(*shown));

	*ret_count = shown ? table->row_count : 0;
	for (size_t i = 0; i < *ret_count; i++)
		shown[i] = rows[i].endpoint;
	if (*ret_count)
		qsort(shown, *ret_count, sizeof(*shown), compare_endpoints);
	return shown;
}

const struct sonde_hierarchy_row *sonde_statistics_hierarchy(struct sonde_statistics *s,
							     size_t *ret_count)
{
	const struct path_row *rows =
		(const struct path_row *)(const void *)s->paths.rows;
	uint32_t above[LIMIT_STATISTICS_LAYERS + 1];
	uint32_t at = s->first_path;
	size_t count = 0, depth = 0;

	*ret_count = 0;
	if (array_reserve(&s->rows, &s->row_capacity, s->paths.row_count + 1,
			  sizeof(*s->rows)) < 0)
		return NULL;
	while (at) {
		const struct path_row *row = &rows[at - 1];

		s->rows[count++] =
			(struct sonde_hierarchy_row){.field = (uint16_t)row->key.field,
						     .depth = (uint16_t)depth,
						     .frames = row->frames,
						     .bytes = row->bytes};
		if (row->first_child) {
			above[depth++] = at;
			at = row->first_child;
			continue;
		}
		at = row->next;
		while (!at && depth > 0)
			at = rows[above[--depth] - 1].next;
	}
	*ret_count = count;
	return s->rows;
}

const struct sonde_stream_count *sonde_statistics_streams(struct sonde_statistics *s,
							  size_t *ret_count)
{
	struct sonde_stream_count *shown = answer(s, 2, s->stream_count, sizeof(*shown));

	*ret_count = shown ? s->stream_count : 0;
	if (*ret_count) {
		memcpy(shown, s->streams, *ret_count * sizeof(*shown));
		qsort(shown, *ret_count, sizeof(*shown), compare_streams);
	}
	return shown;
}
