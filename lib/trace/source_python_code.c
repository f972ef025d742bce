/* CPython's code objects.
 *
 * A code object may be freed and another one be made at its address, with its strings and
 * its line table at the same addresses too: a loop of exec(compile(...)) does exactly
 * that.  So nothing is believed because of an address.  The cache keeps the bytes of the
 * objects that an answer rests on (file name, function name, line table) and compares
 * them with those that are there now; what it saves is the decoding, and, since the
 * lengths are known, the system calls (see source_memory.h). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "trace/source_python_code.h"
#include "trace/source_python_string.h"

enum {
	/* Of PyASCIIObject.state: bits 2 to 4 the kind, then compact, ascii, ready. */
	STATE_KIND_SHIFT = 2,
	STATE_KIND_MASK = 7,
	STATE_COMPACT = 1 << 5,
	STATE_ASCII = 1 << 6,
	STATE_READY = 1 << 7,
	/* Larger line tables are compared only as far as they are used. */
	TABLE_WHOLE_BYTES = 4096,
	SMALLEST_STRING_TABLE = 64,
	UNIT = 2, /* bytes of an instruction */
};

static uint64_t get_u64(const uint8_t *bytes, size_t offset)
{
	uint64_t value;

	memcpy(&value, bytes + offset, sizeof(value));
	return value;
}

static uint32_t get_u32(const uint8_t *bytes, size_t offset)
{
	uint32_t value;

	memcpy(&value, bytes + offset, sizeof(value));
	return value;
}

bool python_file_is_system(const char *file)
{
	if (strncmp(file, "<frozen ", 8) == 0 || strstr(file, "/site-packages/") ||
	    strstr(file, "/dist-packages/"))
		return true;
	for (const char *at = file; (at = strstr(at, "/python3")); at++) {
		/* .../lib/python3/ or .../lib64/python3.11/ */
		const char *end = at + strlen("/python3");
		bool below_lib = (at - file >= 4 && strncmp(at - 4, "/lib", 4) == 0) ||
				 (at - file >= 6 && strncmp(at - 6, "/lib64", 6) == 0);
		if (*end == '.')
			end += 1 + strspn(end + 1, "0123456789");
		if (below_lib && *end == '/')
			return true;
	}
	return false;
}

/* ---- strings that outlive the objects they came from ---- */

static size_t hash_text(const char *text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return (size_t)hash;
}

static char **find_string(struct python_codes *codes, const char *text)
{
	size_t mask = codes->string_capacity - 1, i = hash_text(text) & mask;

	while (codes->strings[i] && strcmp(codes->strings[i], text) != 0)
		i = (i + 1) & mask;
	return &codes->strings[i];
}

static int grow_strings(struct python_codes *codes)
{
	size_t old_capacity = codes->string_capacity;
	char **old = codes->strings;
	size_t capacity = old_capacity ? old_capacity * 2 : SMALLEST_STRING_TABLE;
	char **strings = array_new(capacity, sizeof(*strings));

	if (!strings)
		return -ENOMEM;
	codes->strings = strings;
	codes->string_capacity = capacity;
	for (size_t i = 0; i < old_capacity; i++)
		if (old[i])
			*find_string(codes, old[i]) = old[i];
	array_free(old);
	return 0;
}

static int intern(struct python_codes *codes, const char *text, const char **ret)
{
	if (codes->string_count >= codes->string_capacity / 2 && grow_strings(codes) < 0)
		return -ENOMEM;
	char **place = find_string(codes, text);
	if (!*place) {
		if (codes->string_count >= LIMIT_PYTHON_STRINGS)
			return -E2BIG;
		*place = strdup(text);
		if (!*place)
			return -ENOMEM;
		codes->string_count++;
	}
	*ret = *place;
	return 0;
}

/* ---- objects ---- */

static void drop_copy(struct python_copy *copy)
{
	array_free(copy->bytes);
	*copy = (struct python_copy){0};
}

static void drop_code(struct python_code *code)
{
	drop_copy(&code->file);
	drop_copy(&code->name);
	drop_copy(&code->table);
	*code = (struct python_code){0};
}

void python_codes_done(struct python_codes *codes)
{
	for (size_t i = 0; i < LIMIT_PYTHON_CODES; i++)
		drop_code(&codes->slots[i]);
	for (size_t i = 0; i < codes->string_capacity; i++)
		free(codes->strings[i]);
	array_free(codes->strings);
	array_free(codes->scratch);
}

/* Zeroes all of an object's head but its type and the given fields: counts, hashes and
 * caches in it change while the object is the same. */
static void normalise(const struct python_layout *layout, uint8_t *bytes, size_t head,
		      size_t length_at, size_t state_at)
{
	uint64_t type = get_u64(bytes, layout->object_type);
	uint64_t length = get_u64(bytes, length_at);
	uint32_t state = state_at ? get_u32(bytes, state_at) : 0;

	/* Not the two bits that tell whether it is interned. */
	state &= STATE_KIND_MASK << STATE_KIND_SHIFT | STATE_COMPACT | STATE_ASCII |
		 STATE_READY;
	memset(bytes, 0, head);
	memcpy(bytes + layout->object_type, &type, sizeof(type));
	memcpy(bytes + length_at, &length, sizeof(length));
	if (state_at)
		memcpy(bytes + state_at, &state, sizeof(state));
}

static void normalise_string(const struct python_layout *layout, uint8_t *bytes)
{
	bool is_ascii = get_u32(bytes, layout->string_state) & STATE_ASCII;
	size_t head = is_ascii ? layout->string_data_ascii : layout->string_data;

	normalise(layout, bytes, head, layout->string_length, layout->string_state);
}

static void normalise_bytes(const struct python_layout *layout, uint8_t *bytes)
{
	normalise(layout, bytes, layout->bytes_data, layout->bytes_length, 0);
}

/* Reads n bytes of the object at that address into the scratch. */
static int read_object(struct python_codes *codes, struct memory *memory,
		       uint64_t address, size_t n)
{
	if (!memory_is_object(address))
		return -EFAULT;
	if (array_reserve(&codes->scratch, &codes->scratch_capacity, n, 1) < 0)
		return -ENOMEM;
	return memory_read(memory, address, codes->scratch, n);
}

/* Keeps the scratch's first n bytes. */
static int keep(struct python_codes *codes, uint64_t address, size_t n,
		struct python_copy *ret)
{
	uint8_t *bytes = array_new(n, 1);

	if (!bytes)
		return -ENOMEM;
	memcpy(bytes, codes->scratch, n);
	*ret = (struct python_copy){.address = address, .bytes = bytes, .length = n};
	return 0;
}

/* What a string's head says: where its data is and how much. */
struct string_shape {
	size_t data, count;
	unsigned kind;
};

static int parse_string_head(const struct python_codes *codes, const uint8_t *head,
			     struct string_shape *ret)
{
	const struct python_layout *layout = codes->layout;
	uint64_t count = get_u64(head, layout->string_length);
	uint32_t state = get_u32(head, layout->string_state);
	unsigned kind = state >> STATE_KIND_SHIFT & STATE_KIND_MASK;

	if (get_u64(head, layout->object_type) != codes->string_type ||
	    !(state & STATE_COMPACT) || (kind != 1 && kind != 2 && kind != 4) ||
	    ((state & STATE_ASCII) && kind != 1) || count > INT32_MAX)
		return -EFAULT;
	*ret = (struct string_shape){
		.data = (state & STATE_ASCII) ? layout->string_data_ascii
					      : layout->string_data,
		.count = count < LIMIT_PATH ? (size_t)count : LIMIT_PATH,
		.kind = kind,
	};
	return 0;
}

static int load_string(struct python_codes *codes, struct memory *memory,
		       uint64_t address, struct python_copy *ret, const char **ret_text)
{
	struct string_shape shape;
	int r = read_object(codes, memory, address, codes->layout->string_data_ascii);

	if (r < 0)
		return r;
	r = parse_string_head(codes, codes->scratch, &shape);
	if (r < 0)
		return r;
	size_t n = shape.data + shape.count * shape.kind;
	/* Head and data by one read, as they will be compared. */
	r = read_object(codes, memory, address, n);
	if (r < 0)
		return r;
	char *text = array_new(PYTHON_STRING_BYTES(shape.count), 1);
	if (!text)
		return -ENOMEM;
	python_string_format(codes->scratch + shape.data, shape.count, shape.kind, text);
	r = intern(codes, text, ret_text);
	array_free(text);
	if (r < 0)
		return r;
	normalise_string(codes->layout, codes->scratch);
	return keep(codes, address, n, ret);
}

static int read_bytes_length(struct python_codes *codes, struct memory *memory,
			     uint64_t address, uint64_t *ret)
{
	const struct python_layout *layout = codes->layout;
	int r = read_object(codes, memory, address, layout->bytes_data);

	if (r < 0)
		return r;
	if (get_u64(codes->scratch, layout->object_type) != codes->bytes_type)
		return -EFAULT;
	*ret = get_u64(codes->scratch, layout->bytes_length);
	return 0;
}

static int load_table(struct python_codes *codes, struct memory *memory, uint64_t address,
		      struct python_copy *ret)
{
	const struct python_layout *layout = codes->layout;
	uint64_t length;
	int r = read_bytes_length(codes, memory, address, &length);

	if (r < 0)
		return r;
	if (length > LIMIT_PYTHON_LINETABLE)
		return -E2BIG;
	r = read_object(codes, memory, address, layout->bytes_data + (size_t)length);
	if (r < 0)
		return r;
	normalise_bytes(layout, codes->scratch);
	return keep(codes, address, layout->bytes_data + (size_t)length, ret);
}

/* Are the first n bytes of the object still what they were? */
static bool is_same(struct python_codes *codes, struct memory *memory,
		    const struct python_copy *copy, size_t n,
		    void (*normalise_object)(const struct python_layout *, uint8_t *))
{
	if (read_object(codes, memory, copy->address, n) < 0)
		return false;
	normalise_object(codes->layout, codes->scratch);
	return memcmp(codes->scratch, copy->bytes, n) == 0;
}

static bool is_same_string(struct python_codes *codes, struct memory *memory,
			   const struct python_copy *copy)
{
	return is_same(codes, memory, copy, copy->length, normalise_string);
}

/* ---- code objects ---- */

static int load_code(struct python_codes *codes, struct memory *memory,
		     const struct python_code *head, struct python_code *ret)
{
	struct python_code code = *head;
	int r = load_string(codes, memory, head->file.address, &code.file,
			    &code.file_text);

	if (r >= 0)
		r = load_string(codes, memory, head->name.address, &code.name,
				&code.name_text);
	if (r >= 0)
		r = load_table(codes, memory, head->table.address, &code.table);
	if (r < 0) {
		drop_code(&code);
		return r;
	}
	code.is_system = python_file_is_system(code.file_text);
	*ret = code;
	return 0;
}

/* The head of the code object, with the addresses of what belongs to it. */
static int read_head(struct python_codes *codes, struct memory *memory, uint64_t address,
		     struct python_code *ret)
{
	const struct python_layout *layout = codes->layout;
	int r = read_object(codes, memory, address, layout->code_bytes);

	if (r < 0)
		return r;
	const uint8_t *bytes = codes->scratch;
	if (get_u64(bytes, layout->object_type) != codes->code_type)
		return -EFAULT;
	*ret = (struct python_code){
		.address = address,
		.first_line = (int)get_u32(bytes, layout->code_first_line),
		.file.address = get_u64(bytes, layout->code_file),
		.name.address = get_u64(bytes, layout->code_name),
		.table.address = get_u64(bytes, layout->code_line_table),
	};
	if (ret->first_line < 0)
		return -EFAULT;
	if (layout->code_first_traceable)
		ret->first_traceable =
			get_u32(bytes, layout->code_first_traceable) * UNIT;
	if (layout->code_code) {
		/* The scratch is overwritten. */
		r = read_bytes_length(codes, memory, get_u64(bytes, layout->code_code),
				      &ret->code_bytes);
		return r < 0 ? r : ret->code_bytes > INT32_MAX ? -EFAULT : 0;
	}
	uint64_t units = get_u64(bytes, layout->code_units);
	ret->code_bytes = units * UNIT;
	return units > INT32_MAX / UNIT ? -EFAULT : 0;
}

static const struct python_line *find_recent(const struct python_code *code,
					     uint32_t offset)
{
	for (unsigned i = 0; i < PYTHON_CODE_RECENT; i++)
		if (offset >= code->recent[i].begin && offset < code->recent[i].end)
			return &code->recent[i];
	return NULL;
}

/* Does the slot hold the code object that is there now?  Its line table may have been
 * compared only as far as the answer for offset needs it. */
static bool is_current(struct python_codes *codes, struct memory *memory,
		       const struct python_code *code, const struct python_code *head,
		       uint32_t offset)
{
	const struct python_line *recent = find_recent(code, offset);
	size_t table = code->table.length;

	if (code->address != head->address || code->code_bytes != head->code_bytes ||
	    code->first_line != head->first_line ||
	    code->file.address != head->file.address ||
	    code->name.address != head->name.address ||
	    code->table.address != head->table.address)
		return false;
	if (table > TABLE_WHOLE_BYTES && recent)
		table = codes->layout->bytes_data + recent->table_used;
	return is_same_string(codes, memory, &code->file) &&
	       is_same_string(codes, memory, &code->name) &&
	       is_same(codes, memory, &code->table, table, normalise_bytes);
}

static int find_line(const struct python_codes *codes, struct python_code *code,
		     uint32_t offset, struct python_line *ret)
{
	const struct python_line *recent = find_recent(code, offset);

	if (!recent) {
		struct python_line *place = &code->recent[code->next_recent];
		size_t data = codes->layout->bytes_data;
		int r = python_lines_find(codes->layout->lines, code->table.bytes + data,
					  code->table.length - data, code->first_line,
					  offset, place);
		if (r < 0)
			return -EFAULT;
		code->next_recent = (code->next_recent + 1) % PYTHON_CODE_RECENT;
		recent = place;
	}
	*ret = *recent;
	return 0;
}

int python_codes_place(struct python_codes *codes, struct memory *memory,
		       uint64_t address, uint64_t instruction, struct source_frame *ret)
{
	const struct python_layout *layout = codes->layout;
	/* Objects are 16 bytes apart at least. */
	size_t slot = (size_t)((address >> 4 ^ address >> 12) % LIMIT_PYTHON_CODES);
	struct python_code *code = &codes->slots[slot];
	struct python_code head;
	struct python_line line;
	int r = read_head(codes, memory, address, &head);

	if (r < 0)
		return r;
	uint64_t offset = instruction;
	if (layout->instruction == PYTHON_INSTRUCTION_POINTER)
		offset -= address + layout->code_instructions;
	/* A frame that has run nothing yet stands before its first instruction. */
	bool is_new = offset == (uint64_t)-UNIT;
	if (is_new)
		offset = 0;
	if (offset % UNIT != 0 || offset >= head.code_bytes)
		return -EFAULT;
	if (layout->code_first_traceable && (is_new || offset < head.first_traceable))
		return -ENODATA;
	if (!is_current(codes, memory, code, &head, (uint32_t)offset)) {
		drop_code(code);
		r = load_code(codes, memory, &head, code);
		if (r < 0)
			return r;
	}
	if (is_new)
		line = (struct python_line){.line = code->first_line};
	else if ((r = find_line(codes, code, (uint32_t)offset, &line)) < 0)
		return r;
	/* A location is one of an instruction with its caches, in any of which a frame may
	 * stand; the older tables know lines only, but no caches. */
	bool is_location = layout->lines == PYTHON_LINES_LOCATIONS;
	*ret = (struct source_frame){
		.code = address,
		.offset = is_location ? line.begin : (uint32_t)offset,
		.file = code->file_text,
		.function = code->name_text,
		.line = line.line,
		.is_system = code->is_system,
	};
	return 0;
}
