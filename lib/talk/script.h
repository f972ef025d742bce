/* A dialogue, line by line, as --script takes it:
 *
 *	# a comment
 *	timeout 5s				for all that follows
 *	send "EHLO example.org\r\n"		bytes
 *	line "EHLO example.org"			the same and an end of line
 *	expect "250 "				a text, somewhere in what came
 *	expect /^250[ -](.*)\r$/ within 2s	a regular expression (PCRE2, multi-line)
 *	expect end				the peer closes its half
 *	tls					TLS from now on, within the time of `timeout`
 *	wait 100ms
 *	end					closes our half
 *	close					closes all; nothing may follow
 *
 * In "..." stand \n \r \t \0 \\ \" \xNN; in /.../ is \/ a slash, all else is PCRE2's. */
#ifndef TALK_SCRIPT_H
#define TALK_SCRIPT_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <stddef.h>
#include <stdint.h>

#include <sonde/connect.h>

enum script_verb {
	SCRIPT_SEND = 0,
	SCRIPT_LINE,
	SCRIPT_EXPECT,
	SCRIPT_EXPECT_REGEX,
	SCRIPT_EXPECT_END,
	SCRIPT_TLS,
	SCRIPT_WAIT,
	SCRIPT_END,
	SCRIPT_CLOSE,
};

struct script_step {
	enum script_verb verb;
	unsigned line;     /* from 1 */
	char *source;      /* owned: as it is written, without a comment */
	size_t what_count; /* so much of it is before `within` */
	uint8_t *bytes;    /* owned: what to send or expect, or the expression */
	size_t count;
	pcre2_code *regex; /* owned */
	int64_t within_ns; /* of expect, tls and wait */
};

struct sonde_script {
	char name[128];
	struct script_step *steps; /* owned */
	size_t count, capacity;
};

#endif
