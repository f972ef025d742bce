/* Every statement with its outcome, one a line, in order of time: what can be shown where
 * no packets were captured. */
#include <stdio.h>

#include <sonde/text.h>

#include "canvas.h"
#include "label.h"
#include "render.h"

enum {
	STATEMENTS_SHOWN = 300, /* without --full */
	TIME_COLUMNS = 9,
	TOOK_COLUMNS = 8,
	OUTCOME_COLUMNS = 18,
	GAP_COLUMNS = 2,
	TEXT_CHARS = 512,
};

void render_statements(struct output *output, const struct sonde_timeline *timeline,
		       const struct render_options *options)
{
	uint32_t rows = timeline->statement_count;
	unsigned left = TIME_COLUMNS + GAP_COLUMNS, took, right, width;
	struct canvas canvas;

	if (rows == 0) {
		output_print(output, "The programs made no socket calls.\n\n");
		return;
	}
	if (!options->is_full && rows > STATEMENTS_SHOWN)
		rows = STATEMENTS_SHOWN;
	canvas_init(&canvas, output);
	right = canvas.width - OUTCOME_COLUMNS;
	took = right - GAP_COLUMNS - TOOK_COLUMNS;
	width = took - GAP_COLUMNS - left;
	canvas_text(&canvas, 0, canvas.width, "Socket calls by statement", INK_BOLD);
	canvas_print(&canvas, output);
	canvas_text(&canvas, TIME_COLUMNS - 2, 2, "ms", INK_DIM);
	canvas_text(&canvas, left, width, "statement", INK_DIM);
	canvas_text(&canvas, took, TOOK_COLUMNS, "took", INK_DIM);
	canvas_text(&canvas, right, OUTCOME_COLUMNS, "outcome", INK_DIM);
	canvas_print(&canvas, output);
	for (uint32_t i = 1; i <= rows && !output_is_broken(output); i++) {
		const struct sonde_statement *statement = &timeline->statements[i - 1];
		int64_t since = statement->enter_ns - timeline->recording->started_ns;
		char storage[TEXT_CHARS];
		struct sonde_text text;
		bool is_error;

		snprintf(storage, sizeof(storage), "%*.3f", TIME_COLUMNS,
			 (double)since / 1e6);
		canvas_text(&canvas, 0, TIME_COLUMNS, storage, INK_DIM);
		sonde_text_init(&text, storage, sizeof(storage));
		label_statement(&text, timeline, i);
		canvas_text(&canvas, left, width, storage, INK_PLAIN);
		sonde_text_init(&text, storage, sizeof(storage));
		if (statement->exit_ns)
			sonde_text_add_duration(&text,
						statement->exit_ns - statement->enter_ns);
		canvas_text(&canvas, took, TOOK_COLUMNS, storage, INK_PLAIN);
		sonde_text_init(&text, storage, sizeof(storage));
		is_error = label_outcome(&text, timeline, i);
		canvas_text(&canvas, right, OUTCOME_COLUMNS, storage,
			    is_error ? INK_ERROR : INK_PLAIN);
		canvas_print(&canvas, output);
	}
	if (rows < timeline->statement_count)
		output_print(output, "  %u more rows; --full shows all\n",
			     timeline->statement_count - rows);
	output_print(output, "\n");
}
