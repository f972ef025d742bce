/* bind() and listen() that failed, where the program did not find another way. */
#include "finding/finding_bind.h"

#include <errno.h>

/* It did the same to a socket after all: the failure was part of its plan. */
static bool went_on(const struct finding_facts *facts, const struct sonde_call *failed)
{
	for (uint32_t i = failed->call; i < facts->recording->call_count; i++) {
		const struct sonde_call *call = &facts->recording->calls[i];

		if (call->kind == failed->kind && call->program == failed->program &&
		    call->result == 0 && call->enter_ns > failed->enter_ns)
			return true;
	}
	return false;
}

void finding_bind(const struct finding_facts *facts, struct finding_list *list)
{
	char address[SONDE_ADDRESS_CHARS];
	struct sonde_finding *finding;

	for (uint32_t i = 0; i < facts->recording->call_count; i++) {
		const struct sonde_call *call = &facts->recording->calls[i];
		uint32_t statement = fact_statement(facts, call->call);

		if ((call->kind != SONDE_CALL_BIND && call->kind != SONDE_CALL_LISTEN) ||
		    !call_returned(call) || call->result >= 0 || went_on(facts, call))
			continue;
		if (call->result == -EADDRINUSE)
			finding_in_use(facts, list, call);
		if (call->kind != SONDE_CALL_BIND)
			continue;
		sonde_address_format(&call->address, address);
		switch (call->result) {
		case -EADDRNOTAVAIL:
			finding = finding_add(facts, list, "address-not-here",
					      SONDE_ERROR, 0, statement);
			if (fact_loopback_turned(&call->address)) {
				finding_why(finding,
					    "bind() to %s failed: that is a loopback "
					    "address with its bytes in the other order.",
					    address);
				finding_remedy(finding, FACT_TURNED_REMEDY);
				break;
			}
			finding_why(finding,
				    "bind() to %s failed: no interface of this machine "
				    "has that address.",
				    address);
			finding_remedy(finding, "Take one that \"ip address\" lists, or "
						"0.0.0.0 (::) for all of them.");
			break;
		case -EACCES:
			finding = finding_add(facts, list, "port-privileged", SONDE_ERROR,
					      0, statement);
			finding_why(finding,
				    "bind() to %s failed: ports below 1024 are kept for "
				    "privileged programs.",
				    address);
			finding_remedy(finding, "Take a port from 1024 on, or give the "
						"program CAP_NET_BIND_SERVICE.");
			break;
		default:
			break;
		}
	}
}
