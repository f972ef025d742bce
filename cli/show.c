/* Which renderings were asked for, one after the other. */
#include "show.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "message.h"
#include "page_write.h"

static int show_text(struct output *output, const struct shown *what,
		     const struct render_options *how)
{
	const struct sonde_timeline *timeline = what->timeline;
	int r = 0;

	if (what->accounts)
		render_accounts(output, timeline, what->accounts, how);
	/* Ladders of Unix sockets and pipes do not show what the other sockets did. */
	if (timeline->recording->packet_count == 0 && !what->accounts)
		render_statements(output, timeline, how);
	if (timeline->stream_count > 0)
		r = render_ladders(output, timeline, how);
	if (r == 0 && (timeline->recording->call_count || !what->accounts))
		r = render_tables(output, timeline, how);
	if (r == 0) {
		render_findings(output, timeline, what->findings, how);
		if (!how->stream)
			render_summary(output, timeline);
	}
	return r;
}

static int show_svg(const char *path, const struct shown *what,
		    const struct render_options *how, struct sonde_error *err)
{
	struct output output;
	int r;

	output_init(&output, COLOR_NEVER);
	r = output_open(&output, path);
	if (r < 0)
		return sonde_error_set(err, SONDE_ERROR_TROUBLE, r, "open", path, NULL);
	output.has_utf8 = true;
	if (render_svg(&output, what->timeline, how) < 0)
		r = sonde_error_set(err, SONDE_ERROR_TROUBLE, -ENOMEM, "draw", path,
				    NULL);
	if (r < 0)
		output_finish(&output, NULL);
	else
		r = output_finish(&output, err);
	return r;
}

/* Standard output has the text, or the JSON. */
static int refuse_dash(const struct command *command, const struct arguments *arguments,
		       const char *option, struct sonde_error *err)
{
	const char *path = arguments_text(arguments, option, NULL);

	if (!path || strcmp(path, "-") != 0)
		return 0;
	sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, command->name, "-",
			"--%s writes a file, and standard output is for the text",
			option);
	sonde_error_hint(err, "--%s /dev/stdout -o /dev/null", option);
	return -EINVAL;
}

int show_check(const struct command *command, const struct arguments *arguments,
	       struct sonde_error *err)
{
	if (refuse_dash(command, arguments, "html", err) < 0 ||
	    refuse_dash(command, arguments, "svg", err) < 0 ||
	    (arguments_has(arguments, "html") && page_check(command->name, err) < 0) ||
	    arguments_refuse_both(arguments, command->name, "text", "json", err) < 0 ||
	    arguments_refuse_both(arguments, command->name, "text", "markdown", err) <
		    0 ||
	    arguments_refuse_both(arguments, command->name, "markdown", "json", err) <
		    0 ||
	    (!arguments_has(arguments, "svg") &&
	     arguments_refuse_both(arguments, command->name, "full", "json", err) < 0))
		return -EINVAL;
	return 0;
}

/* What the page says is masked, what it holds cannot be: that is the capture. */
static int write_page(const struct output *output, const char *path,
		      const struct shown *what, const struct arguments *arguments,
		      struct sonde_error *err)
{
	const struct page_data data = {
		.capture = what->capture,
		.name = what->name ? what->name : what->capture,
		.stream = what->stream,
		.shows_secrets = arguments_has(arguments, "show-secrets"),
	};
	int r = page_write(path, &data, err);

	if (r >= 0 && sonde_recording_has_secrets(what->timeline->recording))
		message_note(output,
			     "note: %s holds the capture, with the passwords in it",
			     path);
	return r;
}

/* What is there stays as it is, and nothing is left behind. */
static int probe(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0600);
	struct stat status;

	if (fd >= 0) {
		close(fd);
		return unlink(path) < 0 ? -errno : 0;
	}
	if (errno != EEXIST)
		return -errno;
	/* Opening a pipe would be noticed by its reader. */
	if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
		return -EISDIR;
	/* A link to what is not there yet can be written. */
	return access(path, W_OK) < 0 && errno != ENOENT ? -errno : 0;
}

int show_probe(const struct arguments *arguments, struct sonde_error *err)
{
	static const char *const names[] = {"svg", "html"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *path = arguments_text(arguments, names[i], NULL);
		int r = path ? probe(path) : 0;

		if (r < 0)
			return sonde_error_set(err, SONDE_ERROR_TROUBLE, r, "open", path,
					       NULL);
	}
	return 0;
}

int show_all(struct output *output, const struct shown *what,
	     const struct arguments *arguments, struct sonde_error *err)
{
	const char *svg = arguments_text(arguments, "svg", NULL);
	const char *html = arguments_text(arguments, "html", NULL);
	const struct render_options how = {.is_full = arguments_has(arguments, "full"),
					   .stream = what->stream};
	int r;

	if (output->has_json)
		r = render_trace_json(output, what->timeline, what->findings,
				      what->accounts, &how);
	else if (arguments_has(arguments, "markdown"))
		r = render_markdown(output, what->timeline, what->findings,
				    what->accounts, &how);
	else
		r = show_text(output, what, &how);
	if (r < 0)
		return sonde_error_set(err, SONDE_ERROR_TROUBLE, -ENOMEM, "show",
				       "the recording", NULL);
	if (svg)
		r = show_svg(svg, what, &how, err);
	if (r >= 0 && html && what->capture)
		r = write_page(output, html, what, arguments, err);
	return r;
}
