/* Data: where it goes, how wide and how coloured, and whether it arrived. */
#include <errno.h>
#include <langinfo.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <sonde/text.h>
#include <sonde/version.h>

#include "output.h"

enum { WIDTH_DEFAULT = 80, WIDTH_LEAST = 60, WIDTH_MOST = 200 };

static void look_at_file(struct output *output)
{
	const char *no_color = getenv("NO_COLOR");
	struct winsize size;
	bool is_terminal = isatty(fileno(output->file)) == 1;

	output->is_terminal = is_terminal;
	output->width = WIDTH_DEFAULT;
	if (is_terminal && ioctl(fileno(output->file), TIOCGWINSZ, &size) == 0 &&
	    size.ws_col > 0) {
		output->width = size.ws_col;
		if (output->width < WIDTH_LEAST)
			output->width = WIDTH_LEAST;
		if (output->width > WIDTH_MOST)
			output->width = WIDTH_MOST;
	}

	output->has_color = false;
	if (output->color_choice == COLOR_ALWAYS)
		output->has_color = true;
	else if (output->color_choice == COLOR_AUTO)
		output->has_color = is_terminal && (!no_color || no_color[0] == '\0');
}

void output_init(struct output *output, enum color_choice color)
{
	memset(output, 0, sizeof(*output));
	output->file = stdout;
	output->name = "standard output";
	output->color_choice = color;
	output->has_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	sonde_json_init(&output->json);
	look_at_file(output);
}

int output_open(struct output *output, const char *path)
{
	FILE *file;

	if (strcmp(path, "-") == 0) /* as it began */
		return 0;
	file = fopen(path, "we");
	if (!file)
		return -errno;
	output->file = file;
	output->name = path;
	look_at_file(output);
	return 0;
}

int output_finish(struct output *output, struct sonde_error *err)
{
	if (!output->file)
		return 0;
	if (fflush(output->file) != 0 && !output->error)
		output->error = errno;
	/* A file system may tell only now that there is no room. */
	if (fclose(output->file) != 0 && !output->error)
		output->error = errno;
	output->file = NULL;
	sonde_json_done(&output->json);
	if (!output->error || output->error == EPIPE)
		return 0;
	sonde_error_set(err, SONDE_ERROR_TROUBLE, -output->error, "write", output->name,
			NULL);
	sonde_error_hint(err, "the output is not complete");
	return -output->error;
}

void output_print(struct output *output, const char *format, ...)
{
	va_list arguments;

	if (output->error)
		return;
	va_start(arguments, format);
	if (vfprintf(output->file, format, arguments) < 0)
		output->error = errno;
	va_end(arguments);
}

void output_bytes(struct output *output, const void *bytes, size_t n)
{
	if (output->error)
		return;
	if (n > 0 && fwrite(bytes, 1, n, output->file) != n)
		output->error = errno;
}

void output_flush(struct output *output)
{
	if (!output->error && fflush(output->file) != 0)
		output->error = errno;
}

bool output_is_broken(const struct output *output)
{
	return output->error != 0;
}

void output_json_start(struct output *output, int64_t epoch_ns)
{
	struct sonde_json *json = output_event_begin(output, "start");
	char digits[24];

	output->epoch_ns = epoch_ns;
	sonde_json_add_string(json, "sonde", sonde_version());
	sonde_json_add_int(json, "schema", SONDE_SCHEMA);
	/* A string: it passes 2^53, which many readers of JSON cannot hold. */
	snprintf(digits, sizeof(digits), "%lld", (long long)epoch_ns);
	sonde_json_add_string(json, "epoch_ns", digits);
	output_event_end(output);
}

struct sonde_json *output_event_begin(struct output *output, const char *name)
{
	sonde_json_reset(&output->json);
	sonde_json_object_begin(&output->json);
	sonde_json_add_string(&output->json, "event", name);
	return &output->json;
}

void output_event_end(struct output *output)
{
	sonde_json_object_end(&output->json);
	sonde_json_line(&output->json);
	if (sonde_json_error(&output->json)) {
		if (!output->error)
			output->error = -sonde_json_error(&output->json);
		return;
	}
	output_bytes(output, output->json.chars, output->json.used);
}

void output_event_time(struct output *output, const char *key, int64_t at_ns)
{
	sonde_json_add_int(&output->json, key, at_ns - output->epoch_ns);
}

void output_event_address(struct output *output, const struct sonde_address *address)
{
	char host[SONDE_ADDRESS_CHARS];

	sonde_address_format_host(address, host);
	sonde_json_add_string(&output->json, "address", host);
	sonde_json_add_int(&output->json, "port", address->port);
}

void output_event_endpoint(struct output *output, const char *key,
			   const struct sonde_address *address, const char *text)
{
	struct sonde_json *json = &output->json;

	if (!text[0])
		return;
	sonde_json_key(json, key);
	sonde_json_object_begin(json);
	if (address->family == SONDE_FAMILY_INET || address->family == SONDE_FAMILY_INET6)
		output_event_address(output, address);
	else
		sonde_json_add_string(json, "path", text);
	sonde_json_object_end(json);
}

void output_event_text(struct output *output, const void *bytes, size_t n)
{
	struct sonde_json *json = &output->json;

	sonde_json_key(json, "text");
	sonde_json_string_n(json, bytes, n);
	if (sonde_text_is_utf8(bytes, n))
		return;
	sonde_json_key(json, "base64");
	sonde_json_base64(json, bytes, n);
}
