/* Reading another process's memory, and what lies there: addresses, vectors, messages. */
#ifndef TRACE_REMOTE_H
#define TRACE_REMOTE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <sonde/address.h>

/* Reads all of the n bytes, or fails: 0 or -EFAULT. */
int remote_read(pid_t pid, uint64_t address, void *ret, size_t n);

/* A socket address; leaves *ret alone where there is none. */
void remote_read_address(pid_t pid, uint64_t address, uint64_t length,
			 struct sonde_address *ret);

/* The sum of the lengths of an iovec array; *ret_first: where its first bytes lie. */
uint64_t remote_read_vector(pid_t pid, uint64_t address, uint64_t count,
			    uint64_t *ret_first);

#endif
