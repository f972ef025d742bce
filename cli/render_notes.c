/* The notes of a recording, on standard error. */
#include "message.h"
#include "render.h"

void render_notes(const struct output *output, const struct sonde_recording *recording)
{
	for (uint32_t i = 0; i < recording->note_count; i++) {
		const struct sonde_note *note = &recording->notes[i];

		/* -q leaves the errors. */
		if (output->verbosity < 0 && note->severity < SONDE_ERROR)
			continue;
		message_say("%s: %s", render_severity(note->severity), note->text);
		if (note->hint)
			message_hint("%s", note->hint);
	}
}
