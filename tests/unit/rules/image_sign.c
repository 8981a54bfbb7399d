/* image_sign.c - signatures: valid, another's, and every bit of them flipped */
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "rules/image_sign.c"

#include "base/memory.h"
#include "rules/image.h"

/* RFC 8410, section 10.3, and a second pair. */
static const char first_private[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
    "-----END PRIVATE KEY-----\n";
static const char first_public[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
    "-----END PUBLIC KEY-----\n";
static const char second_public[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MCowBQYDK2VwAyEA/zs8X34pHXd3R68ehl3UOBI9z7x8oUV+yq9Eex1hcoM=\n"
    "-----END PUBLIC KEY-----\n";
/* Of P-256, which is no Ed25519. */
static const char other_public[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt\n"
    "6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==\n"
    "-----END PUBLIC KEY-----\n";

static struct image_public_key
public_key(const char *pem)
{
	struct image_public_key key;

	EXPECT(image_public_key_read(slice_of(pem), &key, NULL));
	return key;
}

static uint8_t *
some_image(size_t *len)
{
	struct policy p;
	uint8_t *bytes;

	policy_init(&p);
	EXPECT(image_build(&p, &bytes, len, NULL));
	policy_done(&p);
	return bytes;
}

/* An image with its trailer behind it, to free. */
static char *
signed_file(struct slice *file)
{
	struct image_public_key public;
	struct image_trailer trailer;
	size_t len;
	uint8_t *image = some_image(&len);
	char *all = memory_array(len + sizeof(trailer), 1);

	EXPECT(image_sign((struct slice){(char *)image, len},
	    slice_of(first_private), &trailer, &public, NULL));
	EXPECT(memcmp(public.bytes, public_key(first_public).bytes,
		   IMAGE_KEY_BYTES) == 0);
	memcpy(all, image, len);
	memcpy(all + len, &trailer, sizeof(trailer));
	free(image);
	*file = (struct slice){all, len + sizeof(trailer)};
	return all;
}

static bool
is_taken(struct slice file, const char *pem)
{
	struct image_public_key keys[] = {
	    public_key(second_public), public_key(pem)};
	struct err err = {.kind = ERR_NONE};
	bool taken;

	taken = image_is_signed((struct slice){test_guarded(file.at, file.len),
				    file.len},
	    keys, 2, &err);
	EXPECT_INT(err.kind, taken ? ERR_NONE : ERR_CONF);
	return taken;
}

TEST(a_signature_by_a_named_key_is_valid)
{
	struct slice file;
	char *all = signed_file(&file), name[IMAGE_KEY_NAME];
	struct image_public_key key = public_key(first_public);

	EXPECT(is_taken(file, first_public));
	EXPECT(!is_taken(file, second_public));
	image_public_key_name(&key, name);
	EXPECT_INT(strlen(name), IMAGE_KEY_NAME - 1);
	free(all);
}

TEST(the_image_before_it_is_an_image)
{
	struct image_trailer trailer;
	struct slice file, image;
	char *all = signed_file(&file);
	struct image *opened;
	bool has_trailer;

	image = image_without_trailer(file, &trailer, &has_trailer);
	EXPECT(has_trailer);
	EXPECT_INT(image.len + sizeof(trailer), file.len);
	opened = image_open(image.at, image.len, NULL);
	EXPECT(opened != NULL);
	image_close(opened);
	image = image_without_trailer(image, &trailer, &has_trailer);
	EXPECT(!has_trailer && image.len + sizeof(trailer) == file.len);
	free(all);
}

/* In the image, and in each field of the trailer. */
TEST(no_bit_can_be_another)
{
	struct slice file;
	char *all = signed_file(&file);

	for (size_t n = 0; n < file.len; n++) {
		all[n] = (char)(all[n] ^ 1 << n % 8);
		if (is_taken(file, first_public))
			test_fail(__FILE__, __LINE__, "byte %zu of %zu", n,
			    file.len);
		all[n] = (char)(all[n] ^ 1 << n % 8);
	}
	EXPECT(is_taken(file, first_public));
	free(all);
}

TEST(a_cut_or_longer_file_is_not_signed)
{
	struct slice file;
	char *all = signed_file(&file), longer[8192] = "";

	for (size_t len = 0; len < file.len; len++)
		EXPECT(!is_taken(slice_first(file, len), first_public));
	EXPECT(file.len + 8 <= sizeof(longer));
	memcpy(longer, all, file.len);
	EXPECT(!is_taken((struct slice){longer, file.len + 8}, first_public));
	free(all);
}

TEST(a_signature_fits_no_other_image)
{
	struct image_trailer trailer;
	struct image_public_key public;
	struct slice file;
	char *all = signed_file(&file);

	/* Right in all but what was signed. */
	all[file.len - sizeof(trailer) - 1] ^= 1;
	EXPECT(image_sign((struct slice){all, file.len - sizeof(trailer)},
	    slice_of(first_private), &trailer, &public, NULL));
	all[file.len - sizeof(trailer) - 1] ^= 1;
	memcpy(all + file.len - sizeof(trailer), &trailer, sizeof(trailer));
	EXPECT(!is_taken(file, first_public));
	free(all);
}

TEST(only_ed25519_keys_are_read)
{
	static const char *const bad[] = {"", "x", first_private, other_public};
	struct image_public_key key;
	struct image_trailer trailer;
	struct err err;

	for (size_t n = 0; n < ARRAY_SIZE(bad); n++) {
		EXPECT(!image_public_key_read(slice_of(bad[n]), &key, &err));
		EXPECT_INT(err.kind, ERR_CONF);
	}
	EXPECT(!image_sign(slice_of("image"), slice_of(first_public), &trailer,
	    &key, &err));
	EXPECT_INT(err.kind, ERR_CONF);
}
