/* fuzz_store.c - any bytes as a store of secrets: refused with a sentence that
 * names the file, or entries that can all be read
 *
 * Nobody could guess a MAC, so the input is signed first, as whoever has the
 * key could: what stands inside must not be believed either. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "gateway/store.h"
#include "gateway/store_keys.h"

#define HEAD 64 /* store.c's struct head */
#define SALT_AT 24
#define CHECK_AT 40

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static const char key_bytes[STORE_KEY_BYTES] =
    "the fuzzer's own key of 32 byte";
static const struct slice key = {key_bytes, sizeof(key_bytes)};

static struct store *
read_store(const void *at, size_t len)
{
	struct err err = {0};
	struct store *s = store_read((struct slice){at, len}, "FILE",
	    STORE_KEY_FILE, key, &err);

	CHECK(s || strncmp(err.text, "FILE: ", 6) == 0);
	return s;
}

/* All there is to see; then without its first entry, and with one more. */
static void
use(const struct store *s)
{
	struct store_entry more = {"box", "name", "custom", 1};
	struct store *other;
	size_t index;

	for (size_t n = 0; n < store_count(s); n++) {
		struct store_entry e = store_at(s, n);

		CHECK(store_find(s, e.scope, e.name, &index) && index == n);
		secret_free(store_value(s, n));
	}
	if (store_count(s)) {
		more = store_at(s, 0);
		other = store_with(s, &more, (struct slice){0}, NULL);
		CHECK(other && store_count(other) == store_count(s) - 1);
		store_free(other);
	}
	other = store_with(s, &more, slice_of("a new value"), NULL);
	if (other) {
		struct slice bytes = store_bytes(other);
		struct store *again = read_store(bytes.at, bytes.len);
		struct secret *value;

		CHECK(again &&
		    store_find(again, more.scope, more.name, &index));
		value = store_value(again, index);
		CHECK(memcmp(secret_bytes(value), "a new value", 11) == 0);
		secret_free(value);
		store_free(again);
	}
	store_free(other);
}

static void
sign(uint8_t *at, size_t len)
{
	struct secret *keys = store_keys_derive(STORE_KEY_FILE, key,
	    at + SALT_AT);
	const struct store_keys *k = secret_bytes(keys);

	store_key_check(k, at + CHECK_AT);
	store_mac(k, at, len - STORE_MAC_BYTES, at + len - STORE_MAC_BYTES);
	secret_free(keys);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	uint8_t *mine;

	store_free(read_store(at, len));
	if (len < HEAD + STORE_MAC_BYTES)
		return 0;
	mine = memory_new(len);
	memcpy(mine, at, len);
	sign(mine, len);
	struct store *s = read_store(mine, len);

	if (s)
		use(s);
	store_free(s);
	free(mine);
	return 0;
}
