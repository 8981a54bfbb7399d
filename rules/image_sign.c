/* image_sign.c - who has approved this compiled policy?
 *
 * The hash covers the image from its first byte to its last, also what only
 * people read, so that no file name or comment can be exchanged either. The
 * trailer's own fields are not covered: its length must be the image's, the
 * key's id only says which key to try, and everything else would make the
 * signature fail.
 */
#include "rules/image_sign.h"

#include <assert.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/check.h"

#define TRAILER_MAGIC "PENSIGN\n"
#define TRAILER_VERSION 1u
#define TRAILER_BYTE_ORDER 0x01020304u
#define DIGEST_BYTES 32

/* No other program that signs with the same key means this by it. */
static const char domain[] = "Penstock compiled policy, signature 1";

#define MESSAGE_BYTES (sizeof(domain) + DIGEST_BYTES)

static_assert(sizeof(struct image_trailer) == 120, "no hidden padding");
static_assert(sizeof(struct image_trailer) % 8 == 0, "images stay aligned");

static void
sha256(struct slice bytes, uint8_t out[DIGEST_BYTES])
{
	CHECK(EVP_Digest(bytes.at, bytes.len, out, NULL, EVP_sha256(), NULL) ==
	    1);
}

/* The domain ends in its NUL: no text is the beginning of another. */
static void
message_of(struct slice image, uint8_t out[MESSAGE_BYTES])
{
	memcpy(out, domain, sizeof(domain));
	sha256(image, out + sizeof(domain));
}

static void
key_id_of(const struct image_public_key *key, uint8_t id[DIGEST_BYTES])
{
	sha256((struct slice){(const char *)key->bytes, sizeof(key->bytes)},
	    id);
}

void
image_public_key_name(const struct image_public_key *key,
    char out[IMAGE_KEY_NAME])
{
	uint8_t id[DIGEST_BYTES];

	key_id_of(key, id);
	hex_format(id, (IMAGE_KEY_NAME - 1) / 2, out);
}

/* --- keys --- */

/* Nobody is asked for a passphrase. */
static int
no_passphrase(char *out, int size, int writing, void *owner)
{
	(void)out;
	(void)size;
	(void)writing;
	(void)owner;
	return -1;
}

static EVP_PKEY *
read_pem(struct slice pem, bool private)
{
	BIO *bio = BIO_new_mem_buf(pem.at, (int)pem.len);
	EVP_PKEY *key;

	CHECK(bio != NULL);
	key = private ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL)
		      : PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, NULL);
	BIO_free(bio);
	if (key && !EVP_PKEY_is_a(key, "ED25519")) {
		EVP_PKEY_free(key);
		return NULL;
	}
	return key;
}

static void
public_half(EVP_PKEY *key, struct image_public_key *out)
{
	size_t len = sizeof(out->bytes);

	CHECK(EVP_PKEY_get_raw_public_key(key, out->bytes, &len) == 1 &&
	    len == sizeof(out->bytes));
}

bool
image_public_key_read(struct slice pem, struct image_public_key *key,
    struct err *err)
{
	EVP_PKEY *read = read_pem(pem, false);

	if (!read)
		return err_set(err, ERR_CONF,
		    "is no Ed25519 public key in PEM form "
		    "(openssl pkey -in KEY.pem -pubout writes one)");
	public_half(read, key);
	EVP_PKEY_free(read);
	return true;
}

/* --- signing --- */

bool
image_sign(struct slice image, struct slice private_pem,
    struct image_trailer *trailer, struct image_public_key *public,
    struct err *err)
{
	EVP_PKEY *key = read_pem(private_pem, true);
	EVP_MD_CTX *context;
	uint8_t message[MESSAGE_BYTES];
	size_t len = sizeof(trailer->signature);

	if (!key)
		return err_set(err, ERR_CONF,
		    "is no Ed25519 private key in PEM form without a "
		    "passphrase (openssl genpkey -algorithm ed25519 makes "
		    "one)");
	*trailer = (struct image_trailer){
	    .version = TRAILER_VERSION,
	    .byte_order = TRAILER_BYTE_ORDER,
	    .length = image.len,
	};
	memcpy(trailer->magic, TRAILER_MAGIC, sizeof(trailer->magic));
	public_half(key, public);
	key_id_of(public, trailer->key_id);
	message_of(image, message);
	context = EVP_MD_CTX_new();
	CHECK(context &&
	    EVP_DigestSignInit(context, NULL, NULL, NULL, key) == 1 &&
	    EVP_DigestSign(context, trailer->signature, &len, message,
		sizeof(message)) == 1 &&
	    len == sizeof(trailer->signature));
	EVP_MD_CTX_free(context);
	EVP_PKEY_free(key);
	return true;
}

/* --- checking --- */

struct slice
image_without_trailer(struct slice file, struct image_trailer *trailer,
    bool *has_trailer)
{
	size_t len = file.len - sizeof(*trailer);

	*has_trailer = false;
	if (file.len < sizeof(*trailer))
		return file;
	memcpy(trailer, file.at + len, sizeof(*trailer));
	if (memcmp(trailer->magic, TRAILER_MAGIC, sizeof(trailer->magic)) !=
		0 ||
	    trailer->version != TRAILER_VERSION ||
	    trailer->byte_order != TRAILER_BYTE_ORDER || trailer->length != len)
		return file;
	*has_trailer = true;
	return slice_first(file, len);
}

static bool
verify(const struct image_public_key *key, const uint8_t *signature,
    size_t signature_len, const uint8_t message[MESSAGE_BYTES])
{
	EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
	    key->bytes, sizeof(key->bytes));
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool valid;

	valid = pkey && context &&
	    EVP_DigestVerifyInit(context, NULL, NULL, NULL, pkey) == 1 &&
	    EVP_DigestVerify(context, signature, signature_len, message,
		MESSAGE_BYTES) == 1;
	EVP_MD_CTX_free(context);
	EVP_PKEY_free(pkey);
	return valid;
}

static const struct image_public_key *
key_with_id(const struct image_public_key *keys, size_t count,
    const uint8_t id[DIGEST_BYTES])
{
	uint8_t is[DIGEST_BYTES];

	for (size_t n = 0; n < count; n++) {
		key_id_of(&keys[n], is);
		if (memcmp(is, id, sizeof(is)) == 0)
			return &keys[n];
	}
	return NULL;
}

bool
image_is_signed(struct slice file, const struct image_public_key *keys,
    size_t key_count, struct err *err)
{
	const struct image_public_key *key;
	struct image_trailer trailer;
	uint8_t message[MESSAGE_BYTES];
	char name[IMAGE_KEY_NAME];
	bool has_trailer;
	struct slice image = image_without_trailer(file, &trailer,
	    &has_trailer);

	if (!has_trailer)
		return err_set(err, ERR_CONF,
		    "the compiled policy has no signature, and "
		    "require_signature asks for one");
	hex_format(trailer.key_id, (IMAGE_KEY_NAME - 1) / 2, name);
	key = key_with_id(keys, key_count, trailer.key_id);
	if (!key)
		return err_set(err, ERR_CONF,
		    "the compiled policy is signed by the key %s, which "
		    "require_signature does not name",
		    name);
	message_of(image, message);
	if (!verify(key, trailer.signature, sizeof(trailer.signature), message))
		return err_set(err, ERR_CONF,
		    "the signature of the compiled policy is not valid: the "
		    "file was changed after the key %s signed it",
		    name);
	return true;
}
