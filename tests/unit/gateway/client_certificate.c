/* client_certificate.c - what can be used to show who we are, and what cannot */
#include "tests/unit/test.h"

#include "gateway/client_certificate.c"

#include <openssl/rsa.h>

#include "base/text.h"

static EVP_PKEY *
new_key(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");

	EXPECT(key != NULL);
	return key;
}

struct who {
	const char *name;
	EVP_PKEY *key;
};

/* From `begins` to `ends`, seconds from now on. */
static X509 *
issue(const struct who *subject, const struct who *issuer, long begins,
    long ends)
{
	static long serial;
	X509 *cert = X509_new();
	X509_NAME *name = X509_NAME_new();

	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(cert), begins);
	X509_gmtime_adj(X509_getm_notAfter(cert), ends);
	X509_set_pubkey(cert, subject->key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN",
	    MBSTRING_UTF8, (const unsigned char *)subject->name, -1, -1, 0);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
	    (const unsigned char *)issuer->name, -1, -1, 0);
	X509_set_issuer_name(cert, name);
	X509_NAME_free(name);
	EXPECT(X509_sign(cert, issuer->key, EVP_sha256()) > 0);
	return cert;
}

static void
add(struct text *t, X509 *cert, EVP_PKEY *key)
{
	BIO *to = BIO_new(BIO_s_mem());
	char *at;
	long len;

	if (cert)
		PEM_write_bio_X509(to, cert);
	if (key)
		PEM_write_bio_PrivateKey(to, key, NULL, NULL, 0, NULL, NULL);
	len = BIO_get_mem_data(to, &at);
	text_add_slice(t, (struct slice){at, (size_t)len});
	BIO_free(to);
}

static struct client_certificate *
read_text(const struct text *t, struct err *err)
{
	return client_certificate_read((struct slice){test_guarded(t->at,
							  t->len),
					   t->len},
	    err);
}

static void
expect_no(const struct text *t, const char *why)
{
	struct err err = {0};

	EXPECT(read_text(t, &err) == NULL);
	if (!strstr(err.text, why))
		test_fail(__FILE__, __LINE__, "expected \"%s\" in \"%s\"", why,
		    err.text);
}

/* A leaf, two above it, and a stranger. */
static struct who root = {.name = "root"}, middle = {.name = "middle"},
		  leaf = {.name = "leaf"}, stranger = {.name = "stranger"};
static X509 *certs[4];
static struct text text;

static void
begin(void)
{
	struct who *all[] = {&root, &middle, &leaf, &stranger};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		all[i]->key = new_key();
	certs[0] = issue(&root, &root, -60, 3600);
	certs[1] = issue(&middle, &root, -60, 3600);
	certs[2] = issue(&leaf, &middle, -60, 3600);
	certs[3] = issue(&stranger, &stranger, -60, 3600);
	text_init(&text, 65536);
}

static void
finish(void)
{
	struct who *all[] = {&root, &middle, &leaf, &stranger};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		EVP_PKEY_free(all[i]->key);
		X509_free(certs[i]);
	}
	text_done(&text);
}

TEST(in_any_order_the_chain_is_in_order)
{
	struct client_certificate *c;
	struct err err = {0};

	begin();
	text_add(&text, "Bag Attributes\n    friendlyName: x\n");
	add(&text, certs[0], NULL);
	add(&text, certs[3], NULL);
	add(&text, NULL, leaf.key);
	add(&text, certs[2], NULL);
	add(&text, certs[1], NULL);
	c = read_text(&text, &err);
	EXPECT(c != NULL);
	EXPECT(X509_cmp(c->cert, certs[2]) == 0);
	EXPECT(EVP_PKEY_eq(c->key, leaf.key) == 1);
	EXPECT_INT(sk_X509_num(c->chain), 2);
	EXPECT(X509_cmp(sk_X509_value(c->chain, 0), certs[1]) == 0);
	EXPECT(X509_cmp(sk_X509_value(c->chain, 1), certs[0]) == 0);
	client_certificate_free(c);
	client_certificate_free(NULL);
	finish();
}

TEST(without_a_last_newline_too)
{
	struct err err = {0};
	struct client_certificate *c;

	begin();
	add(&text, certs[2], leaf.key);
	text.len--;
	c = read_text(&text, &err);
	EXPECT(c != NULL && sk_X509_num(c->chain) == 0);
	client_certificate_free(c);
	finish();
}

TEST(what_is_missing_is_said)
{
	begin();
	expect_no(&text, "no certificate");
	add(&text, certs[2], NULL);
	expect_no(&text, "no private key");
	add(&text, NULL, stranger.key);
	expect_no(&text, "of no certificate in it");
	add(&text, NULL, leaf.key);
	expect_no(&text, "two private keys");
	text_clear(&text);
	add(&text, NULL, leaf.key);
	expect_no(&text, "no certificate");
	finish();
}

/* Whatever is cut off, it is refused and not read beyond. */
TEST(a_part_of_it_is_nothing)
{
	struct err err;
	size_t len;

	begin();
	add(&text, certs[2], leaf.key);
	len = text.len;
	for (text.len = 0; text.len + sizeof("-----") < len; text.len += 7) {
		err = (struct err){0};
		EXPECT(read_text(&text, &err) == NULL);
		EXPECT(err.kind == ERR_USAGE);
	}
	finish();
}

TEST(other_things_have_no_place_in_it)
{
	begin();
	add(&text, certs[2], leaf.key);
	text_add(&text,
	    "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n"
	    "-----END CERTIFICATE REQUEST-----\n");
	expect_no(&text, "something else");
	finish();
}

TEST(an_encrypted_key_is_told_apart)
{
	BIO *to = BIO_new(BIO_s_mem());
	char *at;
	long len;

	begin();
	add(&text, certs[2], NULL);
	PEM_write_bio_PKCS8PrivateKey(to, leaf.key, EVP_aes_128_cbc(), "x", 1,
	    NULL, NULL);
	len = BIO_get_mem_data(to, &at);
	text_add_slice(&text, (struct slice){at, (size_t)len});
	BIO_free(to);
	expect_no(&text, "encrypted");
	finish();
}

TEST(a_weak_key_is_refused_where_tls_would)
{
	struct who weak = {"weak", EVP_RSA_gen(1024)};
	X509 *cert = issue(&weak, &weak, -60, 3600);

	begin();
	add(&text, cert, weak.key);
	expect_no(&text, "too weak");
	X509_free(cert);
	EVP_PKEY_free(weak.key);
	finish();
}

TEST(more_than_so_much_is_not_looked_at)
{
	static char large[CLIENT_CERTIFICATE_MAX + 1];
	struct err err = {0};

	memset(large, '\n', sizeof(large));
	EXPECT(client_certificate_read((struct slice){large, sizeof(large)},
		   &err) == NULL);
	EXPECT(strstr(err.text, "16384 bytes") != NULL);
	EXPECT(client_certificate_read((struct slice){large, 1}, NULL) == NULL);
}

TEST(dates_are_kept_and_told)
{
	struct client_certificate c = {
	    .begins = 1000000000, .ends = 2000000000};
	char shown[CLIENT_CERTIFICATE_TEXT];
	struct err err = {0};

	EXPECT(client_certificate_is_valid(&c, 1000000000, &err));
	EXPECT(client_certificate_is_valid(&c, 1999999999, &err));
	EXPECT(!client_certificate_is_valid(&c, 2000000000, &err));
	EXPECT_TEXT(err.text, "its certificate has expired on 2033-05-18");
	EXPECT(!client_certificate_is_valid(&c, 999999999, &err));
	EXPECT_TEXT(err.text, "its certificate is not valid before 2001-09-09");

	begin();
	c.cert = certs[2];
	client_certificate_show(&c, 1999999999, shown);
	EXPECT_TEXT(shown, "CN=leaf until 2033-05-18");
	client_certificate_show(&c, 2000000000, shown);
	EXPECT_TEXT(shown, "CN=leaf expired 2033-05-18");
	finish();
}

TEST(a_long_name_is_cut_and_printable)
{
	char name[64], shown[CLIENT_CERTIFICATE_TEXT];
	struct who long_one = {name, new_key()};
	struct client_certificate c = {.ends = 2000000000};

	memset(name, 'x', sizeof(name) - 1);
	memcpy(name, "\x1b[1m\n\xc3\xa4", 7);
	name[sizeof(name) - 1] = '\0';
	c.cert = issue(&long_one, &long_one, 0, 60);
	client_certificate_show(&c, 0, shown);
	for (const char *at = shown; *at; at++)
		EXPECT(*at >= ' ' && *at <= '~');
	EXPECT(strstr(shown, " until 2033-05-18") != NULL);
	X509_free(c.cert);
	EVP_PKEY_free(long_one.key);
}
