/* The events of a ladder in an order in which nothing comes before its cause, and the rows
 * that are made of them.
 *
 * Rows are sorted by time; at one time a statement begins before a packet, and a packet
 * comes before the end of a statement.  A statement that begins a little later than the
 * packet that it sent (the clocks of tracer and capture differ by less than the margin)
 * is moved before it. */
#include "timeline/ladder_build.h"

#include <errno.h>

#include "base/array.h"
#include "base/sort.h"
#include "timeline/moment.h"

static int rank(const struct sonde_ladder_row *row)
{
	switch (row->kind) {
	case SONDE_LADDER_BEGIN:
	case SONDE_LADDER_WHOLE:
		return 0;
	case SONDE_LADDER_PACKET:
	case SONDE_LADDER_PASS:
		return 1;
	default:
		return 2;
	}
}

static int by_cause(const void *left, const void *right, void *context)
{
	const struct ladder_event *a = *(const struct ladder_event *const *)left;
	const struct ladder_event *b = *(const struct ladder_event *const *)right;

	(void)context;
	if (a->key_ns != b->key_ns)
		return a->key_ns < b->key_ns ? -1 : 1;
	if (rank(&a->row) != rank(&b->row))
		return rank(&a->row) - rank(&b->row);
	if (a->row.packet != b->row.packet)
		return a->row.packet < b->row.packet ? -1 : 1;
	if (a->row.edge != b->row.edge)
		return a->row.edge < b->row.edge ? -1 : 1;
	if (a->row.statement != b->row.statement)
		return a->row.statement < b->row.statement ? -1 : 1;
	return (int)a->row.kind - (int)b->row.kind;
}

int ladder_sort(struct ladder_builder *builder)
{
	builder->order = array_new(builder->event_count + 1, sizeof(*builder->order));
	if (!builder->order)
		return -ENOMEM;
	for (size_t i = 0; i < builder->event_count; i++)
		builder->order[i] = &builder->events[i];
	return sort_nearly(builder->order, builder->event_count, sizeof(*builder->order),
			   by_cause, NULL);
}

/* Rows for idle times that are folded; at most one before each event. */
static size_t count_gaps(const struct ladder_builder *builder, int64_t fold_ns)
{
	size_t count = 0;

	for (size_t i = 1; fold_ns > 0 && i < builder->event_count; i++)
		count += moment_minus(builder->order[i]->row.at_ns,
				      builder->order[i - 1]->row.at_ns) > fold_ns;
	return count;
}

/* Joins begin and end where nothing stands between them, and folds idle times. */
int ladder_write_rows(const struct ladder_builder *builder, struct sonde_ladder *ladder)
{
	const struct sonde_timeline *timeline = builder->timeline;
	int64_t fold_ns = builder->options->fold_gap_ns;
	int64_t last_ns = 0;

	ladder->rows = array_new(builder->event_count + count_gaps(builder, fold_ns) + 1,
				 sizeof(*ladder->rows));
	if (!ladder->rows)
		return -ENOMEM;
	for (size_t i = 0; i < builder->event_count; i++) {
		struct sonde_ladder_row row = builder->order[i]->row;
		bool is_last = i + 1 == builder->event_count;
		const struct sonde_ladder_row *next =
			&builder->order[is_last ? i : i + 1]->row;

		if (row.kind == SONDE_LADDER_PACKET && !is_last &&
		    next->packet == row.packet)
			continue;
		if (i && fold_ns > 0 && moment_minus(row.at_ns, last_ns) > fold_ns)
			ladder->rows[ladder->row_count++] = (struct sonde_ladder_row){
				.kind = SONDE_LADDER_GAP,
				.at_ns = last_ns,
				.gap_ns = moment_minus(row.at_ns, last_ns)};
		if (row.kind == SONDE_LADDER_BEGIN && !is_last &&
		    next->kind == SONDE_LADDER_END && next->statement == row.statement) {
			row.kind = SONDE_LADDER_WHOLE;
			i++;
		}
		if (!ladder->row_count || row.at_ns > last_ns)
			last_ns = row.at_ns;
		if (row.kind == SONDE_LADDER_WHOLE &&
		    timeline->statements[row.statement - 1].exit_ns > last_ns)
			last_ns = timeline->statements[row.statement - 1].exit_ns;
		ladder->rows[ladder->row_count++] = row;
	}
	return 0;
}
