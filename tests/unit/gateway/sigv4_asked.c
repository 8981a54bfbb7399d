/* What a guest's own signature says. */
#include "tests/unit/test.h"

#include "gateway/sigv4_asked.c"

#define SCOPE "AKID/20150830/eu-west-3/bedrock/aws4_request"

static const char *
read_one(const char *authorization, const char *query, const char *payload,
    struct sigv4_asked *a)
{
	struct field room[2];
	struct fields fields = {.at = room, .capacity = 2};

	if (authorization != NULL)
		room[fields.count++] = (struct field){
		    SLICE_LITERAL("AUTHORIZATION"), slice_of(authorization)};
	if (payload != NULL)
		room[fields.count++] = (struct field){
		    SLICE_LITERAL("x-amz-content-SHA256"), slice_of(payload)};
	return sigv4_read(&(struct sigv4_request){.query = slice_of(query),
			      .fields = &fields},
	    a);
}

static void
expect_slice(struct slice is, const char *wanted)
{
	char text[256] = "";

	EXPECT(is.len < sizeof(text));
	memcpy(text, is.at, is.len);
	EXPECT_TEXT(text, wanted);
}

TEST(a_signature_in_a_field_says_its_scope)
{
	static const char *const same[] = {
	    "AWS4-HMAC-SHA256 Credential=" SCOPE
	    ", SignedHeaders=host;x-amz-date, Signature=00",
	    "AWS4-HMAC-SHA256 Signature=00,SignedHeaders=host;x-amz-date,"
	    "Credential=place/holder/" SCOPE,
	};
	struct sigv4_asked a;

	for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
		EXPECT(read_one(same[i], "", "UNSIGNED-PAYLOAD", &a) == NULL);
		EXPECT(a.is_signed && !a.is_presigned);
		expect_slice(a.region, "eu-west-3");
		expect_slice(a.service, "bedrock");
		expect_slice(a.signed_fields, "host;x-amz-date");
		expect_slice(a.payload, "UNSIGNED-PAYLOAD");
	}
}

#define PRESIGNED                                                              \
	"?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20150830%"  \
	"2f"                                                                   \
	"us-east-1%2Fs3%2Faws4_request&X-Amz-Date=20150830T123600Z"            \
	"&X-Amz-Expires=60&X-Amz-SignedHeaders=host%3bx-a"

TEST(a_signature_in_the_query_says_its_scope)
{
	struct sigv4_asked a;
	struct slice rest, name;

	EXPECT(read_one(NULL, PRESIGNED "&%58-Amz-Signature=00", NULL, &a) ==
	    NULL);
	EXPECT(a.is_presigned && a.payload.len == 0);
	expect_slice(a.region, "us-east-1");
	expect_slice(a.service, "s3");
	expect_slice(a.date, "20150830T123600Z");
	rest = a.signed_fields;
	EXPECT(sigv4_next_field(&rest, &name));
	expect_slice(name, "host");
	EXPECT(sigv4_next_field(&rest, &name));
	expect_slice(name, "x-a");
	EXPECT(!sigv4_next_field(&rest, &name));
}

TEST(what_is_not_signed_is_told_from_what_is_signed_badly)
{
	struct sigv4_asked a;

	EXPECT(read_one(NULL, "", NULL, &a) == NULL && !a.is_signed);
	EXPECT(read_one("Bearer x", "?X-Amz-Date=1", NULL, &a) == NULL);
	EXPECT(!a.is_signed);
	EXPECT(read_one("AWS AKID:c2ln", "", NULL, &a) == is_of_another_kind);
	EXPECT(read_one("AWS4-ECDSA-P256-SHA256 Credential=x", "", NULL, &a) ==
	    is_of_another_kind);
	EXPECT(read_one("AWS4-HMAC-SHA256 Credential=" SCOPE, "", NULL, &a) ==
	    is_no_signature);
	EXPECT(read_one("AWS4-HMAC-SHA256 Credential=a/20150830/b d/s3/"
			"aws4_request, SignedHeaders=host",
		   "", NULL, &a) == is_no_signature);
	EXPECT(read_one(NULL, "?X-Amz-Signature=1", NULL, &a) ==
	    is_no_signature);
	EXPECT(read_one(NULL, PRESIGNED "&X-Amz-Signature=1&X-Amz-Date=2", NULL,
		   &a) == is_signed_twice);
	EXPECT(read_one("AWS4-HMAC-SHA256 Credential=" SCOPE
			",SignedHeaders=host",
		   PRESIGNED "&X-Amz-Signature=1", NULL,
		   &a) == is_signed_twice);
}

TEST(pieces_that_are_signed_cannot_be_signed_anew)
{
	struct sigv4_asked a;

	EXPECT(read_one(NULL, "", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", &a) ==
	    NULL);
	EXPECT(read_one(NULL, "", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", &a) ==
	    is_signed_in_pieces);
	EXPECT(read_one(NULL, "", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
		   &a) == is_signed_in_pieces);
}

TEST(a_value_is_two_or_three_parts)
{
	struct sigv4_key k;

	EXPECT(sigv4_key_parse(SLICE_LITERAL("ID se/cr+et="), &k));
	expect_slice(k.id, "ID");
	expect_slice(k.secret, "se/cr+et=");
	EXPECT_INT(k.token.len, 0);
	EXPECT(sigv4_key_parse(SLICE_LITERAL("ID:secret:to:ken=="), &k));
	expect_slice(k.token, "to:ken==");
	EXPECT(sigv4_key_parse(SLICE_LITERAL("ID secret tok:en=="), &k));
	expect_slice(k.token, "tok:en==");
	EXPECT(!sigv4_key_parse(SLICE_LITERAL("secret"), &k));
	EXPECT(!sigv4_key_parse(SLICE_LITERAL("ID "), &k));
	EXPECT(!sigv4_key_parse(SLICE_LITERAL(" secret"), &k));
	EXPECT(!sigv4_key_parse(SLICE_LITERAL("ID secret "), &k));
	EXPECT(!sigv4_key_parse(SLICE_LITERAL("I/D secret"), &k));
}
