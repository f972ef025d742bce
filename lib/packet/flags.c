/* TCP flags as text. */
#include <sonde/packet.h>

#include <string.h>

void sonde_packet_flag_letters(uint8_t tcp_flags, char ret[9])
{
	static const struct {
		uint8_t flag;
		char letter;
	} letters[] = {
		{SONDE_TCP_SYN, 'S'}, {SONDE_TCP_FIN, 'F'}, {SONDE_TCP_RST, 'R'},
		{SONDE_TCP_PSH, 'P'}, {SONDE_TCP_URG, 'U'}, {SONDE_TCP_ECE, 'E'},
		{SONDE_TCP_CWR, 'C'}, {SONDE_TCP_ACK, 'A'},
	};
	size_t used = 0;

	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		if (tcp_flags & letters[i].flag)
			ret[used++] = letters[i].letter;
	ret[used] = '\0';
}

void sonde_packet_flag_words(uint8_t tcp_flags, char ret[48])
{
	static const char words[8][4] = {"FIN", "SYN", "RST", "PSH",
					 "ACK", "URG", "ECE", "CWR"};
	size_t used = 0;

	if (!tcp_flags) {
		memcpy(ret, "<None>", sizeof("<None>"));
		return;
	}
	for (unsigned bit = 0; bit < 8; bit++) {
		if (!(tcp_flags & 1u << bit))
			continue;
		if (used) {
			ret[used++] = ',';
			ret[used++] = ' ';
		}
		memcpy(ret + used, words[bit], 3);
		used += 3;
	}
	ret[used] = '\0';
}
