/* fuzz_inject.c - whatever a request says, its secret comes out once, in the
 * one place it belongs to, and a rehearsal comes out without it
 *
 * "way, swap, then a request's head". What is injected is written and parsed
 * again, as its origin would. */
#include <stdlib.h>

#include "fuzz/h1_fuzz.h"
#include "gateway/inject.h"
#include "gateway/sigv4.h"
#include "rules/secret_binding.h"

#define PLACEHOLDER "PLACEHOLDER"
#define VALUE "AKIDREAL 5ecret TOKENtokenTOKEN"
#define OUT_MAX (1 << 16)

static size_t
count_of(struct slice text, struct slice what)
{
	size_t count = 0;
	const char *at;

	while ((at = memmem(text.at, text.len, what.at, what.len)) != NULL) {
		text = slice_from(text, (size_t)(at - text.at) + what.len);
		count++;
	}
	return count;
}

static struct slice
write_out(const struct injected *to, char *out)
{
	size_t len =
	    h1_write_request(&(struct h1_request_out){.method = to->head.method,
				 .path = to->request.path,
				 .query = to->request.query,
				 .host = to->request.host,
				 .from = to->request.head,
				 .body = to->head.body,
				 .content_length = to->head.content_length,
				 .upgrade = to->head.has_upgrade
				     ? to->head.upgrade
				     : (struct slice){NULL, 0}},
		out, OUT_MAX);

	CHECK(len > 0 && len <= OUT_MAX);
	return (struct slice){out, len};
}

/* What the origin reads is one request that has these fields. */
static void
check_written(const struct injected *to, struct slice written)
{
	static const struct h1_limits wide = {
	    .header_bytes = OUT_MAX, .header_count = FUZZ_FIELDS};
	struct fuzz_head again;

	again.head.fields = (struct fields){again.room, 0, FUZZ_FIELDS};
	CHECK(h1_parse_request(written, &wide, &again.head, &again.used,
		  &again.error) == H1_DONE);
	CHECK(again.used == written.len);
	CHECK(slice_equal(again.head.method, to->head.method));
	CHECK(again.head.body == to->head.body || to->head.content_length == 0);
	CHECK(again.head.has_upgrade == to->head.has_upgrade);
}

static void
check_way(enum secret_way way, const struct injected *to, struct slice written)
{
	const struct fields *f = &to->head.fields;
	size_t values = count_of(written, SLICE_LITERAL(VALUE));

	CHECK(way != SECRET_SIGV4 ||
	    count_of(written, SLICE_LITERAL("5ecret")) == 0);
	switch (way) {
	case SECRET_HEADER:
	case SECRET_OAUTH2:
		CHECK(fields_count(f, "x-api-key") == 1 && values >= 1);
		break;
	case SECRET_BASIC:
		CHECK(fields_count(f, "authorization") == 1);
		break;
	case SECRET_QUERY:
		CHECK(count_of(to->request.query,
			  SLICE_LITERAL("key=AKIDREAL%20")) == 1);
		break;
	case SECRET_SIGV4:
		CHECK(!(to->used & 1) ||
		    count_of(written, SLICE_LITERAL("AKIDREAL")) == 1 + values);
		break;
	case SECRET_SWAP_ONLY:
	case SECRET_CLIENT_CERTIFICATE:
		break;
	}
}

static void
check(struct inject_room *room, const struct inject_ask *asked)
{
	struct inject_ask ask = *asked;
	struct injection one = ask.secrets[0];
	char *out = malloc(OUT_MAX);
	struct injected to;
	struct slice written;
	struct held_body body;

	CHECK(out != NULL);
	ask.secrets = &one;
	one.value.len = 0;
	ask.rehearsal = true;
	inject_head(room, &ask, &to);
	if (!to.refused)
		CHECK(count_of(write_out(&to, out),
			  SLICE_LITERAL("AKIDREAL")) == 0);
	held_body_init(&body, 1024, NULL);
	CHECK(held_body_add(&body, SLICE_LITERAL("<" PLACEHOLDER ">")));
	if (!to.refused && to.holds_body)
		ask.body = &body;
	one = asked->secrets[0];
	ask.rehearsal = false;
	inject_head(room, &ask, &to);
	if (!to.refused) {
		written = write_out(&to, out);
		check_written(&to, written);
		check_way(one.binding->way, &to, written);
		if (to.swaps_body)
			swap_free(inject_body_new(&ask));
	}
	inject_clear(room);
	held_body_done(&body);
	free(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct secret_binding b = {.header = "x-api-key",
	    .format = "<%s>",
	    .username = "",
	    .parameter = "key",
	    .region = "",
	    .aws_service = ""};
	struct injection one = {
	    &b, SLICE_LITERAL(PLACEHOLDER), SLICE_LITERAL(VALUE)};
	struct fuzz_head f;
	struct request_target t;
	struct request_head request;
	struct inject_room *room;
	enum h1_error error;
	char target[4096];

	if (len < 2 || memmem(at, len, "AKIDREAL", 8) != NULL ||
	    memmem(at, len, "5ecret", 6) != NULL)
		return 0;
	b.way = at[0] % 6u;
	b.swap = b.way == SECRET_SIGV4 ? 0 : at[1] % 16u;
	if (b.way == SECRET_BASIC)
		b.header = "authorization";
	if (at[0] & 0x80)
		b.region = b.aws_service = "s3";
	fuzz_parse(&f, true, (struct slice){"", 0},
	    (struct slice){(const char *)at + 2, len - 2});
	if (f.result != H1_DONE || f.head.target.len >= sizeof(target) ||
	    !request_target_parse(f.head.method, f.head.target, target, &t,
		&error) ||
	    t.form == FORM_AUTHORITY || t.path.len == 0)
		return 0;
	request = (struct request_head){.head = &f.head,
	    .host = SLICE_LITERAL("h.test"),
	    .path = t.path,
	    .query = t.query};
	room = inject_room_new(fuzz_limits.header_bytes, FUZZ_FIELDS);
	check(room,
	    &(struct inject_ask){.request = &request,
		.secrets = &one,
		.count = 1,
		.now_s = 1440938160});
	inject_room_free(room);
	return 0;
}
