/* The word that was probably meant. */
#include <sonde/text.h>

#include <string.h>

#define WORD_CHARS 64 /* longer words are not compared */

static size_t min(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Damerau-Levenshtein distance in its "optimal string alignment" form: insertion,
 * deletion, substitution, and the exchange of two neighbours cost 1 each; three rows of
 * the table are enough.  Neither word is longer than WORD_CHARS. */
static size_t distance_of(const char *a, size_t a_chars, const char *b, size_t b_chars)
{
	size_t rows[3][WORD_CHARS + 1];

	for (size_t j = 0; j <= b_chars; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a_chars; i++) {
		size_t *row = rows[i % 3];
		const size_t *above = rows[(i + 2) % 3];
		const size_t *two_above = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= b_chars; j++) {
			row[j] = min(min(row[j - 1], above[j]) + 1,
				     above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				row[j] = min(row[j], two_above[j - 2] + 1);
		}
	}
	return rows[a_chars % 3][b_chars];
}

const char *sonde_text_nearest(const char *text, const char *const *words, size_t count)
{
	size_t chars = strlen(text);
	size_t best_distance = chars < 6 ? 1 : chars / 3;
	const char *best = NULL;

	if (chars == 0 || chars > WORD_CHARS)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		size_t word_chars = strlen(words[i]), distance;

		if (word_chars > WORD_CHARS)
			continue;
		distance = distance_of(text, chars, words[i], word_chars);
		if (best ? distance < best_distance : distance <= best_distance) {
			best_distance = distance;
			best = words[i];
		}
	}
	return best;
}
