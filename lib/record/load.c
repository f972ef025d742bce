/* A capture file, frame by frame, through the loader. */
#include <sonde/recording_file.h>

#include <errno.h>
#include <stdio.h>

#include <sonde/capture_file.h>

static int no_memory(const char *path, struct sonde_error *err)
{
	return sonde_error_set(err, SONDE_ERROR_TROUBLE, -ENOMEM, "load", path, NULL);
}

/* What the file says of itself, once it has been read. */
static int note_facts(const struct sonde_capture_reader *reader,
		      struct sonde_recording *recording)
{
	struct sonde_capture_facts facts;
	char text[120];

	sonde_capture_reader_facts(reader, &facts);
	/* What a run says of itself is in the statistics of its file, too. */
	if (recording->drops_unknown && facts.has_dropped) {
		recording->drops_unknown = false;
		recording->packets_dropped += facts.dropped;
	}
	if (!facts.is_cut)
		return 0;
	snprintf(
		text, sizeof(text),
		"the file ends within a packet, at byte %llu: what is before it is shown",
		(unsigned long long)facts.cut_at);
	return sonde_recording_add_note(recording, SONDE_WARNING, text, NULL) == -ENOMEM
		       ? -ENOMEM
		       : 0;
}

static int load_frames(struct sonde_capture_reader *reader, const char *path,
		       const struct sonde_frame_witness *witness,
		       struct sonde_loader *loader, struct sonde_error *err)
{
	struct sonde_frame frame;
	int r;

	while ((r = sonde_capture_reader_next(reader, &frame, err)) > 0 || r == -EINTR) {
		if (r == -EINTR)
			continue;
		r = sonde_loader_add(loader, &frame);
		if (r >= 0 && witness)
			r = witness->see(witness->context, &frame);
		if (r < 0)
			return no_memory(path, err);
	}
	return r;
}

int sonde_recording_load(const char *path, const struct sonde_frame_witness *witness,
			 struct sonde_recording **ret, struct sonde_error *err)
{
	struct sonde_capture_reader *reader = NULL;
	struct sonde_loader *loader = NULL;
	struct sonde_recording *recording = NULL;
	int r = sonde_capture_reader_open(path, &reader, err);

	if (r < 0)
		return r;
	r = sonde_loader_new(&loader);
	if (r < 0)
		no_memory(path, err);
	else
		r = load_frames(reader, path, witness, loader, err);
	if (r < 0)
		goto out;
	r = sonde_loader_finish(loader, &recording);
	if (r >= 0)
		r = note_facts(reader, recording);
	if (r < 0) {
		no_memory(path, err);
		sonde_recording_free(recording);
		goto out;
	}
	*ret = recording;
out:
	sonde_loader_free(loader);
	sonde_capture_reader_close(reader);
	return r;
}
