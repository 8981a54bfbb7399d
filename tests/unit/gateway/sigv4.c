/* AWS Signature Version 4, held beside the signatures that AWS publishes for
 * its test requests (key AKIDEXAMPLE, 30 August 2015). */
#include "tests/unit/test.h"

#include "gateway/sigv4.c"

#define KEY_ID "AKIDEXAMPLE"
#define KEY_SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define EMPTY_BODY                                                             \
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define DATE_FIELD                                                             \
	{                                                                      \
		SLICE_LITERAL("X-Amz-Date"), SLICE_LITERAL("20150830T123600Z") \
	}
#define FIELDS_MAX 8

struct vector {
	const char *name, *method, *path, *query, *signed_fields;
	struct field fields[FIELDS_MAX];
	const char *signature;
};

static const struct vector vectors[] = {
    {"get-vanilla", "GET", "/", "", "host;x-amz-date", {DATE_FIELD},
	"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"post-vanilla", "POST", "/", "", "host;x-amz-date", {DATE_FIELD},
	"5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
    {"get-header-key-duplicate", "GET", "/", "", "host;my-header1;x-amz-date",
	{DATE_FIELD, {SLICE_LITERAL("My-Header1"), SLICE_LITERAL("value2")},
	    {SLICE_LITERAL("my-header1"), SLICE_LITERAL("value2")},
	    {SLICE_LITERAL("My-Header1"), SLICE_LITERAL("value1")}},
	"c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
    {"get-header-value-order", "GET", "/", "", "host;my-header1;x-amz-date",
	{DATE_FIELD, {SLICE_LITERAL("My-Header1"), SLICE_LITERAL("value4")},
	    {SLICE_LITERAL("My-Header1"), SLICE_LITERAL("value1")},
	    {SLICE_LITERAL("My-Header1"), SLICE_LITERAL("value3")},
	    {SLICE_LITERAL("My-Header1"), SLICE_LITERAL("value2")}},
	"08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"},
    {"get-header-value-trim", "GET", "/", "",
	"host;my-header1;my-header2;x-amz-date",
	{DATE_FIELD, {SLICE_LITERAL("My-Header1"), SLICE_LITERAL(" value1")},
	    {SLICE_LITERAL("My-Header2"), SLICE_LITERAL("\"a   b   c\"")}},
	"acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
    {"get-relative-normalized", "GET", "/example/..", "", "host;x-amz-date",
	{DATE_FIELD},
	"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-relative-relative-normalized", "GET", "/example1/example2/../..", "",
	"host;x-amz-date", {DATE_FIELD},
	"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-slash-dot-slash-normalized", "GET", "/./", "", "host;x-amz-date",
	{DATE_FIELD},
	"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-slash-normalized", "GET", "//", "", "host;x-amz-date", {DATE_FIELD},
	"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-slash-pointless-dot-normalized", "GET", "/./example", "",
	"host;x-amz-date", {DATE_FIELD},
	"ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"},
    {"get-slashes-normalized", "GET", "//example//", "", "host;x-amz-date",
	{DATE_FIELD},
	"9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
    /* Their requests are not encoded yet: what is encoded here is what the
     * wire's spelling would be encoded to. */
    {"get-space-normalized", "GET", "/example space/", "", "host;x-amz-date",
	{DATE_FIELD},
	"652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
    {"get-utf8", "GET", "/\xe1\x88\xb4", "", "host;x-amz-date", {DATE_FIELD},
	"8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
    {"get-unreserved", "GET",
	"/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
	"", "host;x-amz-date", {DATE_FIELD},
	"07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
    {"get-vanilla-empty-query-key", "GET", "/", "?Param1=value1",
	"host;x-amz-date", {DATE_FIELD},
	"a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
    {"get-vanilla-query-order-key-case", "GET", "/",
	"?Param2=value2&Param1=value1", "host;x-amz-date", {DATE_FIELD},
	"b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
    {"get-vanilla-query-order-encoded", "GET", "/",
	"?Param-3=Value3&Param=Value2&%E1%88%B4=Value1", "host;x-amz-date",
	{DATE_FIELD},
	"371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac"},
    {"get-vanilla-query-unreserved", "GET", "/",
	"?-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz="
	"-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
	"host;x-amz-date", {DATE_FIELD},
	"9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"},
    {"get-vanilla-utf8-query", "GET", "/", "?\xe1\x88\xb4=bar",
	"host;x-amz-date", {DATE_FIELD},
	"2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
    {"post-header-key-sort", "POST", "/", "", "host;my-header1;x-amz-date",
	{DATE_FIELD, {SLICE_LITERAL("My-Header1"), SLICE_LITERAL("value1")}},
	"c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
    {"post-header-value-case", "POST", "/", "", "host;my-header1;x-amz-date",
	{DATE_FIELD, {SLICE_LITERAL("My-Header1"), SLICE_LITERAL("VALUE1")}},
	"cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"},
    {"post-vanilla-query", "POST", "/", "?Param1=value1", "host;x-amz-date",
	{DATE_FIELD},
	"28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"},
};

static struct fields
fields_of(struct field *at, size_t room)
{
	struct fields f = {.at = at, .capacity = room};

	while (f.count < room && at[f.count].name.at != NULL)
		f.count++;
	return f;
}

static void
expect_signature(const struct sigv4_request *r, const struct sigv4_options *o,
    const char *wanted)
{
	struct sigv4_options all = *o;
	char signature[SIGV4_HEX];

	all.id = SLICE_LITERAL(KEY_ID);
	all.secret = SLICE_LITERAL(KEY_SECRET);
	all.date = SLICE_LITERAL("20150830T123600Z");
	all.region = SLICE_LITERAL("us-east-1");
	EXPECT(sigv4_sign(r, &all, signature));
	EXPECT_TEXT(signature, wanted);
}

TEST(signatures_are_those_that_aws_publishes)
{
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		const struct vector *v = &vectors[i];
		struct field room[FIELDS_MAX];
		struct fields fields;

		memcpy(room, v->fields, sizeof(room));
		fields = fields_of(room, FIELDS_MAX);
		expect_signature(
		    &(struct sigv4_request){.method = slice_of(v->method),
			.path = slice_of(v->path),
			.query = slice_of(v->query),
			.host = SLICE_LITERAL("example.amazonaws.com"),
			.fields = &fields},
		    &(struct sigv4_options){.service = SLICE_LITERAL("service"),
			.signed_fields = slice_of(v->signed_fields),
			.payload = SLICE_LITERAL(EMPTY_BODY)},
		    v->signature);
	}
}

TEST(a_body_is_signed_by_its_hash)
{
	char hash[SIGV4_HEX];
	struct field room[] = {DATE_FIELD,
	    {SLICE_LITERAL("Content-Type"),
		SLICE_LITERAL("application/x-www-form-urlencoded")},
	    {SLICE_LITERAL("Content-Length"), SLICE_LITERAL("13")},
	    {SLICE_LITERAL("X-Amz-Content-Sha256"), {hash, SIGV4_HEX - 1}}};
	struct fields fields = {room, ARRAY_SIZE(room), ARRAY_SIZE(room)};

	sigv4_hash(SLICE_LITERAL("Param1=value1"), hash);
	expect_signature(&(struct sigv4_request){.method =
						     SLICE_LITERAL("POST"),
			     .path = SLICE_LITERAL("/"),
			     .host = SLICE_LITERAL("example.amazonaws.com"),
			     .fields = &fields},
	    &(struct sigv4_options){.service = SLICE_LITERAL("service"),
		.signed_fields = SLICE_LITERAL("content-length;content-type;"
					       "host;x-amz-content-sha256;"
					       "x-amz-date"),
		.payload = {hash, SIGV4_HEX - 1}},
	    "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b");
}

/* A signature in the query, which counts not itself. */
TEST(a_presigned_request_is_signed_over_its_query)
{
	struct fields none = {0};

	expect_signature(
	    &(struct sigv4_request){.method = SLICE_LITERAL("GET"),
		.path = SLICE_LITERAL("/"),
		.query = SLICE_LITERAL("?Param2=value2&X-Amz-Signature=00"
				       "&X-Amz-Algorithm=AWS4-HMAC-SHA256"
				       "&X-Amz-Credential=AKIDEXAMPLE%2F"
				       "20150830%2Fus-east-1%2Fservice%2F"
				       "aws4_request&X-Amz-Date="
				       "20150830T123600Z&X-Amz-SignedHeaders="
				       "host&Param1=value1"
				       "&X-Amz-Expires=3600"),
		.host = SLICE_LITERAL("example.amazonaws.com"),
		.fields = &none},
	    &(struct sigv4_options){.service = SLICE_LITERAL("service"),
		.signed_fields = SLICE_LITERAL("host"),
		.payload = SLICE_LITERAL(EMPTY_BODY)},
	    "86012e2c9ad4d77369f5d81c11f75158aae4f895a085212cc6d3f923d300bed5");
}

static void
expect_same(const char *service, const char *path, const char *query,
    const char *same_path, const char *same_query)
{
	struct fields none = {0};
	char one[SIGV4_HEX], other[SIGV4_HEX];
	struct sigv4_request r = {.method = SLICE_LITERAL("GET"),
	    .path = slice_of(path),
	    .query = slice_of(query),
	    .host = SLICE_LITERAL("h"),
	    .fields = &none};
	struct sigv4_options o = {.id = SLICE_LITERAL(KEY_ID),
	    .secret = SLICE_LITERAL(KEY_SECRET),
	    .date = SLICE_LITERAL("20150830T123600Z"),
	    .region = SLICE_LITERAL("us-east-1"),
	    .service = slice_of(service),
	    .signed_fields = SLICE_LITERAL("host"),
	    .payload = SLICE_LITERAL(EMPTY_BODY)};

	EXPECT(sigv4_sign(&r, &o, one));
	r.path = slice_of(same_path);
	r.query = slice_of(same_query);
	EXPECT(sigv4_sign(&r, &o, other));
	EXPECT_TEXT(one, other);
}

static void
expect_path(const char *service, const char *path, const char *same_as)
{
	expect_same(service, path, "", same_as, "");
}

TEST(parameters_are_signed_by_what_they_say_in_one_order)
{
	expect_same("iam", "/", "?b=1&a=2&a=1&a", "/", "?a=&a=1&a=2&b=1");
	expect_same("iam", "/", "?a=x+y&%62=%7e", "/", "?a=x%20y&b=~");
}

TEST(s3_signs_what_a_path_says_and_not_how)
{
	expect_path("s3", "/k%65y/a+b%2f", "/key/a%2Bb/");
	expect_path("service", "/a//b/%7E/../", "/a/b/");
	expect_path("service", "/a/b/..", "/a/");
}

TEST(parameters_have_an_end)
{
	static char query[4 * SIGV4_PARAMETERS_MAX + 8] = "?";
	struct fields none = {0};
	char signature[SIGV4_HEX];
	struct sigv4_request r = {.method = SLICE_LITERAL("GET"),
	    .path = SLICE_LITERAL("/"),
	    .host = SLICE_LITERAL("h"),
	    .fields = &none};
	struct sigv4_options o = {.secret = SLICE_LITERAL("s"),
	    .date = SLICE_LITERAL("20150830T123600Z"),
	    .region = SLICE_LITERAL("r"),
	    .service = SLICE_LITERAL("s3"),
	    .signed_fields = SLICE_LITERAL("host"),
	    .payload = SLICE_LITERAL(SIGV4_UNSIGNED)};

	for (size_t i = 0; i < SIGV4_PARAMETERS_MAX; i++)
		strcat(query, "a&");
	r.query = slice_of(query);
	EXPECT(sigv4_sign(&r, &o, signature));
	strcat(query, "a");
	r.query = slice_of(query);
	EXPECT(!sigv4_sign(&r, &o, signature));
}

TEST(a_date_is_written_in_utc)
{
	char date[SIGV4_DATE];

	sigv4_format_date(1440938160, date);
	EXPECT_TEXT(date, "20150830T123600Z");
}
