/* Reading a SPEC, and saying what is wrong with one. */
#include "serve/spec.h"

#include <errno.h>
#include <string.h>

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
	for (const struct service_option *option = service->options;
	     option && option->name; option++) {
		if (error != -EINVAL || strcmp(option->name, name) == 0)
			sonde_error_hint(err, "write %s,%s=%s", service->name,
					 option->name, option->values);
	}
	if (!service->options)
		sonde_error_hint(err, "the service %s has no options", service->name);
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

static int parse_options(char *rest, struct serve_spec *spec, struct sonde_error *err)
{
	while (rest) {
		char *name = rest;
		rest = cut_at_comma(name);
		char *value = strchr(name, '=');
		if (!value) {
			refuse(err, *name ? name : ",",
			       "an option of a service is NAME=VALUE");
			if (service_find(name))
				sonde_error_hint(err, "services are separated by spaces, "
						      "not by commas");
			return -EINVAL;
		}
		*value++ = '\0';
		int r = service_set(spec->service, spec->config, name, value);
		if (r < 0)
			return refuse_option(spec->service, name, value, r, err);
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
	char *rest = NULL;
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
	if (spec.service->config_bytes > 0) {
		spec.config = array_new(1, spec.service->config_bytes);
		if (!spec.config) {
			r = sonde_error_set(err, SONDE_ERROR_TROUBLE, -ENOMEM, "serve",
					    spec.service->name, NULL);
			goto out;
		}
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

void serve_spec_done(struct serve_spec *spec)
{
	array_free(spec->config);
	spec->config = NULL;
}
