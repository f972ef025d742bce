/* Hexadecimal digits, capital or small. */
#ifndef BASE_HEX_H
#define BASE_HEX_H

/* 0 to 15; -1: it is none. */
int hex_digit(char c);

#endif
