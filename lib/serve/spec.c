/* Reading a SPEC, and saying what is wrong with one. */
#include "serve/spec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sonde/text.h>

#include "base/array.h"
#include "base/limits.h"

enum { SPEC_CHARS = 1024 };

static int refuse(struct sonde_error *err, const char *subject, const char *reason)
{
	char shown[160];
	struct sonde_text text;

	sonde_text_init(&text, shown, sizeof(shown));
	sonde_text_add_escaped(&text, subject, strlen(subject));
	return sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, "serve",
			       *shown ? shown : "\"\"", "%s", reason);
}

static int refuse_service(const char *name, struct sonde_error *err)
{
	const char *words[LIMIT_SERVICES];
	char list[192];
	struct sonde_text text;

	sonde_text_init(&text, list, sizeof(list));
	for (size_t i = 0; i < service_count; i++) {
		words[i] = service_table[i]->name;
		sonde_text_add(&text, "%s%s", i > 0 ? ", " : "", words[i]);
	}
	refuse(err, name, "no such service");
	const char *nearest = sonde_text_nearest(name, words, service_count);
	if (nearest)
		sonde_error_hint(err, "did you mean %s?", nearest);
	else
		sonde_error_hint(err, "the services are %s", list);
	return -EINVAL;
}

/* How to write the option of this name, or all there are. */
static void hint_at_options(const struct service *service, const char *name,
			    struct sonde_error *err)
{
	char storage[256];
	struct sonde_text text;

	sonde_text_init(&text, storage, sizeof(storage));
	for (const struct service_option *option = service->options;
	     option && option->name; option++) {
		if (!name || strcmp(option->name, name) == 0)
			sonde_text_add(&text, "%s%s,%s=%s", text.used ? " or " : "write ",
				       service->name, option->name, option->values);
	}
	if (!name && service->has_answers)
		sonde_text_add(&text, "%s%s,once", text.used ? " or " : "write ",
			       service->name);
	if (text.used == 0)
		sonde_text_add(&text, "the service %s has no options", service->name);
	sonde_error_hint(err, "%s", storage);
}

static int refuse_option(const struct service *service, const char *name,
			 const char *value, int error, struct sonde_error *err)
{
	char subject[160];
	struct sonde_text text;

	sonde_text_init(&text, subject, sizeof(subject));
	sonde_text_add_escaped(&text, name, strlen(name));
	if (error == -EINVAL) {
		sonde_text_add(&text, "=");
		sonde_text_add_escaped(&text, value, strlen(value));
	}
	sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, "serve", service->name,
			error == -EINVAL ? "it does not take %s" : "it has no option %s",
			subject);
	hint_at_options(service, error == -EINVAL ? name : NULL, err);
	return -EINVAL;
}

/* Cuts the text at the next comma that stands alone; two of them become one.  Returns
 * what follows the comma, or NULL. */
static char *cut_at_comma(char *text)
{
	char *to = text;

	for (char *from = text; *from; from++) {
		if (*from == ',') {
			if (from[1] != ',') {
				*to = '\0';
				return from + 1;
			}
			from++;
		}
		*to++ = *from;
	}
	*to = '\0';
	return NULL;
}

/* The second one would silently win. */
static int refuse_twice(const struct serve_spec *spec, const char *name,
			struct sonde_error *err)
{
	return sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, "serve",
			       spec->service->name, "the option %s stands there twice",
			       name);
}

static int parse_once(struct serve_spec *spec, struct sonde_error *err)
{
	if (spec->once)
		return refuse_twice(spec, "once", err);
	if (!spec->service->has_answers)
		return refuse_option(spec->service, "once", "", -ENOENT, err);
	if (!(spec->transports & SERVICE_TCP))
		return sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, "serve",
				       spec->service->name,
				       "once closes a connection, and UDP has none");
	spec->once = true;
	return 0;
}

static int parse_option(const char *name, const char *value, struct serve_spec *spec,
			struct sonde_error *err)
{
	const struct service_option *option = service_find_option(spec->service, name);

	if (!option && strcmp(name, "once") == 0 && spec->service->has_answers) {
		sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, "serve",
				spec->service->name, "once takes no value");
		sonde_error_hint(err, "write %s,once", spec->service->name);
		return -EINVAL;
	}
	if (!option)
		return refuse_option(spec->service, name, value, -ENOENT, err);
	uint32_t bit = UINT32_C(1) << (option - spec->service->options);
	if (spec->given & bit)
		return refuse_twice(spec, option->name, err);
	spec->given |= bit;
	if (option->names_file && !*value) {
		sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, "serve",
				spec->service->name, "%s has no file name", name);
		hint_at_options(spec->service, name, err);
		return -EINVAL;
	}
	if (option->names_file) {
		spec->file_option = option;
		spec->file_name = strdup(value);
		return spec->file_name
			       ? 0
			       : sonde_error_set(err, SONDE_ERROR_TROUBLE, -ENOMEM,
						 "serve", spec->service->name, NULL);
	}
	int r = option->set(spec->config, value);
	return r < 0 ? refuse_option(spec->service, name, value, r, err) : 0;
}

/* A word without a value, or nothing at all. */
static int refuse_word(const struct service *service, const char *name,
		       struct sonde_error *err)
{
	static const char *const words[] = {"once"};

	if (sonde_text_nearest(name, words, 1)) {
		refuse(err, name, "no such option");
		sonde_error_hint(err, "did you mean once?");
		return -EINVAL;
	}
	if (!*name) {
		sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, "serve", service->name,
				"an option is missing behind the comma");
		hint_at_options(service, NULL, err);
		return -EINVAL;
	}
	refuse(err, name, "an option of a service is NAME=VALUE, or the word once");
	if (service_find(name))
		sonde_error_hint(err, "services are separated by spaces, not by commas");
	return -EINVAL;
}

static int parse_options(char *rest, struct serve_spec *spec, struct sonde_error *err)
{
	while (rest) {
		char *name = rest;
		rest = cut_at_comma(name);
		char *value = strchr(name, '=');
		int r = 0;
		if (!value && strcmp(name, "once") == 0) {
			r = parse_once(spec, err);
			if (r < 0)
				return r;
			continue;
		}
		if (!value) {
			return refuse_word(spec->service, name, err);
		}
		*value++ = '\0';
		r = parse_option(name, value, spec, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Takes /tcp or /udp off the end of the text. */
static int parse_transport(char *text, struct serve_spec *spec, struct sonde_error *err)
{
	char *slash = strrchr(text, '/');

	spec->transports = spec->service->transports;
	if (!slash)
		return 0;
	if (strcmp(slash, "/tcp") == 0)
		spec->transports &= SERVICE_TCP;
	else if (strcmp(slash, "/udp") == 0)
		spec->transports &= SERVICE_UDP;
	else {
		refuse(err, slash, "no such transport");
		sonde_error_hint(err, "/tcp or /udp, or nothing for both");
		return -EINVAL;
	}
	if (spec->transports == 0) {
		sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, "serve",
				spec->service->name, "it has no %s side", slash + 1);
		return -EINVAL;
	}
	*slash = '\0';
	slash = strrchr(text, '/');
	if (slash && (strcmp(slash, "/tcp") == 0 || strcmp(slash, "/udp") == 0)) {
		sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, "serve",
				spec->service->name,
				"only one of /tcp and /udp can stand there");
		sonde_error_hint(err, "without /tcp and /udp it is served on both");
		return -EINVAL;
	}
	return 0;
}

/* SERVICE, which ends at '@', '/' or the end; what stood there goes to *ret_rest. */
static int parse_service(char *text, struct serve_spec *spec, char **ret_rest,
			 struct sonde_error *err)
{
	char *end = text + strcspn(text, "@/:");
	char stop = *end;

	*end = '\0';
	spec->service = service_find(text);
	if (!spec->service)
		return refuse_service(text, err);
	if (stop == ':') {
		refuse(err, end + 1, "a place is written behind @");
		sonde_error_hint(err, "write %s@:%s", spec->service->name, end + 1);
		return -EINVAL;
	}
	*end = stop;
	*ret_rest = end;
	return 0;
}

static int parse_endpoint(const char *rest, struct serve_spec *spec,
			  struct sonde_error *err)
{
	long long port;

	spec->endpoint = (struct resolve_endpoint){.port = spec->service->port};
	if (*rest != '@')
		return 0;
	rest++;
	if (sonde_text_parse_int(rest, 0, UINT16_MAX, &port) == 0) {
		refuse(err, rest, "a port is written behind a colon");
		sonde_error_hint(err, "write %s@:%s", spec->service->name, rest);
		return -EINVAL;
	}
	return resolve_parse(rest, &spec->endpoint, err);
}

int serve_spec_parse(const char *text, struct serve_spec *ret, struct sonde_error *err)
{
	char chars[SPEC_CHARS];
	struct serve_spec spec = {0};
	char *rest = chars;
	int r;

	if (strlen(text) >= sizeof(chars))
		return refuse(err, text, "too long for a SPEC");
	memcpy(chars, text, strlen(text) + 1);
	char *options = cut_at_comma(chars);

	r = parse_service(chars, &spec, &rest, err);
	if (r < 0)
		goto out;
	r = parse_transport(rest, &spec, err);
	if (r < 0)
		goto out;
	r = parse_endpoint(rest, &spec, err);
	if (r < 0)
		goto out;
	spec.counts = counts_new(SPEC_TRANSPORTS);
	if (spec.service->config_bytes > 0)
		spec.config = array_new(1, spec.service->config_bytes);
	if (!spec.counts || (spec.service->config_bytes > 0 && !spec.config)) {
		r = sonde_error_set(err, SONDE_ERROR_TROUBLE, -ENOMEM, "serve",
				    spec.service->name, NULL);
		goto out;
	}
	r = parse_options(options, &spec, err);
	if (r < 0)
		goto out;
	*ret = spec;
	return 0;
out:
	serve_spec_done(&spec);
	return r;
}

/* Of a regular file, whole and without a NUL: a text.  A FIFO would wait for somebody. */
static int read_text(const char *name, char **ret)
{
	struct stat stat;
	size_t used = 0;
	char *text = NULL;
	int r = 0;

	int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &stat) < 0) {
		r = -errno;
		goto out;
	}
	if (!S_ISREG(stat.st_mode) || stat.st_size > LIMIT_SERVICE_FILE) {
		r = S_ISREG(stat.st_mode) ? -EFBIG : -EINVAL;
		goto out;
	}
	size_t size = (size_t)stat.st_size;
	text = malloc(size + 1);
	if (!text) {
		r = -ENOMEM;
		goto out;
	}
	while (used < size) {
		ssize_t n = read(fd, text + used, size - used);
		if (n < 0 && errno != EINTR) {
			r = -errno;
			goto out;
		}
		if (n == 0)
			break;
		used += n > 0 ? (size_t)n : 0;
	}
	text[used] = '\0';
	if (strlen(text) != used) {
		r = -EILSEQ;
		goto out;
	}
	*ret = text;
	text = NULL;
out:
	free(text);
	if (fd >= 0)
		close(fd);
	return r;
}

int serve_spec_load(struct serve_spec *spec, struct sonde_error *err)
{
	if (!spec->file_option)
		return 0;
	int r = read_text(spec->file_name, &spec->file_text);
	if (r == -EINVAL)
		return refuse(err, spec->file_name, "it is no ordinary file");
	if (r == -EILSEQ)
		return refuse(err, spec->file_name, "it is no text: a byte of it is 0");
	if (r < 0) {
		sonde_error_set(
			err, r == -ENOENT ? SONDE_ERROR_USAGE : sonde_error_kind_of(-r),
			r, "read", spec->file_name, NULL);
		return r;
	}
	r = spec->file_option->set(spec->config, spec->file_text);
	if (r < 0) {
		refuse(err, spec->file_name, "the service cannot use what is in it");
		sonde_error_hint(err, "%s=%s", spec->file_option->name,
				 spec->file_option->values);
	}
	return r;
}

void serve_spec_done(struct serve_spec *spec)
{
	free(spec->file_name);
	free(spec->file_text);
	spec->file_name = NULL;
	spec->file_text = NULL;
	array_free(spec->config);
	spec->config = NULL;
	counts_free(spec->counts);
	spec->counts = NULL;
}
