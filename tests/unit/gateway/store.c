/* store.c - secrets at rest: what is read is what was written, or nothing is */
#include "tests/unit/test.h"

#include "gateway/store.c"

#include <stdio.h>

#include "tests/unit/gateway/client_pem.h"

#define FILE_NAME "secrets.store"

static const char key_bytes[STORE_KEY_BYTES] =
    "0123456789abcdef0123456789abcde";
static const struct slice key = {key_bytes, STORE_KEY_BYTES};
static const char value[] = "sk-proj-abcdefghijklmnop0123456789";

static struct store *
must(struct store *s, const struct err *err)
{
	if (!s)
		test_fail(__FILE__, __LINE__, "%s", err->text);
	return s;
}

static struct store *
empty(void)
{
	struct err err = {0};

	return must(store_read((struct slice){0}, FILE_NAME, STORE_KEY_FILE,
			key, &err),
	    &err);
}

/* Takes `s`. */
static struct store *
with(struct store *s, const char *scope, const char *name, const char *text)
{
	struct store_entry e = {scope, name, "service", 1700000000};
	struct err err = {0};
	struct store *next = must(store_with(s, &e, slice_of(text), &err),
	    &err);

	store_free(s);
	return next;
}

/* Takes `s`: the same, read from its bytes, which end at a guard page. */
static struct store *
again(struct store *s)
{
	struct slice bytes = store_bytes(s);
	struct err err = {0};
	struct store *read =
	    must(store_read((struct slice){test_guarded(bytes.at, bytes.len),
				bytes.len},
		     FILE_NAME, STORE_KEY_FILE, key, &err),
		&err);

	store_free(s);
	return read;
}

static void
expect_value(const struct store *s, const char *scope, const char *name,
    const char *wanted)
{
	size_t index;

	EXPECT(store_find(s, scope, name, &index));
	struct secret *is = store_value(s, index);

	EXPECT_INT(secret_size(is), strlen(wanted));
	EXPECT(memcmp(secret_bytes(is), wanted, strlen(wanted)) == 0);
	secret_free(is);
}

static void
expect_refused(const void *at, size_t len, const char *part)
{
	struct err err = {0};
	struct slice bytes = {test_guarded(at, len), len};
	struct store *s = store_read(bytes, FILE_NAME, STORE_KEY_FILE, key,
	    &err);

	EXPECT(!s);
	EXPECT(strncmp(err.text, FILE_NAME ": ", strlen(FILE_NAME) + 2) == 0);
	if (!strstr(err.text, part))
		test_fail(__FILE__, __LINE__, "expected \"%s\" in \"%s\"", part,
		    err.text);
}

TEST(what_is_written_is_read)
{
	struct store *s = with(with(empty(), "", "openai", value), "web-1",
	    "openai", "another value");
	struct store_entry e;

	s = again(s);
	EXPECT_INT(store_count(s), 2);
	expect_value(s, "", "openai", value);
	expect_value(s, "web-1", "openai", "another value");
	e = store_at(s, 1);
	EXPECT_TEXT(e.scope, "web-1");
	EXPECT_TEXT(e.name, "openai");
	EXPECT_TEXT(e.kind, "service");
	EXPECT_INT(e.set_at, 1700000000);
	store_free(s);
}

TEST(entries_stand_in_order_however_they_came)
{
	static const char *const names[] = {"m", "a", "z", "b", "m"};
	struct store *s = empty();
	size_t index;

	for (size_t n = 0; n < ARRAY_SIZE(names); n++)
		s = with(with(s, "", names[n], value), "box", names[n], value);
	s = again(s);
	EXPECT_INT(store_count(s), 8);
	EXPECT_TEXT(store_at(s, 0).name, "a");
	EXPECT_TEXT(store_at(s, 3).name, "z");
	EXPECT_TEXT(store_at(s, 4).scope, "box");
	EXPECT(!store_find(s, "", "c", &index));
	EXPECT(!store_find(s, "bo", "m", &index));
	EXPECT(!store_find(s, "boxx", "m", &index));
	store_free(s);
}

TEST(replaced_and_removed_values_are_gone)
{
	struct store *s = with(empty(), "", "openai", value);
	size_t before = store_bytes(s).len, index;

	s = with(s, "", "openai", "short enough");
	EXPECT_INT(store_count(s), 1);
	EXPECT(store_bytes(s).len < before);
	expect_value(s, "", "openai", "short enough");
	s = again(with(s, "", "openai", ""));
	EXPECT_INT(store_count(s), 0);
	EXPECT(!store_find(s, "", "openai", &index));
	/* What was never there can be removed as well. */
	s = again(with(s, "", "openai", ""));
	EXPECT_INT(store_bytes(s).len, sizeof(struct head) + STORE_MAC_BYTES);
	store_free(s);
}

TEST(no_value_stands_in_the_file)
{
	struct store *s = with(empty(), "", "openai", value);
	struct slice bytes = store_bytes(s);

	EXPECT(!memmem(bytes.at, bytes.len, value, 8));
	EXPECT(memmem(bytes.at, bytes.len, "openai", 6));
	store_free(s);
}

TEST(the_same_value_is_never_the_same_bytes)
{
	struct store *a = with(empty(), "", "openai", value), *b;
	struct err err = {0};
	struct store_entry e = {"", "openai", "service", 1700000000};

	b = must(store_with(a, &e, slice_of(value), &err), &err);
	EXPECT_INT(store_bytes(a).len, store_bytes(b).len);
	EXPECT(memcmp(a->bytes + a->entries[0].at + 28,
		   b->bytes + b->entries[0].at + 28, 40) != 0);
	store_free(a);
	store_free(b);
}

TEST(every_changed_byte_is_seen)
{
	struct store *s = with(with(empty(), "", "openai", value), "web-1",
	    "jira", value);
	struct slice bytes = store_bytes(s);
	uint8_t *copy = memory_new(bytes.len);

	for (size_t n = 0; n < bytes.len; n++) {
		struct err err = {0};

		memcpy(copy, bytes.at, bytes.len);
		copy[n] ^= 1;
		EXPECT(!store_read((struct slice){(char *)copy, bytes.len},
		    FILE_NAME, STORE_KEY_FILE, key, &err));
		EXPECT(strncmp(err.text, FILE_NAME ": ", 15) == 0);
	}
	store_free(s);
	free(copy);
}

TEST(every_cut_is_seen)
{
	struct store *s = with(empty(), "", "openai", value);
	struct slice bytes = store_bytes(s);

	for (size_t len = 1; len < bytes.len; len++)
		expect_refused(bytes.at, len, "");
	expect_refused(bytes.at, 10, "is no store of secrets");
	expect_refused(bytes.at, 40, "is cut short");
	expect_refused(bytes.at, bytes.len - 1, "is damaged");
	store_free(s);
}

/* By somebody without the key: entries of two stores in one. */
TEST(an_entry_of_an_older_store_is_seen)
{
	struct store *old = with(empty(), "", "openai", "the old value"),
		     *new = with(again(old), "", "openai", "the new value");
	struct slice bytes = store_bytes(new);
	uint8_t *copy = memory_new(bytes.len);

	old = with(empty(), "", "openai", "the old value");
	memcpy(copy, bytes.at, bytes.len);
	memcpy(copy + new->entries[0].at, old->bytes + old->entries[0].at,
	    old->entries[0].len);
	expect_refused(copy, bytes.len, "is damaged");
	store_free(old);
	store_free(new);
	free(copy);
}

/* By somebody with the key. */
TEST(a_signed_entry_that_opens_to_nothing_is_seen)
{
	struct store *s = with(empty(), "", "openai", value);
	struct slice bytes = store_bytes(s);

	s->bytes[s->entries[0].at + sizeof(struct entry_head)] ^= 1;
	sign(s);
	expect_refused(bytes.at, bytes.len, "its entries make no sense");
	store_free(s);
}

TEST(another_key_is_told_from_damage)
{
	struct store *s = with(empty(), "", "openai", value);
	struct err err = {0};
	char other[STORE_KEY_BYTES] = "x";

	EXPECT(!store_read(store_bytes(s), FILE_NAME, STORE_KEY_FILE,
	    (struct slice){other, sizeof(other)}, &err));
	EXPECT_TEXT(err.text, FILE_NAME ": was written with another key");
	store_free(s);
}

TEST(a_passphrase_opens_what_it_locked)
{
	struct err err = {0};
	struct slice right = slice_of("correct horse"),
		     wrong = slice_of("correct hors");
	struct store *s = must(store_read((struct slice){0}, FILE_NAME,
				   STORE_SCRYPT, right, &err),
	    &err);
	struct slice bytes;
	enum store_kdf kdf;

	s = with(s, "", "openai", value);
	bytes = store_bytes(s);
	EXPECT(store_kdf_of(bytes, FILE_NAME, &kdf, &err));
	EXPECT_INT(kdf, STORE_SCRYPT);
	struct store *t = must(store_read(bytes, FILE_NAME, STORE_SCRYPT, right,
				   &err),
	    &err);

	expect_value(t, "", "openai", value);
	EXPECT(!store_read(bytes, FILE_NAME, STORE_SCRYPT, wrong, &err));
	EXPECT_TEXT(err.text, FILE_NAME ": this is not its passphrase");
	EXPECT(!store_read(bytes, FILE_NAME, STORE_KEY_FILE, key, &err));
	EXPECT(strstr(err.text, "is locked with a passphrase"));
	store_free(s);
	store_free(t);
}

TEST(a_passphrase_does_not_open_a_key_files_store)
{
	struct store *s = empty();
	struct err err = {0};

	EXPECT(!store_read(store_bytes(s), FILE_NAME, STORE_SCRYPT,
	    slice_of("secret"), &err));
	EXPECT_TEXT(err.text,
	    FILE_NAME ": is locked with a key file, not with a passphrase");
	store_free(s);
}

TEST(other_versions_and_ways_are_named)
{
	struct store *s = empty();
	struct slice bytes = store_bytes(s);

	s->bytes[16] = 2;
	expect_refused(bytes.at, bytes.len, "is of version 2");
	s->bytes[16] = 1;
	s->bytes[20] = 9;
	expect_refused(bytes.at, bytes.len, "in a way that this program");
	store_free(s);
}

TEST(what_cannot_be_a_value_is_not_stored)
{
	struct store *s = empty();
	struct store_entry e = {"", "openai", "", 0};
	struct err err = {0};
	char longer[STORE_VALUE_MAX + 1];

	memset(longer, 'x', sizeof(longer));
	EXPECT(!store_with(s, &e, slice_of("1234567"), &err));
	EXPECT_TEXT(err.text, "a secret has 8 to 4096 bytes, this one has 7");
	EXPECT(!store_with(s, &e, (struct slice){longer, sizeof(longer)},
	    &err));
	EXPECT(!store_with(s, &e, slice_of("12345678\r\nX: y"), &err));
	EXPECT_TEXT(err.text,
	    "a secret has no control bytes, this one has 0x0d");
	EXPECT(!store_with(s, &e, SLICE_LITERAL("12345678\0"), &err));
	struct store *t = must(store_with(s, &e,
				   (struct slice){longer, STORE_VALUE_MAX},
				   &err),
	    &err);

	store_free(t);
	store_free(s);
}

TEST(names_are_visible_and_short)
{
	struct store *s = empty();
	struct store_entry e = {"", "", "", 0};
	struct err err = {0};
	char longer[STORE_NAME_MAX + 2] = {0};

	memset(longer, 'n', sizeof(longer) - 1);
	EXPECT(!store_with(s, &e, slice_of(value), &err));
	e.name = "with space";
	EXPECT(!store_with(s, &e, slice_of(value), &err));
	e.name = "with\x1b";
	EXPECT(!store_with(s, &e, slice_of(value), &err));
	e.name = longer;
	EXPECT(!store_with(s, &e, slice_of(value), &err));
	store_free(s);
}

TEST(the_greatest_store_is_within_the_limit)
{
	EXPECT(STORE_ENTRIES_MAX *
		    (sizeof(struct entry_head) + 2 * STORE_NAME_MAX +
			STORE_KIND_MAX + STORE_VALUE_MAX + STORE_TAG_BYTES) +
		sizeof(struct head) + STORE_MAC_BYTES <
	    STORE_FILE_MAX);
}

TEST(no_more_entries_than_the_limit)
{
	struct store *s = empty();
	struct store_entry e = {"", "one-more", "", 0};
	struct err err = {0};

	s->count = STORE_ENTRIES_MAX; /* as if: found by place_of() alone */
	s->entries = memory_array(STORE_ENTRIES_MAX, sizeof(*s->entries));
	for (size_t n = 0; n < s->count; n++) {
		s->entries[n].scope = memory_text("");
		s->entries[n].name = memory_text("name");
	}
	EXPECT(!store_with(s, &e, slice_of(value), &err));
	EXPECT_TEXT(err.text, "the store holds 4096 secrets, the limit");
	store_free(s);
}

TEST(a_certificate_is_a_kind_with_rules_of_its_own)
{
	struct store *s = empty(), *t;
	struct store_entry e = {"", "corp", STORE_CERTIFICATE, 0};
	struct err err = {0};
	char *pem = client_pem(3600), shown[STORE_SHOWN_TEXT];

	EXPECT(!store_with(s, &e, slice_of("12345678"), &err));
	EXPECT_TEXT(err.text, "it has no certificate");
	t = must(store_with(s, &e, slice_of(pem), &err), &err);
	t = again(t);
	EXPECT_INT(store_count(t), 1);
	EXPECT_TEXT(store_at(t, 0).kind, STORE_CERTIFICATE);
	e.kind = "custom";
	EXPECT(!store_with(s, &e, slice_of(pem), &err));
	store_show(STORE_CERTIFICATE, slice_of(pem), shown);
	EXPECT(strncmp(shown, "CN=client until ", 16) == 0);
	store_show("custom", slice_of("sk-proj-abcdefghijklmnopqrstuvwxyz"),
	    shown);
	EXPECT_TEXT(shown, "sk-proj-****...****");
	free(pem);
	store_free(t);
	store_free(s);
}
