/* TLS's fields. */
#include "dissect/dissect_tls.h"
#include "dissect/tls_name.h"

const struct sonde_field_info tls_fields[TLS_FIELDS] = {
	[TLS] = FIELD("tls", "Transport Layer Security", PROTOCOL),
	[TLS_RECORD] = FIELD("tls.record", "Record Layer", NOTE),
	[TLS_CONTENT_TYPE] = NUMBER("tls.record.content_type", "Content Type", 8, DECIMAL,
				    tls_record_types),
	[TLS_OPAQUE_TYPE] = NUMBER("tls.record.opaque_type", "Opaque Type", 8, DECIMAL,
				   tls_record_types),
	[TLS_RECORD_VERSION] =
		NUMBER("tls.record.version", "Version", 16, HEX, tls_versions),
	[TLS_RECORD_LENGTH] = NUMBER("tls.record.length", "Length", 16, DECIMAL, NULL),
	[TLS_CHANGE_CIPHER] =
		FIELD("tls.change_cipher_spec", "Change Cipher Spec Message", NOTE),
	[TLS_APP_DATA] = FIELD("tls.app_data", "Encrypted Application Data", BYTES),
	[TLS_ALERT] = FIELD("tls.alert_message", "Alert Message", NOTE),
	[TLS_ALERT_LEVEL] =
		NUMBER("tls.alert_message.level", "Level", 8, DECIMAL, tls_alert_levels),
	[TLS_ALERT_DESCRIPTION] =
		NUMBER("tls.alert_message.desc", "Description", 8, DECIMAL, tls_alerts),
	[TLS_HANDSHAKE] = FIELD("tls.handshake", "Handshake Protocol", NOTE),
	[TLS_HANDSHAKE_TYPE] = NUMBER("tls.handshake.type", "Handshake Type", 8, DECIMAL,
				      tls_handshakes),
	[TLS_HANDSHAKE_LENGTH] =
		NUMBER("tls.handshake.length", "Length", 24, DECIMAL, NULL),
	[TLS_FRAGMENTS] =
		FIELD("tls.handshake.fragments", "Reassembled Handshake Fragments", NOTE),
	[TLS_FRAGMENT] =
		NUMBER("tls.handshake.fragment", "Handshake Fragment", 32, DECIMAL, NULL),
	[TLS_FRAGMENT_COUNT] = NUMBER("tls.handshake.fragment.count",
				      "Handshake Fragment count", 32, DECIMAL, NULL),
	[TLS_VERSION] = NUMBER("tls.handshake.version", "Version", 16, HEX, tls_versions),
	[TLS_RANDOM] = FIELD("tls.handshake.random", "Random", BYTES),
	[TLS_SESSION_LENGTH] = NUMBER("tls.handshake.session_id_length",
				      "Session ID Length", 16, DECIMAL, NULL),
	[TLS_SESSION] = FIELD("tls.handshake.session_id", "Session ID", BYTES),
	[TLS_CIPHERS_LENGTH] = NUMBER("tls.handshake.cipher_suites_length",
				      "Cipher Suites Length", 16, DECIMAL, NULL),
	[TLS_CIPHERS] = FIELD("tls.handshake.ciphersuites", "Cipher Suites", NOTE),
	[TLS_CIPHER] =
		NUMBER("tls.handshake.ciphersuite", "Cipher Suite", 16, HEX, tls_ciphers),
	[TLS_METHODS_LENGTH] = NUMBER("tls.handshake.comp_methods_length",
				      "Compression Methods Length", 8, DECIMAL, NULL),
	[TLS_METHODS] = FIELD("tls.handshake.comp_methods", "Compression Methods", NOTE),
	[TLS_METHOD] = NUMBER("tls.handshake.comp_method", "Compression Method", 8,
			      DECIMAL, NULL),
	[TLS_EXTENSIONS_LENGTH] = NUMBER("tls.handshake.extensions_length",
					 "Extensions Length", 16, DECIMAL, NULL),
	[TLS_EXTENSION_TYPE] = NUMBER("tls.handshake.extension.type", "Type", 16, DECIMAL,
				      tls_extensions),
	[TLS_EXTENSION_LENGTH] =
		NUMBER("tls.handshake.extension.len", "Length", 16, DECIMAL, NULL),
	[TLS_EXTENSION_DATA] = FIELD("tls.handshake.extension.data", "Data", BYTES),
	[TLS_SNI_LIST_LENGTH] = NUMBER("tls.handshake.extensions_server_name_list_len",
				       "Server Name list length", 16, DECIMAL, NULL),
	[TLS_SNI_TYPE] = NUMBER("tls.handshake.extensions_server_name_type",
				"Server Name Type", 8, DECIMAL, NULL),
	[TLS_SNI_LENGTH] = NUMBER("tls.handshake.extensions_server_name_len",
				  "Server Name length", 16, DECIMAL, NULL),
	[TLS_SNI] = FIELD("tls.handshake.extensions_server_name", "Server Name", TEXT),
	[TLS_VERSIONS_LENGTH] = NUMBER("tls.handshake.extensions.supported_versions_len",
				       "Supported Versions length", 8, DECIMAL, NULL),
	[TLS_SUPPORTED_VERSION] = NUMBER("tls.handshake.extensions.supported_version",
					 "Supported Version", 16, HEX, tls_versions),
	[TLS_ALPN_LENGTH] = NUMBER("tls.handshake.extensions_alpn_len",
				   "ALPN Extension Length", 16, DECIMAL, NULL),
	[TLS_ALPN_LIST] =
		FIELD("tls.handshake.extensions_alpn_list", "ALPN Protocol", NOTE),
	[TLS_ALPN_STRING_LENGTH] = NUMBER("tls.handshake.extensions_alpn_str_len",
					  "ALPN string length", 8, DECIMAL, NULL),
	[TLS_ALPN] =
		FIELD("tls.handshake.extensions_alpn_str", "ALPN Next Protocol", TEXT),
	[TLS_GROUPS_LENGTH] = NUMBER("tls.handshake.extensions_supported_groups_length",
				     "Supported Groups List Length", 16, DECIMAL, NULL),
	[TLS_GROUPS] = FIELD("tls.handshake.extensions_supported_groups",
			     "Supported Groups List", NOTE),
	[TLS_GROUP] = NUMBER("tls.handshake.extensions_supported_group",
			     "Supported Group", 16, HEX, NULL),
	[TLS_SIGNATURES_LENGTH] =
		NUMBER("tls.handshake.sig_hash_alg_len",
		       "Signature Hash Algorithms Length", 16, DECIMAL, NULL),
	[TLS_SIGNATURES] =
		FIELD("tls.handshake.sig_hash_algs", "Signature Algorithms", NOTE),
	[TLS_SIGNATURE] = NUMBER("tls.handshake.sig_hash_alg", "Signature Algorithm", 16,
				 HEX, NULL),
	[TLS_CERTIFICATES_LENGTH] = NUMBER("tls.handshake.certificates_length",
					   "Certificates Length", 24, DECIMAL, NULL),
	[TLS_CERTIFICATES] = FIELD("tls.handshake.certificates", "Certificates", NOTE),
	[TLS_CERTIFICATE_LENGTH] = NUMBER("tls.handshake.certificate_length",
					  "Certificate Length", 24, DECIMAL, NULL),
	[TLS_CERTIFICATE] = FIELD("tls.handshake.certificate", "Certificate", BYTES),
};
