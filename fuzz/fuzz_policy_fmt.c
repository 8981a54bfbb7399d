/* fuzz_policy_fmt.c - any text that is a policy, laid out
 *
 * A policy can always be laid out; policy_fmt_text() itself looks whether the
 * result is the same policy with the same comments, and stays as it is. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "conf/policy_file.h"
#include "conf/policy_fmt.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct slice text = {(const char *)at, len};
	char *after = NULL, *again = NULL;
	struct err err = {0};
	struct policy p;
	bool is_policy;

	policy_init(&p);
	is_policy = policy_parse("f", "file", text, &p, NULL);
	policy_done(&p);
	if (!is_policy) {
		CHECK(!policy_fmt_text("f", text, &after, &err));
		CHECK(err.kind == ERR_CONF && !after);
		return 0;
	}
	CHECK(policy_fmt_text("f", text, &after, &err));
	CHECK(policy_fmt_text("f", slice_of(after), &again, &err));
	CHECK(strcmp(after, again) == 0);
	free(after);
	free(again);
	return 0;
}
