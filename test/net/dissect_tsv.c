/* Frames of a capture as lines of text, over the public headers alone:
 *	dissect_tsv FILE [RULE]...	RULE as for sonde_dissector_decode_as()
 *	dissect_tsv --fields		name and type of each field
 *
 *	C <frame> <source> <destination> <protocol> <info>
 *	F <frame> <field> <value>	values as tshark -T fields writes them
 *
 * Columns are parted by tabs; bytes of text that would break a line are written \xNN. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/capture_file.h>
#include <sonde/dissect.h>

static const char *const types[] = {
	[SONDE_FIELD_PROTOCOL] = "protocol", [SONDE_FIELD_BOOL] = "bool",
	[SONDE_FIELD_UINT] = "uint",         [SONDE_FIELD_INT] = "int",
	[SONDE_FIELD_TIME] = "time",         [SONDE_FIELD_DURATION] = "duration",
	[SONDE_FIELD_IPV4] = "ipv4",         [SONDE_FIELD_IPV6] = "ipv6",
	[SONDE_FIELD_ETHERNET] = "ethernet", [SONDE_FIELD_BYTES] = "bytes",
	[SONDE_FIELD_TEXT] = "text",         [SONDE_FIELD_NOTE] = "note",
};

static int list_fields(void)
{
	for (size_t i = 0; i < sonde_field_count(); i++) {
		const struct sonde_field_info *info = sonde_field_info((uint16_t)i);

		printf("%s\t%s\n", info->name, types[info->type]);
	}
	return 0;
}

static void print_text(const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] < 0x20 || bytes[i] == 0x7f || bytes[i] == '\\')
			printf("\\x%02x", bytes[i]);
		else
			putchar(bytes[i]);
	}
}

static void print_host(uint8_t family, const uint8_t *bytes, size_t n)
{
	struct sonde_address address = {.family = family};
	char text[SONDE_ADDRESS_CHARS];

	memcpy(address.bytes, bytes, n);
	sonde_address_format_host(&address, text);
	printf("%s", text);
}

static void print_number(const struct sonde_field_info *info, uint64_t number)
{
	if (info->show == SONDE_SHOW_HEX)
		printf("0x%0*" PRIx64, info->bits / 4, number);
	else
		printf("%" PRIu64, number);
}

static void print_seconds(int64_t ns)
{
	uint64_t size = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;

	printf("%s%" PRIu64 ".%09" PRIu64, ns < 0 ? "-" : "", size / 1000000000u,
	       size % 1000000000u);
}

static void print_value(const struct sonde_field_info *info,
			const struct sonde_field *field)
{
	const uint8_t *bytes = field->value.data.bytes;
	uint8_t four[4];

	switch (info->type) {
	case SONDE_FIELD_BOOL:
	case SONDE_FIELD_UINT:
		print_number(info, field->value.number);
		break;
	case SONDE_FIELD_INT:
		printf("%" PRId64, field->value.integer);
		break;
	case SONDE_FIELD_TIME:
	case SONDE_FIELD_DURATION:
		print_seconds(field->value.integer);
		break;
	case SONDE_FIELD_IPV4:
		for (int i = 0; i < 4; i++)
			four[i] = (uint8_t)(field->value.number >> (24 - 8 * i));
		print_host(SONDE_FAMILY_INET, four, 4);
		break;
	case SONDE_FIELD_IPV6:
		if (field->value.data.size == 16)
			print_host(SONDE_FAMILY_INET6, bytes, 16);
		break;
	case SONDE_FIELD_ETHERNET:
	case SONDE_FIELD_BYTES:
		for (uint32_t i = 0; i < field->value.data.size; i++)
			printf("%02x", bytes[i]);
		break;
	case SONDE_FIELD_TEXT:
		print_text(bytes, field->value.data.size);
		break;
	default:
		break;
	}
}

/* Positions that lie within their bytes, and a line that has an end. */
static void check(const struct sonde_frame *frame, const struct sonde_dissection *found,
		  const struct sonde_field *field)
{
	size_t size = field->source ? found->reassembled_size : frame->captured_length;

	if ((size_t)field->offset + field->length <= size)
		return;
	fprintf(stderr, "frame %u: %s at %u+%u of %zu\n", frame->number,
		sonde_field_info(field->field)->name, field->offset, field->length, size);
	exit(1);
}

static void print_frame(const struct sonde_frame *frame,
			const struct sonde_dissection *found)
{
	printf("C\t%u\t%s\t%s\t%s\t%s\n", frame->number, found->source,
	       found->destination, found->protocol, found->info);
	for (size_t i = 0; i < found->field_count; i++) {
		const struct sonde_field *field = &found->fields[i];
		const struct sonde_field_info *info = sonde_field_info(field->field);

		check(frame, found, field);
		printf("F\t%u\t%s\t", frame->number, info->name);
		print_value(info, field);
		putchar('\n');
	}
}

static int fail(const char *what, const struct sonde_error *err)
{
	fprintf(stderr, "dissect_tsv: %s: %s\n", what, err->reason);
	return 1;
}

int main(int argc, char **argv)
{
	struct sonde_capture_reader *reader;
	struct sonde_dissector *dissector;
	struct sonde_dissection found;
	struct sonde_frame frame;
	struct sonde_error err;
	int result;

	if (argc == 2 && strcmp(argv[1], "--fields") == 0)
		return list_fields();
	if (argc < 2)
		return 2;
	if (sonde_capture_reader_open(argv[1], &reader, &err) < 0)
		return fail(argv[1], &err);
	if (sonde_dissector_new(&dissector) < 0)
		return 1;
	for (int i = 2; i < argc; i++)
		if (sonde_dissector_decode_as(dissector, argv[i], &err) < 0)
			return fail(argv[i], &err);
	sonde_dissector_want_all(dissector);
	sonde_dissector_want_columns(dissector);
	sonde_dissector_show_secrets(dissector);
	while ((result = sonde_capture_reader_next(reader, &frame, &err)) > 0) {
		if (sonde_dissect(dissector, &frame, &found) < 0)
			return 1;
		print_frame(&frame, &found);
	}
	sonde_dissector_free(dissector);
	sonde_capture_reader_close(reader);
	return result < 0 ? fail(argv[1], &err) : 0;
}
