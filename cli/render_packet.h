/* Renderings of packets: as a list, one in full, chosen fields, JSON. */
#ifndef CLI_RENDER_PACKET_H
#define CLI_RENDER_PACKET_H

#include <stdbool.h>

#include <sonde/dissect.h>

#include "lines.h"
#include "output.h"
#include "packet_time.h"

enum packet_column_kind {
	PACKET_COLUMN_NUMBER = 0,
	PACKET_COLUMN_TIME,
	PACKET_COLUMN_SOURCE,
	PACKET_COLUMN_DESTINATION,
	PACKET_COLUMN_PROTOCOL,
	PACKET_COLUMN_LENGTH,
	PACKET_COLUMN_INFO,
	PACKET_COLUMN_FIELD,
};

/* The names of the columns that are no fields, in the order of the enum. */
extern const char *const packet_column_words[];

struct packet_column {
	uint8_t kind;
	uint16_t field; /* of FIELD */
};

enum { PACKET_COLUMNS = 64 };

struct packet_view {
	struct lines lines;
	struct packet_time time;
	struct packet_column columns[PACKET_COLUMNS];
	size_t column_count;
	bool has_list;   /* the columns, a line a packet */
	bool has_tree;   /* all fields */
	bool has_fields; /* the columns are fields, with tabs between them */
	bool has_bytes;  /* the hex dump */
	bool has_chosen; /* some column is a field */
	uint64_t shown;
};

/* A frame in the forms that the view has. */
void render_packet(struct packet_view *view, const struct sonde_frame *frame,
		   const struct sonde_dissection *dissection);
void render_packet_json(struct packet_view *view, const struct sonde_frame *frame,
			const struct sonde_dissection *dissection);

/* render_packet_list.c */
void render_packet_list(struct packet_view *view, const struct sonde_frame *frame,
			const struct sonde_dissection *dissection);
void render_packet_fields(struct packet_view *view,
			  const struct sonde_dissection *dissection);
/* render_packet_tree.c */
void render_packet_tree(struct packet_view *view, const struct sonde_frame *frame,
			const struct sonde_dissection *dissection);

#endif
