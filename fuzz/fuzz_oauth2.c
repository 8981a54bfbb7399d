/* fuzz_oauth2.c - a token answer gives tokens that can stand in a field, or a
 * clause; what is masked for a guest is JSON with no token left in it */
#include <jansson.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/secret.h"
#include "gateway/oauth2.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static void
check_token(struct secret *token)
{
	const char *at = token == NULL ? NULL : secret_bytes(token);

	for (size_t i = 0; at != NULL && i < secret_size(token); i++)
		CHECK(at[i] > ' ' && at[i] <= '~');
}

static void
check_mask(struct slice body, const struct oauth2_answer *a)
{
	struct text masked;
	json_t *again, *token;

	text_init(&masked, 4 * body.len + 1024);
	if (oauth2_mask(body, SLICE_LITERAL("MARK"), &masked)) {
		again = json_loadb(masked.at, masked.len, 0, NULL);
		CHECK(json_is_object(again));
		token = json_object_get(again, "access_token");
		CHECK(a->access_token == NULL || json_is_string(token));
		CHECK(!json_is_string(token) ||
		    slice_is(slice_of(json_string_value(token)), "MARK"));
		json_decref(again);
	} else {
		CHECK(a->access_token == NULL);
	}
	text_done(&masked);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct slice body = {(const char *)at, len};
	struct oauth2_answer a = {0};
	char why[OAUTH2_WHY] = "";

	if (oauth2_answer_read(200, body, &a, why)) {
		CHECK(a.access_token != NULL && a.lasts_s > 0);
		check_token(a.access_token);
		check_token(a.refresh_token);
	} else {
		CHECK(why[0] != '\0');
		a = (struct oauth2_answer){0};
	}
	check_mask(body, &a);
	oauth2_answer_done(&a);
	oauth2_answer_read(400, body, &a, why);
	return 0;
}
