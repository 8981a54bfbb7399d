/* fuzz_client_hello.c - what a TLS client sends first
 *
 * The answer does not depend on the cut: what is whole stays as it is with
 * more bytes behind it, no beginning of it is whole, and a bad beginning never
 * becomes good. A server name is text without NUL. */
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "gateway/tls/client_hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static void
check_same(const struct client_hello *a, const struct client_hello *b)
{
	CHECK(a->has_sni == b->has_sni && a->has_ech == b->has_ech);
	CHECK(!a->has_sni || strcmp(a->sni, b->sni) == 0);
}

static void
check_cut(struct slice in, size_t cut, enum hello_result whole,
    const struct client_hello *hello)
{
	struct client_hello part;
	enum hello_result result = client_hello_parse(slice_first(in, cut),
	    &part);

	if (result == HELLO_BAD)
		CHECK(whole == HELLO_BAD);
	if (result == HELLO_DONE) {
		CHECK(whole == HELLO_DONE);
		check_same(&part, hello);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct slice in = {(const char *)at + 1, len - 1};
	struct client_hello hello;
	enum hello_result whole;

	if (len < 2)
		return 0;
	memset(&hello, 'x', sizeof(hello));
	whole = client_hello_parse(in, &hello);
	if (whole == HELLO_DONE && hello.has_sni) {
		CHECK(memchr(hello.sni, '\0', sizeof(hello.sni)) != NULL);
		CHECK(hello.sni[0] != '\0');
	}
	CHECK(whole != HELLO_MORE || in.len < 2 * HELLO_MAX);
	check_cut(in, in.len * at[0] / 255, whole, &hello);
	if (in.len > 1)
		check_cut(in, in.len - 1, whole, &hello);
	return 0;
}
