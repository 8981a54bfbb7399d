/* inject_fixture.h - requests as bytes in, requests as bytes out
 *
 * What is compared is what an origin would read: the head is parsed, injected
 * into and written by those who do it in the gateway. */
#ifndef TESTS_UNIT_GATEWAY_INJECT_FIXTURE_H
#define TESTS_UNIT_GATEWAY_INJECT_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "gateway/http/h1_parse.h"
#include "gateway/http/h1_write.h"
#include "gateway/inject.h"
#include "rules/secret_binding.h"
#include "tests/unit/test.h"

#define FIXTURE_FIELDS 64

/* A binding that says nothing but what is given here; not for more than 32 at a
 * time. */
#define BINDING(...) binding((struct secret_binding){__VA_ARGS__})
#define HEADER(name, text) .way = SECRET_HEADER, .header = name, .format = text

static inline const struct secret_binding *
binding(struct secret_binding b)
{
	static struct secret_binding all[32];
	static unsigned next;
	const char **texts[] = {&b.name, &b.sandbox, &b.service, &b.header,
	    &b.format, &b.username, &b.parameter, &b.region, &b.aws_service,
	    &b.token_url, &b.client_id, &b.scope, &b.audience, &b.placeholder,
	    &b.env, &b.from, &b.methods, &b.paths};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		*texts[i] = *texts[i] != NULL ? *texts[i] : "";
	all[next % 32] = b;
	return &all[next++ % 32];
}

struct asked_request {
	struct field room[FIXTURE_FIELDS];
	struct head head;
	struct request_head request;
	struct inject_ask ask;
	struct inject_room *memory;
	struct injected out;
	char written[65536];
};

static inline void
ask_parse(struct asked_request *a, const char *text)
{
	static const struct h1_limits limits = {
	    .header_bytes = 65536, .header_count = FIXTURE_FIELDS};
	enum h1_error error;
	struct slice target;
	size_t used;

	a->head = (struct head){.fields = {a->room, 0, FIXTURE_FIELDS}};
	if (h1_parse_request(slice_of(text), &limits, &a->head, &used,
		&error) != H1_DONE)
		test_fail(__FILE__, __LINE__, "%s: %s", text,
		    h1_error_text(error));
	target = a->head.target;
	a->request = (struct request_head){.head = &a->head,
	    .host = a->head.host,
	    .path = slice_first(target, slice_find(target, '?')),
	    .query = slice_from(target, slice_find(target, '?'))};
	a->ask.request = &a->request;
	a->ask.hold_limit = 1 << 20;
	a->ask.now_s = 1440938160; /* 20150830T123600Z */
}

/* What goes out, or "refused: .." */
static inline const char *
ask_write(struct asked_request *a)
{
	const struct injected *to = &a->out;
	size_t len;

	if (a->memory == NULL)
		a->memory = inject_room_new(65536, FIXTURE_FIELDS);
	inject_head(a->memory, &a->ask, &a->out);
	if (to->refused) {
		strcpy(a->written, "refused: ");
		return strcat(a->written, to->detail);
	}
	len =
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
		a->written, sizeof(a->written));
	EXPECT(len > 0 && len < sizeof(a->written));
	a->written[len] = '\0';
	return a->written;
}

/* One request, one or two secrets. */
static inline void
expect_injected(const struct injection *secrets, size_t count,
    const char *request, const char *wanted)
{
	struct asked_request *a = calloc(1, sizeof(*a));

	ask_parse(a, request);
	a->ask.secrets = secrets;
	a->ask.count = count;
	EXPECT_TEXT(ask_write(a), wanted);
	inject_room_free(a->memory);
	free(a);
}

#endif
