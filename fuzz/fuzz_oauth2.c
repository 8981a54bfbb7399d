/* fuzz_oauth2.c - a token answer gives tokens that can stand in a field, or a
 * clause; a guest's token request asks with a placeholder only where that is
 * written */
#include <stdlib.h>

#include "base/check.h"
#include "base/secret.h"
#include "gateway/oauth2.h"
#include "gateway/token_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static void
check_token(struct secret *token)
{
	const char *at = token == NULL ? NULL : secret_bytes(token);

	for (size_t i = 0; at != NULL && i < secret_size(token); i++)
		CHECK(at[i] > ' ' && at[i] <= '~');
}

#define PLACEHOLDER "placeholder-0123456789"

/* The first byte says what it is; a form, JSON, or Basic's text. */
static void
check_request(struct slice body)
{
	struct secret_binding b = {.grant = OAUTH2_REFRESH_TOKEN};
	struct field fields[2] = {
	    {SLICE_LITERAL("content-type"), SLICE_LITERAL("application/json")},
	    {SLICE_LITERAL("authorization"), slice_from(body, body.len > 0)}};
	struct head h = {.fields = {fields, 2, 2}};
	struct token_request *r;
	const char *why = NULL;

	h.fields.count = body.len == 0 ? 0 : (size_t)(body.at[0] & 3) % 3;
	r = token_request_read(&h, slice_from(body, body.len > 0));
	/* No spelling makes a text longer. */
	CHECK(body.len >= sizeof(PLACEHOLDER) - 1 ||
	    token_request_asks(r, &b, SLICE_LITERAL(PLACEHOLDER), &why) ==
		TOKEN_NOT);
	token_request_asks(r, &b, SLICE_LITERAL("x"), &why);
	token_request_free(r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct slice body = {(const char *)at, len};
	struct oauth2_answer a = {0};
	struct oauth2_trouble no = {0};

	if (oauth2_answer_read(200, body, &a, &no)) {
		CHECK(a.access_token != NULL && a.lasts_s > 0);
		check_token(a.access_token);
		check_token(a.refresh_token);
	} else {
		CHECK(no.why[0] != '\0');
		a = (struct oauth2_answer){0};
	}
	oauth2_answer_done(&a);
	oauth2_answer_read(400, body, &a, &no);
	check_request(body);
	return 0;
}
