/* Losses and delays.
 *
 * A datagram is lost on its way in, before the service sees it: to the client that is the
 * same as a lost answer.  All answers are late by the same time, so those that are under
 * way stand in the order in which they are due. */
#include "serve/fault.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/chance.h"
#include "base/clock.h"
#include "base/limits.h"

bool fault_drops(struct fault *fault)
{
	return fault->drop_parts > 0 && chance_hits(&fault->chance, fault->drop_parts);
}

static size_t bytes_of(const struct fault_answer *answer)
{
	return sizeof(*answer) + answer->message.msg_controllen + answer->part.iov_len;
}

int fault_keep(struct fault *fault, const struct serve_spec *spec, int fd,
	       const struct msghdr *message, uint32_t requests, const char *remark,
	       int64_t now_ns)
{
	size_t n = message->msg_iov->iov_len;
	size_t size = sizeof(struct fault_answer) + message->msg_controllen + n;

	if (fault->bytes + size > LIMIT_DELAYED_BYTES)
		return -ENOBUFS;
	struct fault_answer *answer = malloc(size);
	if (!answer)
		return -ENOMEM;
	*answer = (struct fault_answer){
		.due_ns = clock_after_ns(now_ns, fault->delay_ns),
		.spec = spec,
		.fd = fd,
		.requests = requests,
		.message = *message,
		.part = {answer->storage + message->msg_controllen, n},
	};
	if (remark)
		snprintf(answer->remark, sizeof(answer->remark), "%s", remark);
	memcpy(&answer->peer, message->msg_name, message->msg_namelen);
	if (message->msg_controllen > 0)
		memcpy(answer->storage, message->msg_control, message->msg_controllen);
	if (n > 0)
		memcpy(answer->part.iov_base, message->msg_iov->iov_base, n);
	answer->message.msg_name = &answer->peer;
	answer->message.msg_iov = &answer->part;
	answer->message.msg_control =
		message->msg_controllen > 0 ? answer->storage : NULL;

	if (fault->last)
		fault->last->next = answer;
	else
		fault->first = answer;
	fault->last = answer;
	fault->bytes += size;
	return 0;
}

struct fault_answer *fault_take(struct fault *fault, int64_t now_ns)
{
	struct fault_answer *answer = fault->first;

	if (!answer || answer->due_ns > now_ns)
		return NULL;
	fault->first = answer->next;
	if (!fault->first)
		fault->last = NULL;
	fault->bytes -= bytes_of(answer);
	return answer;
}

void fault_answer_free(struct fault_answer *answer)
{
	free(answer);
}

int64_t fault_due_ns(const struct fault *fault)
{
	return fault->first ? fault->first->due_ns : INT64_MAX;
}

void fault_done(struct fault *fault)
{
	struct fault_answer *answer;

	while ((answer = fault_take(fault, INT64_MAX)))
		fault_answer_free(answer);
}
