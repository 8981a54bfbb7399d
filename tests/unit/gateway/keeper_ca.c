/* keeper_ca.c - an authority is made once, and only a sound one is loaded */
#include "tests/unit/test.h"

#include "gateway/keeper_ca.c"

#include <openssl/x509_vfy.h>
#include <unistd.h>

#include "gateway/ca_stores.h"
#include "gateway/keeper_mint.h"
#include "tests/unit/gateway/keeper_asked.h"

static char directory[] = "/tmp/ca-test-XXXXXX";
static char cert[64], key[64], previous[64], trust[64], bundle[64];
static struct ca_files files = {
    .cert = cert,
    .key = key,
    .own = true,
    .previous = previous,
    .trust = trust,
    .bundle = bundle,
};

static void
begin(void)
{
	EXPECT(mkdtemp(directory) != NULL);
	snprintf(cert, sizeof(cert), "%s/ca.pem", directory);
	snprintf(key, sizeof(key), "%s/ca.key", directory);
	snprintf(previous, sizeof(previous), "%s/previous.pem", directory);
	snprintf(trust, sizeof(trust), "%s/trust.pem", directory);
	snprintf(bundle, sizeof(bundle), "%s/bundle.pem", directory);
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

TEST(it_may_sign_leaves_and_its_successor_alone)
{
	struct ca *ca;
	char name[64];
	X509 *own;

	begin();
	ca = open_ca();
	own = ca_certificate(ca);
	EXPECT_INT(X509_check_ca(own), 1);
	EXPECT_INT(X509_get_pathlen(own), 1);
	EXPECT_INT(X509_get_key_usage(own), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
	EXPECT(X509_get_ext_by_NID(own, NID_name_constraints, -1) == -1);
	EXPECT(X509_NAME_get_text_by_NID(X509_get_subject_name(own),
		   NID_commonName, name, sizeof(name)) == 20);
	EXPECT(strncmp(name, "Penstock CA ", 12) == 0);
	EXPECT(X509_verify(own, ca->key) == 1);
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

/* --- several certificates --- */

static void
run(const char *command)
{
	if (system(command) != 0)
		test_skip("no openssl program");
}

/* root, middle (signed by it) and lower (signed by the middle), which is ours;
 * ca.pem holds those of `which`, from the directory. */
static void
make_three(const char *which)
{
	char command[2048];

	snprintf(command, sizeof(command),
	    "cd %s && for n in root middle lower; do openssl genpkey "
	    "-algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out $n.key && "
	    "openssl req -new -key $n.key -subj /CN=$n -out $n.csr; done "
	    "2>/dev/null; echo basicConstraints=critical,CA:TRUE >x; "
	    "openssl x509 -req -in root.csr -signkey root.key -extfile x "
	    "-days 900 -out root.pem 2>/dev/null && "
	    "openssl x509 -req -in middle.csr -CA root.pem -CAkey root.key "
	    "-CAcreateserial -extfile x -days 800 -out middle.pem 2>/dev/null "
	    "&& openssl x509 -req -in lower.csr -CA middle.pem -CAkey "
	    "middle.key -CAcreateserial -extfile x -days 900 -out lower.pem "
	    "2>/dev/null && cp lower.key ca.key && chmod 600 ca.key && "
	    "cat %s >ca.pem",
	    directory, which);
	run(command);
	files.own = false;
}

TEST(a_chain_is_taken_as_it_will_be_sent)
{
	struct ca *ca;

	begin();
	make_three("lower.pem middle.pem root.pem");
	ca = open_ca();
	EXPECT_INT(sk_X509_num(ca->certs), 3);
	EXPECT(ca_chain(ca).len > 600);
	/* No longer than the one of them that ends first. */
	EXPECT_INT((ca_ends(ca) - (int64_t)time(NULL) + 3600) / 86400, 800);
	ca_close(ca);
	finish();
}

TEST(a_chain_with_a_gap_is_refused)
{
	begin();
	make_three("lower.pem root.pem");
	expect_refused("certificate 2 in it has not signed certificate 1");
}

TEST(a_chain_begins_with_the_certificate_of_the_key)
{
	begin();
	make_three("middle.pem root.pem");
	expect_refused("is not the certificate of the key");
}

/* --- what others trust us by --- */

static int
certificates_in(const char *path)
{
	STACK_OF(X509) *certs = load_certs(path, NULL);
	int count = certs ? sk_X509_num(certs) : 0;

	sk_X509_pop_free(certs, X509_free);
	return count;
}

TEST(a_bundle_is_what_others_trust_and_ours)
{
	char *ours, *all;
	size_t ours_len, all_len;
	struct err err;

	begin();
	ca_close(open_ca());
	EXPECT_INT(certificates_in(trust), 1);
	EXPECT(file_read(trust, 1 << 20, &ours, &ours_len, &err));
	EXPECT(file_read(bundle, 1 << 23, &all, &all_len, &err));
	EXPECT(all_len >= ours_len);
	EXPECT_TEXT(all + all_len - ours_len, ours);
	EXPECT(!strstr(all, "PRIVATE KEY"));
	EXPECT_INT(mode_of(trust), 0644);
	free(ours);
	free(all);
	finish();
}

/* --- rotation --- */

/* Does who trusts `root` alone take what `ca` signs today? */
static bool
trusts(X509 *root, const struct ca *ca)
{
	EVP_PKEY *leaf_key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	uint8_t point[LEAF_POINT];
	const unsigned char *at;
	struct minted minted;
	struct mint *mint;
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	STACK_OF(X509) *sent = sk_X509_new_null();
	struct err err;
	struct target t;
	bool does;
	X509 *leaf;

	EXPECT(target_parse(SLICE_LITERAL("api.test:443"), 0, &t, NULL));
	write_point(leaf_key, point);
	mint = mint_new(ca, point);
	EXPECT(mint && mint_leaf(mint, &t, (int64_t)time(NULL), &minted, &err));
	at = minted.der;
	leaf = d2i_X509(NULL, &at, (long)minted.len);
	EXPECT(leaf != NULL);
	OPENSSL_free(minted.der);
	mint_free(mint);
	if (ca->cross)
		sk_X509_push(sent, ca->cross);
	X509_STORE_add_cert(store, root);
	X509_STORE_CTX_init(context, store, leaf, sent);
	does = X509_verify_cert(context) == 1;
	X509_STORE_CTX_free(context);
	X509_STORE_free(store);
	sk_X509_free(sent);
	X509_free(leaf);
	EVP_PKEY_free(leaf_key);
	return does;
}

static struct ca *
rotate_ca(int64_t overlap_s)
{
	struct err err = {0};
	struct ca *ca = ca_rotate(&files, overlap_s, &err);

	if (!ca)
		test_fail(__FILE__, __LINE__, "%s", err.text);
	return ca;
}

TEST(who_trusts_the_old_one_alone_can_go_on)
{
	struct ca *old, *next;

	begin();
	old = open_ca();
	next = rotate_ca(7200);
	EXPECT(X509_cmp(ca_certificate(old), ca_certificate(next)) != 0);
	EXPECT(EVP_PKEY_eq(old->key, next->key) != 1);
	EXPECT(trusts(ca_certificate(old), next));
	EXPECT(trusts(ca_certificate(next), next));
	EXPECT_INT(certificates_in(trust), 2);
	EXPECT(ca_overlap_ends(next) > time(NULL) + 7100 &&
	    ca_overlap_ends(next) <= time(NULL) + 7200);
	EXPECT_INT(mode_of(key), 0600);
	ca_close(next);
	/* And so it stays. */
	next = open_ca();
	EXPECT(trusts(ca_certificate(old), next));
	EXPECT_INT(certificates_in(trust), 2);
	ca_close(next);
	ca_close(old);
	finish();
}

TEST(without_an_overlap_nothing_of_the_old_one_is_left)
{
	struct ca *old, *next;

	begin();
	old = open_ca();
	next = rotate_ca(0);
	EXPECT(!trusts(ca_certificate(old), next));
	EXPECT(trusts(ca_certificate(next), next));
	EXPECT_INT(certificates_in(trust), 1);
	EXPECT_INT(ca_overlap_ends(next), 0);
	EXPECT(access(previous, F_OK) == -1);
	ca_close(next);
	ca_close(old);
	finish();
}

TEST(an_overlap_ends)
{
	struct ca *next;

	begin();
	ca_close(open_ca());
	next = rotate_ca(1);
	ca_close(next);
	sleep(2);
	next = open_ca();
	EXPECT_INT(ca_overlap_ends(next), 0);
	EXPECT_INT(certificates_in(trust), 1);
	EXPECT(access(previous, F_OK) == -1);
	ca_close(next);
	finish();
}

TEST(what_another_authority_says_is_no_overlap)
{
	char other[80];

	begin();
	ca_close(open_ca());
	ca_close(rotate_ca(7200));
	snprintf(other, sizeof(other), "%s/other.pem", directory);
	EXPECT(rename(previous, other) == 0);
	ca_close(rotate_ca(0));
	EXPECT(rename(other, previous) == 0);
	ca_close(open_ca());
	EXPECT_INT(certificates_in(trust), 1);
	EXPECT(access(previous, F_OK) == -1);
	finish();
}

/* All next files are there, `names` of them with their own name already. */
static void
expect_finished(const char *names)
{
	char command[512], first[CA_FINGERPRINT_TEXT];
	char second[CA_FINGERPRINT_TEXT];
	struct ca *ca;

	begin();
	ca = open_ca();
	ca_fingerprint(ca, first);
	ca_close(ca);
	/* The new one's files, put back to before they had their names. */
	snprintf(command, sizeof(command), "cd %s && mkdir old && cp ca.* old",
	    directory);
	EXPECT(system(command) == 0);
	ca = rotate_ca(7200);
	ca_fingerprint(ca, second);
	ca_close(ca);
	snprintf(command, sizeof(command),
	    "cd %s && for f in ca.pem ca.key previous.pem; do mv $f $f.next; "
	    "done && cp old/* . && for f in %s; do mv $f.next $f; done",
	    directory, names);
	EXPECT(system(command) == 0);
	ca = open_ca();
	ca_fingerprint(ca, first);
	EXPECT_TEXT(first, second);
	EXPECT(ca_overlap_ends(ca) != 0);
	ca_close(ca);
	finish();
}

TEST(a_rotation_cut_short_is_finished)
{
	expect_finished("");
}

TEST(a_rotation_cut_short_later_is_finished)
{
	expect_finished("previous.pem");
}

TEST(a_rotation_cut_short_before_its_end_is_finished)
{
	expect_finished("previous.pem ca.key");
}

TEST(a_rotation_that_has_not_happened_has_not_begun)
{
	char command[256], first[CA_FINGERPRINT_TEXT];
	char second[CA_FINGERPRINT_TEXT];
	struct ca *ca;

	begin();
	ca = open_ca();
	ca_fingerprint(ca, first);
	ca_close(ca);
	snprintf(command, sizeof(command),
	    "cd %s && echo x >ca.key.next && echo y >previous.pem.next",
	    directory);
	EXPECT(system(command) == 0);
	ca = open_ca();
	ca_fingerprint(ca, second);
	EXPECT_TEXT(second, first);
	ca_close(ca);
	finish();
}

/* --- a sandbox's own --- */

static char box[64] = "web-1";

static X509_NAME_ENTRY *
entry(const struct ca *ca, int nid)
{
	X509_NAME *name = X509_get_subject_name(ca_certificate(ca));
	int at = X509_NAME_get_index_by_NID(name, nid, -1);

	return at < 0 ? NULL : X509_NAME_get_entry(name, at);
}

static void
expect_subject_of(const struct ca *ca, const char *sandbox)
{
	X509_NAME_ENTRY *e = entry(ca, NID_organizationalUnitName);
	const ASN1_STRING *text;

	EXPECT(entry(ca, NID_commonName) && e);
	text = X509_NAME_ENTRY_get_data(e);
	EXPECT_INT(ASN1_STRING_length(text), strlen(sandbox));
	EXPECT(!memcmp(ASN1_STRING_get0_data(text), sandbox, strlen(sandbox)));
}

TEST(a_sandboxs_own_one_names_it_also_after_a_rotation)
{
	struct ca *ca, *next;

	begin();
	files.sandbox = box;
	ca = open_ca();
	expect_subject_of(ca, box);
	next = rotate_ca(7200);
	expect_subject_of(next, box);
	EXPECT(trusts(ca_certificate(ca), next));
	EXPECT(trusts(ca_certificate(next), next));
	ca_close(ca);
	ca_close(next);
	ca_close(open_ca());
	finish();
}

TEST(the_longest_name_has_room)
{
	struct ca *ca;

	begin();
	memset(box, 'x', 63);
	box[63] = '\0';
	files.sandbox = box;
	ca = open_ca();
	expect_subject_of(ca, box);
	ca_close(ca);
	ca_close(open_ca());
	finish();
}

TEST(the_shared_one_names_none)
{
	struct ca *ca;

	begin();
	ca = open_ca();
	EXPECT(!entry(ca, NID_organizationalUnitName));
	ca_close(ca);
	finish();
}

TEST(anothers_is_not_taken)
{
	static const char *const others[] = {
	    "web-2", "web-", "web-10", "WEB-1", ""};

	begin();
	files.sandbox = box;
	ca_close(open_ca());
	for (size_t n = 0; n < ARRAY_SIZE(others); n++) {
		struct err err = {0};

		files.sandbox = others[n];
		EXPECT(!ca_open(&files, &err));
		EXPECT(strstr(err.text, "ca.pem: is not the CA of this"));
		EXPECT(!ca_rotate(&files, 0, &err));
	}
	files.sandbox = box;
	ca_close(open_ca());
	finish();
}

TEST(the_shared_one_is_no_sandboxs)
{
	begin();
	ca_close(open_ca());
	files.sandbox = box;
	expect_refused("is not the CA of this sandbox");
}

TEST(a_sandboxs_bundle_is_kept_right_once_it_is_there)
{
	struct err err = {0};
	size_t ours_len, all_len;
	char *ours, *all;

	begin();
	files.sandbox = box;
	ca_close(open_ca());
	EXPECT_INT(certificates_in(trust), 1);
	EXPECT(access(bundle, F_OK) == -1);
	EXPECT(ca_stores_write_bundle(bundle, SLICE_LITERAL("old"), &err));
	ca_close(open_ca());
	EXPECT(file_read(trust, 1 << 20, &ours, &ours_len, &err));
	EXPECT(file_read(bundle, 1 << 23, &all, &all_len, &err));
	EXPECT(all_len >= ours_len);
	EXPECT_TEXT(all + all_len - ours_len, ours);
	EXPECT_INT(mode_of(bundle), 0644);
	free(ours);
	free(all);
	finish();
}

TEST(what_is_published_already_is_not_written_again)
{
	struct stat first, second;

	begin();
	ca_close(open_ca());
	EXPECT(stat(trust, &first) == 0);
	ca_close(open_ca());
	EXPECT(stat(trust, &second) == 0);
	EXPECT(first.st_ino == second.st_ino);
	ca_close(rotate_ca(7200));
	EXPECT_INT(certificates_in(trust), 2);
	EXPECT(stat(trust, &second) == 0);
	EXPECT(first.st_ino != second.st_ino);
	finish();
}

/* --- many --- */

#define MANY 6

static char many_paths[MANY][2][64];
static struct ca_files many_files[MANY];
static struct ca_opening many[MANY];

static void
prepare_many(void)
{
	for (int n = 0; n < MANY; n++) {
		snprintf(many_paths[n][0], 64, "%s/%d.pem", directory, n);
		snprintf(many_paths[n][1], 64, "%s/%d.key", directory, n);
		many_files[n] = (struct ca_files){.cert = many_paths[n][0],
		    .key = many_paths[n][1],
		    .own = true};
		many[n] = (struct ca_opening){.files = &many_files[n]};
	}
}

static void
close_many(void)
{
	for (int n = 0; n < MANY; n++)
		ca_close(many[n].ca);
}

TEST(many_are_made_at_once_and_loaded_at_once)
{
	char first[MANY][CA_FINGERPRINT_TEXT], second[CA_FINGERPRINT_TEXT];
	struct err err = {0};
	size_t at;

	begin();
	prepare_many();
	EXPECT(ca_open_all(many, MANY, &at, &err));
	for (int n = 0; n < MANY; n++) {
		EXPECT(many[n].is_new);
		EXPECT_INT(mode_of(many_paths[n][0]), 0644);
		EXPECT_INT(mode_of(many_paths[n][1]), 0600);
		ca_fingerprint(many[n].ca, first[n]);
		for (int m = 0; m < n; m++)
			EXPECT(strcmp(first[m], first[n]) != 0);
	}
	close_many();
	prepare_many();
	EXPECT(ca_open_all(many, MANY, &at, &err));
	for (int n = 0; n < MANY; n++) {
		EXPECT(!many[n].is_new);
		ca_fingerprint(many[n].ca, second);
		EXPECT_TEXT(second, first[n]);
	}
	close_many();
	finish();
}

TEST(one_of_many_that_is_unsound_is_named)
{
	struct err err = {0};
	size_t at;

	begin();
	prepare_many();
	EXPECT(ca_open_all(many, MANY, &at, &err));
	close_many();
	prepare_many();
	EXPECT(chmod(many_paths[3][1], 0644) == 0);
	EXPECT(!ca_open_all(many, MANY, &at, &err));
	EXPECT_INT(at, 3);
	EXPECT(strstr(err.text, "3.key: everybody"));
	for (int n = 0; n < MANY; n++)
		EXPECT(!many[n].ca);
	finish();
}

/* Killed when the keys were there and no certificate was. */
TEST(keys_without_certificates_are_made_anew)
{
	struct err err = {0};
	size_t at;

	begin();
	prepare_many();
	EXPECT(ca_open_all(many, MANY, &at, &err));
	close_many();
	for (int n = 0; n < MANY; n++)
		EXPECT(unlink(many_paths[n][0]) == 0);
	prepare_many();
	EXPECT(ca_open_all(many, MANY, &at, &err));
	for (int n = 0; n < MANY; n++)
		EXPECT(many[n].is_new);
	close_many();
	finish();
}
