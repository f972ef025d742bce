/* Names of TLS's numbers, of IANA's registries. */
#ifndef DISSECT_TLS_NAME_H
#define DISSECT_TLS_NAME_H

#include <sonde/dissect.h>

extern const struct sonde_value_name tls_record_types[], tls_versions[], tls_columns[],
	tls_handshakes[], tls_alert_levels[], tls_alerts[], tls_extensions[],
	tls_ciphers[];

#endif
