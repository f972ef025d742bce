/* The table of CPython's layouts; see the header.  The numbers are what offsetof() gives
 * with the headers of a build of each version for 64-bit Linux. */
#include <stdio.h>

#include "trace/source_python_layout.h"

static const struct python_layout layouts[] = {
	/* 3.11.0 to the last 3.11; measured with 3.11.2 and 3.11.7. */
	{
		.first = 0x030b00f0,
		.last = 0x030bffff,
		.runtime_interpreters = 40,
		.interpreter_next = 0,
		.interpreter_threads = 16,
		.thread_previous = 0,
		.thread_next = 8,
		.thread_interpreter = 16,
		.thread_cframe = 56,
		.thread_id = 152,
		.thread_native_id = 160,
		.thread_bytes = 168,
		.cframe_current = 8,
		.frame_code = 32,
		.frame_previous = 48,
		.frame_instruction = 56,
		.frame_owner = 69,
		.frame_bytes = 72,
		.frame_owners = 3,
		.code_units = 16,
		.code_file = 112,
		.code_name = 120,
		.code_first_line = 72,
		.code_line_table = 136,
		.code_bytes = 144,
		.code_instructions = 184,
		.object_type = 8,
		.bytes_length = 16,
		.bytes_data = 32,
		.string_length = 16,
		.string_state = 32,
		.string_data_ascii = 48,
		.string_data = 72,
	},
};

const struct python_layout *python_layout_find(uint32_t version)
{
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
		if (version >= layouts[i].first && version <= layouts[i].last)
			return &layouts[i];
	return NULL;
}

void python_version_format(uint32_t version, char ret[32])
{
	unsigned level = version >> 4 & 15, serial = version & 15;
	const char *word = level == 0xa   ? "a"
			   : level == 0xb ? "b"
			   : level == 0xc ? "rc"
					  : "";
	int n = snprintf(ret, 32, "Python %u.%u.%u", version >> 24 & 255,
			 version >> 16 & 255, version >> 8 & 255);

	if (*word && n > 0 && n < 32)
		snprintf(ret + n, 32 - (size_t)n, "%s%u", word, serial);
}
