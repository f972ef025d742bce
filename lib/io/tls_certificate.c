/* Certificates: made for a run, fingerprints, and what they say. */
#include "io/tls_parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <sonde/address.h>
#include <sonde/text.h>

#include "base/hex.h"

enum {
	MADE_DAYS = 30,
	DAY_S = 24 * 60 * 60,
	SERIAL_BYTES = 16,
};

static bool add_extension(X509 *certificate, int nid, const char *value)
{
	X509V3_CTX context;

	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	if (!extension)
		return false;
	int added = X509_add_ext(certificate, extension, -1);
	X509_EXTENSION_free(extension);
	return added == 1;
}

/* For the name, and for this machine's loopback. */
static bool add_names(X509 *certificate, const char *name)
{
	struct sonde_address address;
	char names[400];
	X509_NAME *subject = X509_get_subject_name(certificate);
	bool is_number = sonde_address_parse_host(name, &address) == 0;

	snprintf(names, sizeof(names), "%s:%s,DNS:localhost,IP:127.0.0.1,IP:::1",
		 is_number ? "IP" : "DNS", name);
	return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
					  (const unsigned char *)name, -1, -1, 0) == 1 &&
	       X509_set_issuer_name(certificate, subject) == 1 &&
	       add_extension(certificate, NID_subject_alt_name, names);
}

static bool add_serial(X509 *certificate)
{
	unsigned char bytes[SERIAL_BYTES];
	BIGNUM *number;
	bool is_set = false;

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return false;
	bytes[0] &= 0x7f; /* serial numbers are positive */
	number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	if (number)
		is_set = BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) !=
			 NULL;
	BN_free(number);
	return is_set;
}

/* Valid since yesterday: clocks differ. */
static bool fill(X509 *certificate, EVP_PKEY *key, const char *name)
{
	return X509_set_version(certificate, X509_VERSION_3) == 1 &&
	       add_serial(certificate) &&
	       X509_gmtime_adj(X509_getm_notBefore(certificate), -DAY_S) &&
	       X509_gmtime_adj(X509_getm_notAfter(certificate), MADE_DAYS * DAY_S) &&
	       X509_set_pubkey(certificate, key) == 1 && add_names(certificate, name) &&
	       add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_extension(certificate, NID_key_usage, "critical,digitalSignature") &&
	       X509_sign(certificate, key, EVP_sha256()) > 0;
}

int tls_certificate_make(SSL_CTX *ctx, const char *name)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();
	int r = -EINVAL;

	if (key && certificate && fill(certificate, key, name) &&
	    SSL_CTX_use_certificate(ctx, certificate) == 1 &&
	    SSL_CTX_use_PrivateKey(ctx, key) == 1)
		r = 0;
	X509_free(certificate);
	EVP_PKEY_free(key);
	return r;
}

/* --- fingerprints */

int tls_certificate_digest(X509 *certificate, uint8_t ret[TLS_DIGEST_BYTES])
{
	unsigned length = TLS_DIGEST_BYTES;

	return X509_digest(certificate, EVP_sha256(), ret, &length) == 1 ? 0 : -ENOMEM;
}

void tls_certificate_format(const uint8_t digest[TLS_DIGEST_BYTES],
			    char ret[SONDE_TLS_FINGERPRINT_CHARS])
{
	struct sonde_text text;

	sonde_text_init(&text, ret, SONDE_TLS_FINGERPRINT_CHARS);
	sonde_text_add(&text, "sha256");
	for (size_t i = 0; i < TLS_DIGEST_BYTES; i++)
		sonde_text_add(&text, ":%02X", digest[i]);
}

int tls_certificate_parse_pin(const char *text, uint8_t ret[TLS_DIGEST_BYTES])
{
	static const char prefix[] = "sha256:";
	uint8_t digest[TLS_DIGEST_BYTES];

	if (strncasecmp(text, prefix, sizeof(prefix) - 1) == 0)
		text += sizeof(prefix) - 1;
	for (size_t i = 0; i < TLS_DIGEST_BYTES; i++) {
		if (i > 0 && *text == ':')
			text++;
		int high = hex_digit(text[0]);
		int low = high < 0 ? -1 : hex_digit(text[1]);
		if (low < 0)
			return -EINVAL;
		digest[i] = (uint8_t)(high << 4 | low);
		text += 2;
	}
	if (*text)
		return -EINVAL;
	memcpy(ret, digest, sizeof(digest));
	return 0;
}

/* --- what they say */

static void format_name(const X509_NAME *name, char *ret, size_t capacity)
{
	BIO *memory = BIO_new(BIO_s_mem());
	char *chars;

	ret[0] = '\0';
	if (!memory)
		return;
	X509_NAME_print_ex(memory, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
	long n = BIO_get_mem_data(memory, &chars);
	struct sonde_text text;
	sonde_text_init(&text, ret, capacity);
	sonde_text_add_bytes(&text, chars, n > 0 ? (size_t)n : 0);
	BIO_free(memory);
}

void tls_certificate_describe(X509 *certificate, struct sonde_tls_details *ret)
{
	uint8_t digest[TLS_DIGEST_BYTES];
	struct tm end;

	format_name(X509_get_subject_name(certificate), ret->subject,
		    sizeof(ret->subject));
	format_name(X509_get_issuer_name(certificate), ret->issuer, sizeof(ret->issuer));
	if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) == 1)
		strftime(ret->not_after, sizeof(ret->not_after), "%Y-%m-%d %H:%M:%S UTC",
			 &end);
	if (tls_certificate_digest(certificate, digest) == 0)
		tls_certificate_format(digest, ret->fingerprint);
}
