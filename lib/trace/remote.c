/* Reading another process's memory. */
#include "trace/remote.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum { VECTORS = 64, IOV_MAX_KNOWN = 1024 }; /* read at a time; UIO_MAXIOV */

int remote_read(pid_t pid, uint64_t address, void *ret, size_t n)
{
	struct iovec local = {.iov_base = ret, .iov_len = n};
	struct iovec remote = {.iov_base = (void *)(uintptr_t)address, .iov_len = n};

	if (n == 0)
		return 0;
	if (process_vm_readv(pid, &local, 1, &remote, 1, 0) != (ssize_t)n)
		return -EFAULT;
	return 0;
}

void remote_read_address(pid_t pid, uint64_t address, uint64_t length,
			 struct sonde_address *ret)
{
	struct sockaddr_storage storage;
	struct sonde_address found;

	if (!address || length < sizeof(sa_family_t))
		return;
	if (length > sizeof(storage))
		length = sizeof(storage);
	if (remote_read(pid, address, &storage, length) < 0)
		return;
	if (sonde_address_from_sockaddr((struct sockaddr *)&storage, (socklen_t)length,
					&found) == 0)
		*ret = found;
}

uint64_t remote_read_vector(pid_t pid, uint64_t address, uint64_t count,
			    uint64_t *ret_first)
{
	struct iovec vectors[VECTORS];
	uint64_t sum = 0;

	*ret_first = 0;
	for (uint64_t at = 0; at < count && at < IOV_MAX_KNOWN; at += VECTORS) {
		uint64_t n = count - at < VECTORS ? count - at : VECTORS;

		if (remote_read(pid, address + at * sizeof(vectors[0]), vectors,
				n * sizeof(vectors[0])) < 0)
			break;
		for (uint64_t i = 0; i < n; i++) {
			if (!*ret_first) {
				/* remote_read() filled them.
				 * NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Assign) */
				*ret_first = (uint64_t)(uintptr_t)vectors[i].iov_base;
			}
			sum += vectors[i].iov_len;
		}
	}
	return sum;
}
