/* Requests are signed anew: the signatures are those that AWS publishes for its
 * test requests, and those of botocore for the same requests and key. */
#include "gateway/inject_sigv4.c"

#include "tests/unit/gateway/inject_fixture.h"

#define KEY "AKIDEXAMPLE wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define MARK SLICE_LITERAL("AKIAPLACEHOLDER0")
#define GUEST(scope, names)                                                    \
	"AWS4-HMAC-SHA256 Credential=AKIAPLACEHOLDER0/20200101/" scope         \
	"/aws4_request, SignedHeaders=" names ", Signature=0123"
#define OURS(scope, names, signature)                                          \
	"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/" scope              \
	"/aws4_request, SignedHeaders=" names ", Signature=" signature
#define NOW "X-Amz-Date: 20150830T123600Z\r\n"

static struct injection
secret(const char *value)
{
	return (struct injection){
	    BINDING(.way = SECRET_SIGV4), MARK, slice_of(value)};
}

static void
expect_signed(const char *value, const char *request, const char *wanted)
{
	struct injection one = secret(value);

	expect_injected(&one, 1, request, wanted);
}

TEST(a_request_is_signed_with_the_real_key)
{
	expect_signed(KEY,
	    "GET / HTTP/1.1\r\nHost: example.amazonaws.com\r\n"
	    "X-Amz-Date: 20200101T000000Z\r\nX_Amz_Security_Token: x\r\n"
	    "Authorization: " GUEST("us-east-1/service",
		"host;x-amz-date") "\r\n\r\n",
	    "GET / HTTP/1.1\r\nHost: example.amazonaws.com\r\n" NOW
	    "Authorization: " OURS("us-east-1/service", "host;x-amz-date",
		"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fb"
		"f31") "\r\n\r\n");
}

TEST(a_session_token_is_the_gateways_own)
{
	expect_signed(KEY
	    " 6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf19"
	    "4267",
	    "GET / HTTP/1.1\r\nHost: example.amazonaws.com\r\n"
	    "x-amz-security-token: mine\r\nX-Amz-Date: 20200101T000000Z\r\n"
	    "Authorization: " GUEST("us-east-1/service",
		"host;x-amz-date;x-amz-security-token") "\r\n\r\n",
	    "GET / HTTP/1.1\r\nHost: example.amazonaws.com\r\n" NOW
	    "X-Amz-Security-Token: 6e86291e8372ff2a2260956d9b8aae1d763fbf315f"
	    "a00fa31553b73ebf194267\r\n"
	    "Authorization: " OURS("us-east-1/service",
		"host;x-amz-date;x-amz-security-token",
		"07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e"
		"7f8") "\r\n\r\n");
}

TEST(a_body_whose_hash_nothing_tells_is_held)
{
	static const char body[] =
	    "Action=GetCallerIdentity&Version=2011-06-15";
	struct asked_request *a = calloc(1, sizeof(*a));
	struct injection one = secret(KEY " TOKEN/with+chars==");
	struct held_body held;

	ask_parse(a,
	    "POST / HTTP/1.1\r\nHost: sts.amazonaws.com\r\n"
	    "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n"
	    "Authorization: " GUEST("us-east-1/sts",
		"content-type;host;x-amz-date") "\r\n"
						"Transfer-Encoding: "
						"chunked\r\nExpect: "
						"100-continue\r\n\r\n");
	a->ask.secrets = &one;
	a->ask.count = 1;
	a->ask.rehearsal = true;
	ask_write(a);
	EXPECT(!a->out.refused && a->out.holds_body && a->out.used == 1);
	EXPECT(fields_find(&a->out.head.fields, "authorization") == NULL);
	held_body_init(&held, 1000, NULL);
	EXPECT(held_body_add(&held, slice_of(body)));
	a->ask.body = &held;
	a->ask.rehearsal = false;
	EXPECT_TEXT(ask_write(a),
	    "POST / HTTP/1.1\r\nHost: sts.amazonaws.com\r\n"
	    "Content-Type: application/x-www-form-urlencoded; "
	    "charset=utf-8\r\n" NOW
	    "X-Amz-Security-Token: TOKEN/with+chars==\r\n"
	    "Authorization: " OURS("us-east-1/sts",
		"content-type;host;x-amz-date;x-amz-security-token",
		"cc767f6bde2372cd3191e09283bbb8965d5fafbec12386fd8e5faaf8faf48"
		"3d8") "\r\nContent-Length: 43\r\n\r\n");
	EXPECT(slice_is(a->out.body, body));
	held_body_done(&held);
	a->ask.body = NULL;
	ask_write(a);
	EXPECT(a->out.refused);
	inject_room_free(a->memory);
	free(a);
}

#define S3_FIELDS                                                              \
	"X-Amz-Content-Sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b9"  \
	"34ca495991b7852b855\r\n"

TEST(an_object_is_signed_as_s3_reads_its_name)
{
	expect_signed(KEY,
	    "GET /a%20b/c+d?list-type=2&prefix=x%2Fy&empty HTTP/1.1\r\n"
	    "Host: b.s3.eu-west-1.amazonaws.com\r\nRange: bytes=0-9\r\n"
	    "Authorization: " GUEST("eu-west-1/s3",
		"host;x-amz-content-sha256;x-amz-date;x-gone") "\r\n\r\n",
	    "GET /a%20b/c+d?list-type=2&prefix=x%2Fy&empty HTTP/1.1\r\n"
	    "Host: b.s3.eu-west-1.amazonaws.com\r\nRange: "
	    "bytes=0-9\r\n" S3_FIELDS NOW "Authorization: " OURS("eu-west-1/s3",
		"host;x-amz-content-sha256;x-amz-date",
		"ae4167412f14260ca1d4c2ca94088a4ef764eb55db586f2a21aa9aa8cb528"
		"f46") "\r\n\r\n");
}

TEST(a_presigned_request_is_signed_in_its_query)
{
	expect_signed(KEY " TOKEN/with+chars==",
	    "GET /a%20b?versionId=3&X-Amz-Algorithm=AWS4-HMAC-SHA256"
	    "&X-Amz-Credential=AKIAPLACEHOLDER0%2F20150830%2Feu-west-1%2Fs3%2F"
	    "aws4_request&X-Amz-Date=20150830T123600Z&X-Amz-Expires=600"
	    "&X-Amz-SignedHeaders=host&X-Amz-Security-Token=mine"
	    "&X-Amz-Signature=00 HTTP/1.1\r\n"
	    "Host: b.s3.eu-west-1.amazonaws.com\r\n\r\n",
	    "GET /a%20b?versionId=3&X-Amz-Algorithm=AWS4-HMAC-SHA256"
	    "&X-Amz-Date=20150830T123600Z&X-Amz-Expires=600"
	    "&X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Feu-west-1%2Fs3%2F"
	    "aws4_request&X-Amz-Security-Token=TOKEN%2Fwith%2Bchars%3D%3D"
	    "&X-Amz-SignedHeaders=host&X-Amz-Signature=700419d53b8980ae0b0e82e"
	    "153ab0499f3e1396709ff7d89329c219ce54aec72 HTTP/1.1\r\n"
	    "Host: b.s3.eu-west-1.amazonaws.com\r\n\r\n");
	expect_signed(KEY,
	    "GET /?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=mine%2F"
	    "20150830%2Fus-east-1%2Fservice%2Faws4_request"
	    "&X-Amz-Date=20150830T123600Z&X-Amz-SignedHeaders=host"
	    "&X-Amz-Expires=3600&X-Amz-Signature=00 HTTP/1.1\r\n"
	    "Host: example.amazonaws.com\r\n\r\n",
	    "GET /?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date="
	    "20150830T123600Z&X-Amz-Expires=3600&X-Amz-Credential=AKIDEXAMPLE"
	    "%2F20150830%2Fus-east-1%2Fservice%2Faws4_request"
	    "&X-Amz-SignedHeaders=host&X-Amz-Signature=e93c787ed7f371d5c6b165c"
	    "1b38ede9550f4dce4144713e844b25b7192d3865d HTTP/1.1\r\n"
	    "Host: example.amazonaws.com\r\n\r\n");
}

TEST(a_rehearsal_leaves_nothing_of_a_presigned_credential)
{
	struct asked_request *a = calloc(1, sizeof(*a));
	struct injection one = secret("");

	ask_parse(a,
	    "GET /a?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="
	    "AKIAPLACEHOLDER0%2F20150830%2Fr%2Fs3%2Faws4_request"
	    "&X-Amz-Date=20150830T123600Z&X-Amz-SignedHeaders=host"
	    "&X-Amz-Signature=00&b=1 HTTP/1.1\r\nHost: h\r\n\r\n");
	a->ask.secrets = &one;
	a->ask.count = 1;
	a->ask.rehearsal = true;
	EXPECT_TEXT(ask_write(a),
	    "GET /a?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date="
	    "20150830T123600Z&b=1 HTTP/1.1\r\nHost: h\r\n\r\n");
	inject_room_free(a->memory);
	free(a);
}

TEST(what_nobody_signed_is_signed_where_the_binding_says_how)
{
	struct injection fixed = {
	    BINDING(.way = SECRET_SIGV4, .region = "us-east-1",
		.aws_service = "service"),
	    MARK, SLICE_LITERAL(KEY)};
	const char *plain =
	    "GET / HTTP/1.1\r\nHost: example.amazonaws.com\r\n\r\n";

	expect_signed(KEY, plain, plain);
	expect_injected(&fixed, 1, plain,
	    "GET / HTTP/1.1\r\nHost: example.amazonaws.com\r\n" NOW
	    "Authorization: " OURS("us-east-1/service", "host;x-amz-date",
		"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fb"
		"f31") "\r\n\r\n");
}

TEST(all_amz_fields_are_signed_and_those_of_this_hop_are_not)
{
	struct asked_request *a = calloc(1, sizeof(*a));
	struct injection one = secret(KEY);

	ask_parse(a,
	    "PUT /k HTTP/1.1\r\nHost: b.test\r\nX-Amz-Acl: private\r\n"
	    "Expect: 100-continue\r\nContent-Length: 5\r\n"
	    "Connection: x-amz-gone, x-named\r\nX-Amz-Gone: 1\r\nX-Named: 1\r\n"
	    "User-Agent: u\r\nx-amz-content-sha256: UNSIGNED-PAYLOAD\r\n"
	    "Authorization: " GUEST("r/s3",
		"connection;content-length;expect;host;user-agent;x-named") "\r"
									    "\n"
									    "\r"
									    "\n");
	a->ask.secrets = &one;
	a->ask.count = 1;
	ask_write(a);
	EXPECT(!a->out.refused && !a->out.holds_body);
	EXPECT(strstr(a->written,
		   "SignedHeaders=content-length;host;user-agent;x-amz-acl;"
		   "x-amz-content-sha256;x-amz-date, ") != NULL);
	inject_room_free(a->memory);
	free(a);
}

TEST(what_cannot_be_signed_anew_is_refused)
{
	expect_signed(KEY,
	    "PUT /k HTTP/1.1\r\nHost: h\r\nx-amz-content-sha256: "
	    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD\r\nContent-Length: 5\r\n"
	    "Authorization: " GUEST("r/s3", "host") "\r\n\r\n",
	    "refused: each piece of its body is signed, which cannot be made "
	    "anew: have the client sign the body as a whole, or send it "
	    "unsigned");
	expect_signed("a-secret-without-an-id",
	    "GET /k HTTP/1.1\r\nHost: h\r\n"
	    "Authorization: " GUEST("r/s3", "host") "\r\n\r\n",
	    "refused: the value of an AWS secret is \"ID SECRET\" or \"ID "
	    "SECRET TOKEN\"");
}

TEST(a_signed_body_and_placeholders_in_it_go_together_when_it_is_held)
{
	static const char hash[] = "0123456789abcdef0123456789abcdef"
				   "0123456789abcdef0123456789abcdef";
	struct injection two[] = {secret(KEY),
	    {BINDING(.way = SECRET_SWAP_ONLY, .swap = SWAP_BODY),
		SLICE_LITERAL("mark-two"), SLICE_LITERAL("v")}};
	struct asked_request *a = calloc(1, sizeof(*a));
	char request[1024], wanted[SIGV4_HEX];
	struct held_body held;
	const struct field *f;

	snprintf(request, sizeof(request),
	    "PUT /k HTTP/1.1\r\nHost: h\r\nx-amz-content-sha256: %s\r\n"
	    "Content-Length: 10\r\nAuthorization: " GUEST("r/s3",
		"host") "\r\n\r\n",
	    hash);
	ask_parse(a, request);
	a->ask.secrets = two;
	a->ask.count = 2;
	EXPECT_TEXT(ask_write(a),
	    "refused: the hash of its body is signed, and placeholders in it "
	    "are to be replaced");
	held_body_init(&held, 100, NULL);
	EXPECT(held_body_add(&held, SLICE_LITERAL("<mark-two>")));
	a->ask.body = &held;
	ask_write(a);
	EXPECT(!a->out.refused && slice_is(a->out.body, "<v>"));
	sigv4_hash(SLICE_LITERAL("<v>"), wanted);
	f = fields_find(&a->out.head.fields, "x-amz-content-sha256");
	EXPECT(f != NULL && slice_is(f->value, wanted));
	held_body_done(&held);
	inject_room_free(a->memory);
	free(a);
}
