/* One line of a drawing: cells, each as wide as a column, that text and signs are put
 * into.  Widths are wcwidth(3)'s; text is what programs and the network said, so control
 * characters are shown escaped.  Where the locale is not UTF-8 everything is ASCII. */
#ifndef CLI_CANVAS_H
#define CLI_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "output.h"

enum ink { INK_PLAIN = 0, INK_DIM, INK_BOLD, INK_CLIENT, INK_SERVER, INK_ERROR };

enum { CANVAS_COLUMNS = 200, CANVAS_MARKS = 3 };

struct canvas_cell {
	uint32_t codes[CANVAS_MARKS]; /* a character and what combines with it; 0 ends */
	uint8_t ink;
	bool is_tail; /* the second column of a wide character */
};

struct canvas {
	struct canvas_cell cells[CANVAS_COLUMNS];
	unsigned width;
	bool has_utf8;
};

void canvas_init(struct canvas *canvas, const struct output *output);
/* One sign: `sign` in UTF-8, `plain` where that cannot be shown. */
void canvas_sign(struct canvas *canvas, unsigned column, const char *sign, char plain,
		 enum ink ink);
/* Text in columns [column, column + width), cut with an ellipsis.  Returns the columns
 * used. */
unsigned canvas_text(struct canvas *canvas, unsigned column, unsigned width,
		     const char *text, enum ink ink);
/* The columns that the text needs. */
unsigned canvas_measure(const struct canvas *canvas, const char *text);
/* The bytes of the text that fit into width columns; it breaks at a good place. */
size_t canvas_break(const struct canvas *canvas, const char *text, unsigned width);
/* Prints the line without the spaces at its end, and clears it. */
void canvas_print(struct canvas *canvas, struct output *output);
/* Text over as many lines as it needs, all of them indented. */
void canvas_wrap(struct output *output, unsigned indent, const char *text, enum ink ink);

#endif
