/* Errors: filled, explained, given a kind. */
#include <sonde/error.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <sonde/text.h>

/* The system's own sentence, never translated: scripts and tests match it. */
static const char *describe(int error_number)
{
	const char *sentence;

#ifdef __GLIBC__
	sentence = strerrordesc_np(error_number);
#else
	sentence = strerror(error_number);
#endif
	return sentence ? sentence : "Unknown error";
}

static void add_reason_of(struct sonde_text *text, int code)
{
	if (code < 0 && code > -4096)
		sonde_text_add(text, "%s (%s)", describe(-code), sonde_error_name(-code));
	else
		sonde_text_add(text, "Unknown error (%d)", code);
}

/* vsnprintf() that does not cut a UTF-8 sequence. */
static void fill(char *to, size_t capacity, const char *format, va_list arguments)
	__attribute__((format(printf, 3, 0)));
static void fill(char *to, size_t capacity, const char *format, va_list arguments)
{
	struct sonde_text text;
	char whole[512];

	vsnprintf(whole, sizeof(whole), format, arguments);
	sonde_text_init(&text, to, capacity);
	sonde_text_add_bytes(&text, whole, strlen(whole));
}

int sonde_error_set(struct sonde_error *err, enum sonde_error_kind kind, int code,
		    const char *operation, const char *subject, const char *reason, ...)
{
	struct sonde_text text;
	va_list arguments;

	if (!err)
		return code;
	err->kind = kind;
	err->code = code;
	err->hint[0] = '\0';
	sonde_text_init(&text, err->operation, sizeof(err->operation));
	sonde_text_add(&text, "%s", operation);
	sonde_text_init(&text, err->subject, sizeof(err->subject));
	sonde_text_add(&text, "%s", subject ? subject : "");
	if (reason) {
		va_start(arguments, reason);
		fill(err->reason, sizeof(err->reason), reason, arguments);
		va_end(arguments);
	} else {
		sonde_text_init(&text, err->reason, sizeof(err->reason));
		add_reason_of(&text, code);
	}
	return code;
}

void sonde_error_hint(struct sonde_error *err, const char *hint, ...)
{
	va_list arguments;

	if (!err)
		return;
	va_start(arguments, hint);
	fill(err->hint, sizeof(err->hint), hint, arguments);
	va_end(arguments);
}

enum sonde_error_kind sonde_error_kind_of(int error_number)
{
	switch (error_number) {
	case 0:
		return SONDE_ERROR_NONE;
	case EPERM:
	case EACCES:
		return SONDE_ERROR_PERMISSION;
	case ECONNABORTED:
	case ECONNREFUSED:
	case ECONNRESET:
	case EHOSTUNREACH:
#ifdef EHOSTDOWN
	case EHOSTDOWN:
#endif
	case ENETDOWN:
	case ENETRESET:
	case ENETUNREACH:
	case ETIMEDOUT:
		return SONDE_ERROR_NETWORK;
	case EINVAL:
		return SONDE_ERROR_USAGE;
	default:
		return SONDE_ERROR_TROUBLE;
	}
}
