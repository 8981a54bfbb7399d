/* keeper_ca.c - an authority is made once, and only a sound one is loaded */
#include "tests/unit/test.h"

#include "gateway/keeper_ca.c"

#include <unistd.h>

static char directory[] = "/tmp/ca-test-XXXXXX";
static char cert[64], key[64];
static struct ca_files files = {cert, key, true};

static void
begin(void)
{
	EXPECT(mkdtemp(directory) != NULL);
	snprintf(cert, sizeof(cert), "%s/ca.pem", directory);
	snprintf(key, sizeof(key), "%s/ca.key", directory);
}

static void
finish(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", directory);
	EXPECT(system(command) == 0);
}

static struct ca *
open_ca(void)
{
	struct err err = {0};
	struct ca *ca = ca_open(&files, &err);

	if (!ca)
		test_fail(__FILE__, __LINE__, "%s", err.text);
	return ca;
}

static mode_t
mode_of(const char *path)
{
	struct stat st;

	EXPECT(stat(path, &st) == 0);
	return st.st_mode & 0777;
}

/* Opening must fail with a sentence that has `part` in it. */
static void
expect_refused(const char *part)
{
	struct err err = {0};
	struct ca *ca = ca_open(&files, &err);

	EXPECT(!ca);
	if (!strstr(err.text, part))
		test_fail(__FILE__, __LINE__, "expected \"%s\" in \"%s\"", part,
		    err.text);
	finish();
}

TEST(the_first_start_makes_one_that_stays)
{
	char first[CA_FINGERPRINT_TEXT], second[CA_FINGERPRINT_TEXT];
	struct ca *ca;

	begin();
	ca = open_ca();
	ca_fingerprint(ca, first);
	ca_close(ca);
	EXPECT_INT(mode_of(cert), 0644);
	EXPECT_INT(mode_of(key), 0600);
	ca = open_ca();
	ca_fingerprint(ca, second);
	ca_close(ca);
	EXPECT_TEXT(second, first);
	EXPECT_INT(strlen(first), 95);
	finish();
}

TEST(it_may_sign_leaves_and_no_other_authority)
{
	struct ca *ca;
	char name[64];

	begin();
	ca = open_ca();
	EXPECT_INT(X509_check_ca(ca->cert), 1);
	EXPECT_INT(X509_get_pathlen(ca->cert), 0);
	EXPECT_INT(X509_get_key_usage(ca->cert),
	    KU_KEY_CERT_SIGN | KU_CRL_SIGN);
	EXPECT(X509_get_ext_by_NID(ca->cert, NID_name_constraints, -1) == -1);
	EXPECT(X509_NAME_get_text_by_NID(X509_get_subject_name(ca->cert),
		   NID_commonName, name, sizeof(name)) == 20);
	EXPECT(strncmp(name, "Penstock CA ", 12) == 0);
	EXPECT(X509_verify(ca->cert, ca->key) == 1);
	EXPECT_INT(EVP_PKEY_get_bits(ca->key), 256);
	ca_close(ca);
	finish();
}

TEST(two_authorities_differ)
{
	char first[CA_FINGERPRINT_TEXT], second[CA_FINGERPRINT_TEXT];
	struct ca *ca;

	begin();
	ca = open_ca();
	ca_fingerprint(ca, first);
	ca_close(ca);
	EXPECT(unlink(cert) == 0);
	/* A key alone: nobody has its certificate, so both are new. */
	ca = open_ca();
	ca_fingerprint(ca, second);
	ca_close(ca);
	EXPECT(strcmp(first, second) != 0);
	finish();
}

TEST(a_certificate_without_its_key_is_not_replaced)
{
	begin();
	ca_close(open_ca());
	EXPECT(unlink(key) == 0);
	expect_refused("ca.key: No such file");
}

TEST(a_key_that_everybody_can_read_is_refused)
{
	begin();
	ca_close(open_ca());
	EXPECT(chmod(key, 0604) == 0);
	expect_refused("ca.key: everybody");
}

TEST(a_key_of_another_certificate_is_refused)
{
	char command[256];

	begin();
	ca_close(open_ca());
	snprintf(command, sizeof(command),
	    "openssl genpkey -algorithm EC -pkeyopt "
	    "ec_paramgen_curve:P-256 -out %s 2>/dev/null",
	    key);
	if (system(command) != 0)
		test_skip("no openssl program");
	expect_refused("is not the certificate of the key");
}

static void
make_with_openssl(const char *arguments)
{
	char command[512];

	snprintf(command, sizeof(command),
	    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
	    "-subj /CN=x -keyout %s -out %s %s 2>/dev/null && chmod 600 %s",
	    key, cert, arguments, key);
	if (system(command) != 0)
		test_skip("no openssl program");
}

TEST(a_leaf_is_no_authority)
{
	begin();
	make_with_openssl("-nodes -addext basicConstraints=CA:FALSE");
	expect_refused("is not the certificate of an authority");
}

TEST(a_key_with_a_passphrase_is_said_to_have_one)
{
	begin();
	make_with_openssl("-passout pass:secret");
	expect_refused("has a passphrase");
}

TEST(an_authority_from_elsewhere_is_taken)
{
	begin();
	make_with_openssl("-nodes");
	files.own = false;
	ca_close(open_ca());
	finish();
}

TEST(an_authority_from_elsewhere_is_never_made)
{
	begin();
	files.own = false;
	expect_refused("No such file");
}

TEST(what_is_no_certificate_is_named)
{
	FILE *f;

	begin();
	ca_close(open_ca());
	f = fopen(cert, "w");
	fputs("-----BEGIN CERTIFICATE-----\nnonsense\n", f);
	fclose(f);
	expect_refused("ca.pem: ");
}
