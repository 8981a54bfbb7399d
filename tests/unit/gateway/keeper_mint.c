/* keeper_mint.c - a certificate is read again by OpenSSL and checked as a
 * client would */
#include "tests/unit/test.h"

#include "gateway/keeper_mint.c"

#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/gateway/keeper_asked.h"

static uint8_t point[LEAF_POINT];
static char directory[] = "/tmp/mint-test-XXXXXX";
static struct ca *ca;
static EVP_PKEY *key;
static struct mint *the_mint;
static X509 *minted[64]; /* so that none is lost */
static size_t minted_count;

static void
begin(void)
{
	static char cert[64], ca_key[64];
	struct ca_files files = {.cert = cert, .key = ca_key, .own = true};
	struct err err = {0};

	EXPECT(mkdtemp(directory) != NULL);
	snprintf(cert, sizeof(cert), "%s/ca.pem", directory);
	snprintf(ca_key, sizeof(ca_key), "%s/ca.key", directory);
	ca = ca_open(&files, &err);
	EXPECT(ca != NULL);
	unlink(cert);
	unlink(ca_key);
	rmdir(directory);
	key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	write_point(key, point);
	the_mint = mint_new(ca, point);
	EXPECT(the_mint != NULL);
}

static X509 *
read_minted(struct minted *m)
{
	const unsigned char *at = m->der;
	X509 *cert = d2i_X509(NULL, &at, (long)m->len);

	EXPECT(cert && at == m->der + m->len);
	OPENSSL_free(m->der);
	return cert;
}

static X509 *
mint_at(const char *host, int64_t now)
{
	struct err err = {0};
	struct minted m;
	struct target t;

	EXPECT(target_parse(slice_of(host), 443, &t, NULL));
	if (!mint_leaf(the_mint, &t, now, &m, &err))
		test_fail(__FILE__, __LINE__, "%s", err.text);
	EXPECT(minted_count < ARRAY_SIZE(minted));
	return minted[minted_count++] = read_minted(&m);
}

static X509 *
mint(const char *host)
{
	return mint_at(host, (int64_t)time(NULL));
}

/* As a client that trusts our CA and wants a server. */
static int
verify(X509 *cert, const char *host, const char *address)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param;
	int result;

	X509_STORE_add_cert(store, ca_certificate(ca));
	X509_STORE_CTX_init(context, store, cert, NULL);
	param = X509_STORE_CTX_get0_param(context);
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT);
	X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER);
	if (host)
		X509_VERIFY_PARAM_set1_host(param, host, 0);
	if (address)
		EXPECT(X509_VERIFY_PARAM_set1_ip_asc(param, address) == 1);
	X509_verify_cert(context);
	result = X509_STORE_CTX_get_error(context);
	X509_STORE_CTX_free(context);
	X509_STORE_free(store);
	return result;
}

static void
subject(X509 *cert, char out[256])
{
	if (X509_NAME_get_text_by_NID(X509_get_subject_name(cert),
		NID_commonName, out, 256) < 0)
		out[0] = '\0';
}

TEST(a_client_takes_it_for_its_host_and_no_other)
{
	X509 *cert;

	begin();
	cert = mint("api.example.com:8443");
	EXPECT_INT(verify(cert, "api.example.com", NULL), X509_V_OK);
	EXPECT_INT(verify(cert, "example.com", NULL),
	    X509_V_ERR_HOSTNAME_MISMATCH);
	EXPECT_INT(verify(cert, "x.api.example.com", NULL),
	    X509_V_ERR_HOSTNAME_MISMATCH);
	EXPECT_INT(X509_check_ca(cert), 0);
	EXPECT(X509_check_private_key(cert, key) == 1);
}

TEST(what_stands_in_it)
{
	char name[256];
	X509 *cert;

	begin();
	cert = mint("api.example.com");
	subject(cert, name);
	EXPECT_TEXT(name, "api.example.com");
	EXPECT_INT(X509_get_version(cert), X509_VERSION_3);
	EXPECT_INT(X509_get_extension_flags(cert) & (EXFLAG_CA | EXFLAG_SS), 0);
	EXPECT_INT(X509_get_key_usage(cert), KU_DIGITAL_SIGNATURE);
	EXPECT_INT(X509_get_extended_key_usage(cert), XKU_SSL_SERVER);
	EXPECT(X509_get0_subject_key_id(cert) != NULL);
	EXPECT(ASN1_OCTET_STRING_cmp(X509_get0_authority_key_id(cert),
		   X509_get0_subject_key_id(ca_certificate(ca))) == 0);
	EXPECT_INT(X509_get_signature_nid(cert), NID_ecdsa_with_SHA256);
}

TEST(serial_numbers_are_positive_long_and_never_the_same)
{
	ASN1_INTEGER *last = NULL;

	begin();
	for (int n = 0; n < 20; n++) {
		X509 *cert = mint("a.test");
		ASN1_INTEGER *serial = X509_get_serialNumber(cert);

		EXPECT_INT(ASN1_STRING_length(serial), 16);
		EXPECT_INT(ASN1_STRING_type(serial), V_ASN1_INTEGER);
		EXPECT(!last || ASN1_INTEGER_cmp(last, serial) != 0);
		last = serial;
	}
}

TEST(addresses_are_addresses_not_names)
{
	X509 *cert;

	begin();
	cert = mint("192.0.2.7:443");
	EXPECT_INT(verify(cert, NULL, "192.0.2.7"), X509_V_OK);
	EXPECT_INT(verify(cert, NULL, "192.0.2.8"),
	    X509_V_ERR_IP_ADDRESS_MISMATCH);
	cert = mint("[2001:db8::7]:443");
	EXPECT_INT(verify(cert, NULL, "2001:db8::7"), X509_V_OK);
	EXPECT_INT(verify(cert, NULL, "2001:db8::8"),
	    X509_V_ERR_IP_ADDRESS_MISMATCH);
}

TEST(localhost_has_all_of_its_names)
{
	X509 *cert;

	begin();
	cert = mint("host.docker.internal:11434");
	EXPECT_INT(verify(cert, "localhost", NULL), X509_V_OK);
	EXPECT_INT(verify(cert, "host.docker.internal", NULL), X509_V_OK);
	EXPECT_INT(verify(cert, "gateway.docker.internal", NULL), X509_V_OK);
	EXPECT_INT(verify(cert, NULL, "127.0.0.1"), X509_V_OK);
	EXPECT_INT(verify(cert, NULL, "::1"), X509_V_OK);
	EXPECT_INT(verify(cert, NULL, "127.0.0.2"),
	    X509_V_ERR_IP_ADDRESS_MISMATCH);
}

static int
alternative_names_are_critical(X509 *cert)
{
	int at = X509_get_ext_by_NID(cert, NID_subject_alt_name, -1);

	EXPECT(at >= 0);
	return X509_EXTENSION_get_critical(X509_get_ext(cert, at));
}

TEST(a_long_name_stands_in_the_alternative_names_alone)
{
	char host[300], name[256];
	X509 *cert;

	begin();
	/* 64 bytes still fit in a common name. */
	snprintf(host, sizeof(host), "%060d.com", 0);
	host[0] = 'a';
	cert = mint(host);
	subject(cert, name);
	EXPECT_INT(strlen(host), 64);
	EXPECT_TEXT(name, host);
	EXPECT(!alternative_names_are_critical(cert));
	snprintf(host, sizeof(host), "%061d.com", 0);
	host[0] = 'a';
	cert = mint(host);
	EXPECT_INT(X509_NAME_entry_count(X509_get_subject_name(cert)), 0);
	EXPECT(alternative_names_are_critical(cert));
	EXPECT_INT(verify(cert, host, NULL), X509_V_OK);
	/* The longest there is. */
	snprintf(host, sizeof(host), "%063d.%063d.%063d.%057d.com", 0, 0, 0, 0);
	host[0] = 'a';
	EXPECT_INT(strlen(host), 253);
	EXPECT_INT(verify(mint(host), host, NULL), X509_V_OK);
}

/* Days from now, rounded. */
static int
days_until(const ASN1_TIME *time)
{
	int days, seconds;

	EXPECT(ASN1_TIME_diff(&days, &seconds, NULL, time) == 1);
	return seconds > 43200 ? days + 1 : seconds < -43200 ? days - 1 : days;
}

TEST(it_is_valid_since_yesterday_and_not_for_long)
{
	X509 *cert;

	begin();
	cert = mint("a.test");
	EXPECT_INT(days_until(X509_get0_notBefore(cert)), -1);
	EXPECT_INT(days_until(X509_get0_notAfter(cert)), MINT_DAYS);
	EXPECT(MINT_DAYS + 1 <= 90);
}

TEST(it_never_outlives_its_authority)
{
	X509 *cert;

	begin();
	cert = mint_at("a.test", ca_ends(ca) - 3 * DAY_S);
	EXPECT(ASN1_TIME_compare(X509_get0_notAfter(cert),
		   X509_get0_notAfter(ca_certificate(ca))) == 0);
	cert = mint_at("a.test", ca_begins(ca) + 60);
	EXPECT(ASN1_TIME_compare(X509_get0_notBefore(cert),
		   X509_get0_notBefore(ca_certificate(ca))) == 0);
}

TEST(an_authority_that_has_ended_signs_nothing)
{
	struct err err = {0};
	struct minted m;
	struct target t;

	begin();
	EXPECT(target_parse(SLICE_LITERAL("a.test:1"), 0, &t, NULL));
	EXPECT(!mint_leaf(the_mint, &t, ca_ends(ca), &m, &err));
	EXPECT(strstr(err.text, "has ended") != NULL);
	EXPECT(!mint_leaf(the_mint, &t, ca_begins(ca) - 1, &m, &err));
	EXPECT(strstr(err.text, "not valid yet") != NULL);
}

/* One certificate is changed for each host: nothing of the last one stays. */
TEST(each_is_for_its_own_host_alone)
{
	X509 *one, *two, *three;
	char name[256], host[300];

	begin();
	one = mint("localhost:1");
	snprintf(host, sizeof(host), "%061d.com", 0);
	host[0] = 'a';
	two = mint(host);
	three = mint("b.test");
	EXPECT_INT(verify(one, "localhost", NULL), X509_V_OK);
	EXPECT_INT(verify(two, host, NULL), X509_V_OK);
	EXPECT_INT(verify(two, "localhost", NULL),
	    X509_V_ERR_HOSTNAME_MISMATCH);
	EXPECT_INT(verify(three, "b.test", NULL), X509_V_OK);
	EXPECT_INT(verify(three, host, NULL), X509_V_ERR_HOSTNAME_MISMATCH);
	EXPECT_INT(verify(three, NULL, "127.0.0.1"),
	    X509_V_ERR_IP_ADDRESS_MISMATCH);
	EXPECT(!alternative_names_are_critical(three));
	subject(three, name);
	EXPECT_TEXT(name, "b.test");
	EXPECT_INT(X509_get_ext_count(one), 6);
	EXPECT_INT(X509_get_ext_count(two), 6);
	EXPECT_INT(X509_get_ext_count(three), 6);
}

static bool
is_key(void)
{
	struct mint *m = mint_new(ca, point);

	mint_free(m);
	return m != NULL;
}

TEST(a_point_is_one_of_the_curve_or_no_key)
{
	begin();
	EXPECT(is_key());
	point[40] ^= 1;
	EXPECT(!is_key());
	point[40] ^= 1;
	point[0] = 2;
	EXPECT(!is_key());
	point[0] = 6; /* hybrid */
	EXPECT(!is_key());
	memset(point, 0, sizeof(point));
	EXPECT(!is_key());
	memset(point, 0xff, sizeof(point));
	point[0] = 4;
	EXPECT(!is_key());
}

static struct ca *
another_ca(void)
{
	static char cert[64], ca_key[64];
	struct ca_files files = {
	    .cert = cert, .key = ca_key, .own = true, .sandbox = "web"};
	struct err err = {0};
	struct ca *other;

	memcpy(directory + strlen(directory) - 6, "XXXXXX", 6);
	EXPECT(mkdtemp(directory) != NULL);
	snprintf(cert, sizeof(cert), "%s/ca.pem", directory);
	snprintf(ca_key, sizeof(ca_key), "%s/ca.key", directory);
	other = ca_open(&files, &err);
	EXPECT(other != NULL);
	unlink(cert);
	unlink(ca_key);
	rmdir(directory);
	return other;
}

static bool
is_by(X509 *leaf, const struct ca *signer)
{
	X509 *authority = ca_certificate(signer);

	return X509_check_issued(authority, leaf) == X509_V_OK &&
	    X509_verify(leaf, X509_get0_pubkey(authority)) == 1;
}

/* All that says who signs is another: name, number, signature. */
TEST(one_key_is_signed_by_several_authorities)
{
	struct ca *other;
	X509 *leaf;

	begin();
	other = another_ca();
	for (int n = 0; n < 6; n++) {
		const struct ca *now = n % 2 ? other : ca;
		const struct ca *not = n % 2 ? ca : other;

		mint_use(the_mint, now);
		leaf = mint(n < 3 ? "a.test" : "b.test");
		EXPECT(is_by(leaf, now) && !is_by(leaf, not ));
		EXPECT(!X509_NAME_cmp(X509_get_issuer_name(leaf),
		    X509_get_subject_name(ca_certificate(now))));
		EXPECT(!ASN1_OCTET_STRING_cmp(X509_get0_authority_key_id(leaf),
		    X509_get0_subject_key_id(ca_certificate(now))));
		EXPECT_INT(X509_get_ext_count(leaf), 6);
		EXPECT(X509_check_private_key(leaf, key) == 1);
	}
	ca_close(other);
}
