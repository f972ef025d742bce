/* Telnet: the machine that reads, and the Q method.
 *
 * The peer may only make us answer by changing the state of an option, and every state
 * changes at most once for each command: that is why no two programs can keep each other
 * busy.  We ask for nothing ourselves. */
#include "proto/telnet.h"

#include <string.h>

enum telnet_state { STATE_DATA = 0, STATE_IAC, STATE_OPTION, STATE_SUB, STATE_SUB_IAC };

/* RFC 1143; as we never ask, its two other states, which wait for an answer, are not
 * reached. */
enum q { Q_NO = 0, Q_YES };

enum telnet_option {
	OPTION_BINARY = 0,
	OPTION_ECHO = 1,
	OPTION_SGA = 3,
	OPTION_TTYPE = 24,
	OPTION_NAWS = 31,
};

enum { TTYPE_IS = 0, TTYPE_SEND = 1 };

/* RFC 1091: letters, which are capitals, digits, and some signs. */
static void set_type(struct telnet *telnet, const char *type)
{
	size_t used = 0;

	for (; *type && used + 1 < sizeof(telnet->type); type++) {
		char at = *type;

		if (at >= 'a' && at <= 'z')
			at = (char)(at - 'a' + 'A');
		if ((at >= 'A' && at <= 'Z') || (at >= '0' && at <= '9') || at == '-' ||
		    at == '/' || at == '.' || at == '+')
			telnet->type[used++] = at;
	}
	telnet->type[used] = '\0';
}

void telnet_init(struct telnet *telnet, const struct telnet_terminal *terminal)
{
	memset(telnet, 0, sizeof(*telnet));
	telnet->columns = terminal->columns;
	telnet->rows = terminal->rows;
	telnet->takes_echo = terminal->takes_echo;
	set_type(telnet, terminal->type ? terminal->type : "");
	if (!telnet->type[0])
		set_type(telnet, "DUMB");
}

const char *telnet_verb_name(uint8_t verb)
{
	static const char *const names[] = {"WILL", "WONT", "DO", "DONT"};

	return verb >= TELNET_WILL && verb <= TELNET_DONT ? names[verb - TELNET_WILL]
							  : "?";
}

const char *telnet_option_name(uint8_t option)
{
	static const char *const names[] = {
		[0] = "BINARY",
		[1] = "ECHO",
		[3] = "SUPPRESS-GO-AHEAD",
		[5] = "STATUS",
		[6] = "TIMING-MARK",
		[24] = "TERMINAL-TYPE",
		[31] = "NAWS",
		[32] = "TERMINAL-SPEED",
		[33] = "REMOTE-FLOW-CONTROL",
		[34] = "LINEMODE",
		[35] = "X-DISPLAY-LOCATION",
		[36] = "ENVIRON",
		[37] = "AUTHENTICATION",
		[38] = "ENCRYPT",
		[39] = "NEW-ENVIRON",
	};

	if (option >= sizeof(names) / sizeof(names[0]) || !names[option])
		return "?";
	return names[option];
}

/* --- answers */

static void add(struct telnet_output *out, uint8_t byte)
{
	out->answer[out->answer_used++] = byte;
}

/* IAC inside of a subnegotiation is doubled. */
static void add_data(struct telnet_output *out, uint8_t byte)
{
	if (byte == TELNET_IAC)
		add(out, byte);
	add(out, byte);
}

static void answer(struct telnet *telnet, struct telnet_output *out, uint8_t verb,
		   uint8_t option)
{
	add(out, TELNET_IAC);
	add(out, verb);
	add(out, option);
	out->verb = telnet->verb;
	out->option = option;
	out->answered = verb;
}

static void tell_window(const struct telnet *telnet, struct telnet_output *out)
{
	add(out, TELNET_IAC);
	add(out, TELNET_SB);
	add(out, OPTION_NAWS);
	add_data(out, (uint8_t)(telnet->columns >> 8));
	add_data(out, (uint8_t)telnet->columns);
	add_data(out, (uint8_t)(telnet->rows >> 8));
	add_data(out, (uint8_t)telnet->rows);
	add(out, TELNET_IAC);
	add(out, TELNET_SE);
}

static void tell_type(const struct telnet *telnet, struct telnet_output *out)
{
	add(out, TELNET_IAC);
	add(out, TELNET_SB);
	add(out, OPTION_TTYPE);
	add(out, TTYPE_IS);
	for (const char *at = telnet->type; *at; at++)
		add(out, (uint8_t)*at);
	add(out, TELNET_IAC);
	add(out, TELNET_SE);
}

/* --- options */

static bool is_wanted_of_him(const struct telnet *telnet, uint8_t option)
{
	return option == OPTION_BINARY || option == OPTION_SGA ||
	       (option == OPTION_ECHO && telnet->takes_echo);
}

static bool is_wanted_of_us(const struct telnet *telnet, uint8_t option)
{
	return option == OPTION_BINARY || option == OPTION_SGA ||
	       option == OPTION_TTYPE || (option == OPTION_NAWS && telnet->columns > 0);
}

static void take_command(struct telnet *telnet, uint8_t option, struct telnet_output *out)
{
	uint8_t *him = &telnet->him[option], *us = &telnet->us[option];

	switch (telnet->verb) {
	case TELNET_WILL:
		if (*him == Q_YES)
			break;
		if (is_wanted_of_him(telnet, option)) {
			*him = Q_YES;
			answer(telnet, out, TELNET_DO, option);
		} else {
			answer(telnet, out, TELNET_DONT, option);
		}
		break;
	case TELNET_WONT:
		if (*him == Q_YES)
			answer(telnet, out, TELNET_DONT, option);
		*him = Q_NO;
		break;
	case TELNET_DO:
		if (*us == Q_YES)
			break;
		if (is_wanted_of_us(telnet, option)) {
			*us = Q_YES;
			answer(telnet, out, TELNET_WILL, option);
			if (option == OPTION_NAWS)
				tell_window(telnet, out);
		} else {
			answer(telnet, out, TELNET_WONT, option);
		}
		break;
	default:
		if (*us == Q_YES)
			answer(telnet, out, TELNET_WONT, option);
		*us = Q_NO;
		break;
	}
}

static void take_sub(const struct telnet *telnet, struct telnet_output *out)
{
	if (telnet->sub_used >= 2 && telnet->sub[0] == OPTION_TTYPE &&
	    telnet->sub[1] == TTYPE_SEND && telnet->us[OPTION_TTYPE] == Q_YES)
		tell_type(telnet, out);
}

/* --- bytes */

/* RFC 854: behind a CR stands LF or NUL, and the NUL is no data. */
static void take_data(struct telnet *telnet, uint8_t byte, struct telnet_output *out)
{
	bool is_stuffed =
		telnet->after_cr && byte == '\0' && telnet->him[OPTION_BINARY] == Q_NO;

	telnet->after_cr = byte == '\r';
	if (!is_stuffed)
		out->data[out->data_used++] = byte;
}

static void add_sub(struct telnet *telnet, uint8_t byte)
{
	if (telnet->sub_used < TELNET_SUB_BYTES)
		telnet->sub[telnet->sub_used++] = byte;
}

static void take_after_iac(struct telnet *telnet, uint8_t byte, struct telnet_output *out)
{
	telnet->state = STATE_DATA;
	if (byte == TELNET_IAC) {
		take_data(telnet, byte, out);
	} else if (byte == TELNET_SB) {
		telnet->state = STATE_SUB;
		telnet->sub_used = 0;
	} else if (byte >= TELNET_WILL) {
		telnet->verb = byte;
		telnet->state = STATE_OPTION;
	}
	/* NOP, GA, DM and the others are read over. */
}

static void take(struct telnet *telnet, uint8_t byte, struct telnet_output *out)
{
	switch ((enum telnet_state)telnet->state) {
	case STATE_DATA:
		if (byte == TELNET_IAC)
			telnet->state = STATE_IAC;
		else
			take_data(telnet, byte, out);
		break;
	case STATE_IAC:
		take_after_iac(telnet, byte, out);
		break;
	case STATE_OPTION:
		telnet->state = STATE_DATA;
		take_command(telnet, byte, out);
		break;
	case STATE_SUB:
		if (byte == TELNET_IAC)
			telnet->state = STATE_SUB_IAC;
		else
			add_sub(telnet, byte);
		break;
	case STATE_SUB_IAC:
		telnet->state = byte == TELNET_SE ? STATE_DATA : STATE_SUB;
		if (byte == TELNET_SE)
			take_sub(telnet, out);
		else
			add_sub(telnet, byte);
		break;
	}
}

size_t telnet_feed(struct telnet *telnet, const uint8_t *bytes, size_t n,
		   struct telnet_output *out)
{
	size_t at = 0;

	out->verb = 0;
	while (at < n && out->verb == 0 &&
	       out->answer_room - out->answer_used >= TELNET_ANSWER_BYTES)
		take(telnet, bytes[at++], out);
	return at;
}

void telnet_resize(struct telnet *telnet, uint16_t columns, uint16_t rows,
		   struct telnet_output *out)
{
	telnet->columns = columns;
	telnet->rows = rows;
	if (telnet->us[OPTION_NAWS] == Q_YES)
		tell_window(telnet, out);
}

bool telnet_is_echoed(const struct telnet *telnet)
{
	return telnet->him[OPTION_ECHO] == Q_YES;
}

bool telnet_wants_keys(const struct telnet *telnet)
{
	return telnet_is_echoed(telnet) && telnet->him[OPTION_SGA] == Q_YES;
}

size_t telnet_format(const struct telnet *telnet, const uint8_t *bytes, size_t n,
		     bool *after_cr, uint8_t *ret)
{
	bool is_binary = telnet->us[OPTION_BINARY] == Q_YES;
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		uint8_t byte = bytes[i];
		/* What follows a CR decides what it was. */
		if (!is_binary && *after_cr && byte != '\n')
			ret[used++] = '\0';
		if (!is_binary && !*after_cr && byte == '\n')
			ret[used++] = '\r';
		if (byte == TELNET_IAC)
			ret[used++] = byte;
		ret[used++] = byte;
		*after_cr = byte == '\r';
	}
	return used;
}

bool telnet_is_asked(const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i + 2 < n; i++) {
		if (bytes[i] == TELNET_IAC && bytes[i + 1] >= TELNET_WILL &&
		    bytes[i + 1] <= TELNET_DONT && bytes[i + 2] < 50)
			return true;
	}
	return false;
}
