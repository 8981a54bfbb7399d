/* placeholder.c - what a guest holds in a secret's place
 *
 * HMAC-SHA256 under the seed gives as many bytes as are wanted, block by
 * block. A byte becomes one character of the alphabet; the highest values are
 * passed over where the alphabet does not divide 256, because a remainder
 * would make some characters likelier than others, which is how a guess
 * begins.
 */
#include "gateway/placeholder.h"

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>

#include "base/check.h"
#include "base/slice.h"
#include "rules/secret_binding.h"

static_assert(PLACEHOLDER_MAX == PLACEHOLDER_LONGEST + 1,
    "any placeholder fits");

#define BLOCK 32 /* of SHA-256 */
/* What else may come to be made of the seed has another label. */
#define LABEL "penstock placeholder 1"

/* A stream of bytes that nobody without the seed can tell from random ones. */
struct stream {
	const uint8_t *seed;
	const char *sandbox, *secret;
	uint8_t block[BLOCK];
	uint8_t number; /* of the next block */
	size_t used;
};

/* Names are ended by their NUL, so that no two pairs read the same. */
static bool
add_block(EVP_MAC_CTX *c, const struct stream *s)
{
	return EVP_MAC_update(c, (const uint8_t *)LABEL, sizeof(LABEL)) &&
	    EVP_MAC_update(c, (const uint8_t *)s->sandbox,
		strlen(s->sandbox) + 1) &&
	    EVP_MAC_update(c, (const uint8_t *)s->secret,
		strlen(s->secret) + 1) &&
	    EVP_MAC_update(c, &s->number, 1);
}

static void
next_block(struct stream *s)
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *c = EVP_MAC_CTX_new(mac);
	char digest[] = "SHA256";
	OSSL_PARAM parameters[] = {
	    OSSL_PARAM_construct_utf8_string("digest", digest, 0),
	    OSSL_PARAM_construct_end()};
	size_t len;

	CHECK(c && EVP_MAC_init(c, s->seed, PLACEHOLDER_SEED, parameters) &&
	    add_block(c, s) && EVP_MAC_final(c, s->block, &len, BLOCK) &&
	    len == BLOCK);
	EVP_MAC_CTX_free(c);
	EVP_MAC_free(mac);
	s->number++;
	s->used = 0;
}

static char
next_character(struct stream *s, const char *alphabet, size_t count)
{
	for (;;) {
		uint8_t byte;

		if (s->used == BLOCK)
			next_block(s);
		byte = s->block[s->used++];
		if (byte < 256 / count * count)
			return alphabet[byte % count];
	}
}

/* The shape that is used, whatever the text. */
static struct placeholder_shape
shape_of(const struct secret_binding *b)
{
	struct slice text = slice_of(b->placeholder ? b->placeholder : "");
	struct placeholder_shape shape;

	if (placeholder_shape_parse(text, &shape, NULL) &&
	    shape.before.len + shape.count + shape.after.len < PLACEHOLDER_MAX)
		return shape;
	return (struct placeholder_shape){
	    .before = slice_first(text, PLACEHOLDER_MAX - 1),
	    .after = {"", 0},
	    .alphabet = "",
	};
}

void
placeholder_make(const uint8_t seed[PLACEHOLDER_SEED], const char *sandbox,
    const struct secret_binding *b, char out[PLACEHOLDER_MAX])
{
	struct placeholder_shape shape = shape_of(b);
	struct stream stream = {
	    .seed = seed, .sandbox = sandbox, .secret = b->name, .used = BLOCK};
	size_t letters = strlen(shape.alphabet);

	memcpy(out, shape.before.at, shape.before.len);
	out += shape.before.len;
	for (size_t n = 0; letters && n < shape.count; n++)
		*out++ = next_character(&stream, shape.alphabet, letters);
	if (shape.after.len)
		memcpy(out, shape.after.at, shape.after.len);
	out[shape.after.len] = '\0';
}

bool
placeholder_is_canary(const struct secret_binding *b)
{
	return *shape_of(b).alphabet != '\0';
}
