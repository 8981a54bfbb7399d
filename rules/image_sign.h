/* image_sign.h - who has approved this compiled policy?
 *
 * A signature stands behind the image in a trailer of its own: the image's
 * bytes do not change, and whoever wants no signature cuts it off. It is an
 * Ed25519 signature over a text that says what is signed and the SHA-256 of
 * all bytes of the image. */
#ifndef RULES_IMAGE_SIGN_H
#define RULES_IMAGE_SIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

#define IMAGE_KEY_BYTES 32
#define IMAGE_KEY_NAME 17 /* the first half of its id in hex, with NUL */

struct image_public_key {
	uint8_t bytes[IMAGE_KEY_BYTES];
};

struct image_trailer {
	char magic[8];
	uint32_t version, byte_order;
	uint64_t length;    /* of the image before it */
	uint8_t key_id[32]; /* SHA-256 of the public key */
	uint8_t signature[64];
};

/* Of a PEM file's text ("BEGIN PUBLIC KEY"). err: ERR_CONF, a clause. */
bool image_public_key_read(struct slice pem, struct image_public_key *key,
    struct err *err);
void image_public_key_name(const struct image_public_key *key,
    char out[IMAGE_KEY_NAME]);

/* Signs with a private key in PEM form (PKCS#8, not encrypted): the trailer to
 * be written behind the image, and the public half of the key. */
bool image_sign(struct slice image, struct slice private_pem,
    struct image_trailer *trailer, struct image_public_key *public,
    struct err *err);

/* A file's bytes as image and trailer. Without a trailer all is the image, and
 * *has_trailer false; whatever is no whole trailer belongs to the image, which
 * image_open() then refuses. */
struct slice image_without_trailer(struct slice file,
    struct image_trailer *trailer, bool *has_trailer);
/* Is `file` an image with a valid signature by one of these keys? ERR_CONF:
 * why not, as a clause. */
bool image_is_signed(struct slice file, const struct image_public_key *keys,
    size_t key_count, struct err *err);

#endif
