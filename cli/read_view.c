/* What sonde read shows of each packet, as its options say. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sonde/dissect.h>

#include "command.h"
#include "message.h"
#include "read_view.h"

static int add_column(struct packet_view *view, const char *option, const char *name,
		      size_t n)
{
	struct packet_column *column = &view->columns[view->column_count];
	const char *nearest;
	struct sonde_error err;
	char subject[160];
	int field;

	if (view->column_count == PACKET_COLUMNS)
		return message_usage("read", "more than %d columns", PACKET_COLUMNS);
	for (uint8_t i = 0; packet_column_words[i] && option[2] == 'c'; i++) {
		if (strlen(packet_column_words[i]) == n &&
		    memcmp(packet_column_words[i], name, n) == 0) {
			column->kind = i;
			view->column_count++;
			return STATUS_DONE;
		}
	}
	field = sonde_field_find(name, n);
	if (field >= 0) {
		column->kind = PACKET_COLUMN_FIELD;
		column->field = (uint16_t)field;
		view->has_chosen = true;
		view->column_count++;
		return STATUS_DONE;
	}
	snprintf(subject, sizeof(subject), "%s %.*s", option, (int)n, name);
	sonde_error_set(&err, SONDE_ERROR_USAGE, -EINVAL, "read", subject, "no such %s",
			option[2] == 'c' ? "column or field" : "field");
	nearest = sonde_field_nearest(name, n);
	if (nearest)
		sonde_error_hint(&err, "did you mean %s?", nearest);
	else
		sonde_error_hint(&err, "sonde read --fields lists them");
	return message_error(&err);
}

static int choose_columns(struct packet_view *view, const struct arguments *arguments)
{
	const char *names = arguments_text(arguments, "columns", NULL);
	const char *field;
	int status = STATUS_DONE;

	for (size_t i = 0; (field = arguments_nth(arguments, "field", i)); i++) {
		status = add_column(view, "--field", field, strlen(field));
		if (status != STATUS_DONE)
			return status;
	}
	while (names && status == STATUS_DONE) {
		size_t n = strcspn(names, ",");
		status = add_column(view, "--columns", names, n);
		names = names[n] ? names + n + 1 : NULL;
	}
	for (uint8_t i = 0; view->column_count == 0 && i < PACKET_COLUMN_FIELD; i++)
		view->columns[i].kind = i;
	return status;
}

/* One main view; --hex goes with the list, the tree or alone with JSON. */
static int check_views(const struct arguments *arguments)
{
	static const char *const views[] = {"tree", "field", "stats", "write", "columns"};
	static const char *const lines[] = {"stats", "write", "field"};
	static const char *const timeless[] = {"stats", "write", "field", "tree", "json"};
	struct sonde_error err;

	for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
		for (size_t k = i + 1; k < sizeof(views) / sizeof(views[0]); k++) {
			if (arguments_refuse_both(arguments, "read", views[i], views[k],
						  &err) < 0)
				return message_error(&err);
		}
	}
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (arguments_refuse_both(arguments, "read", lines[i], "hex", &err) < 0)
			return message_error(&err);
	}
	for (size_t i = 0; i < sizeof(timeless) / sizeof(timeless[0]); i++) {
		if (arguments_refuse_both(arguments, "read", timeless[i], "time", &err) <
		    0)
			return message_error(&err);
	}
	/* A filter sees what was sent, or the mask. */
	for (size_t i = 0; i < 2 && !arguments_has(arguments, "filter"); i++) {
		if (arguments_refuse_both(arguments, "read", lines[i], "show-secrets",
					  &err) < 0)
			return message_error(&err);
	}
	return STATUS_DONE;
}

/* --time is that of one column. */
static int check_time(const struct packet_view *view, const struct arguments *arguments)
{
	if (!arguments_has(arguments, "time"))
		return STATUS_DONE;
	if (!view->has_list)
		return message_usage("read",
				     "--time is of the list: --hex alone shows no "
				     "time");
	for (size_t i = 0; i < view->column_count; i++) {
		if (view->columns[i].kind == PACKET_COLUMN_TIME)
			return STATUS_DONE;
	}
	return message_usage("read", "--time: none of the --columns is time");
}

int read_view_choose(struct packet_view *view, const struct arguments *arguments,
		     struct output *output)
{
	bool is_counted = arguments_has(arguments, "stats");
	int status = check_views(arguments);

	if (status != STATUS_DONE)
		return status;
	lines_init(&view->lines, output);
	packet_time_init(&view->time,
			 (enum packet_time_format)arguments_number(arguments, "time", 0));
	view->has_tree = arguments_has(arguments, "tree");
	view->has_fields = arguments_has(arguments, "field");
	view->has_bytes = arguments_has(arguments, "hex");
	view->has_list = !view->has_tree && !view->has_fields && !is_counted &&
			 !arguments_has(arguments, "write") &&
			 (!view->has_bytes || arguments_has(arguments, "columns"));
	status = choose_columns(view, arguments);
	if (status == STATUS_DONE && view->column_count == 0)
		view->column_count = PACKET_COLUMN_FIELD;
	return status == STATUS_DONE ? check_time(view, arguments) : status;
}
