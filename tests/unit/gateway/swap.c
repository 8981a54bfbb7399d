/* A placeholder becomes its value, wherever the pieces are cut. */
#include "tests/unit/test.h"

#include "gateway/swap.c"

#include <stdio.h>

struct collected {
	char at[4096];
	size_t len;
};

static void
collect(void *owner, struct slice bytes)
{
	struct collected *c = owner;

	CHECK(c->len + bytes.len < sizeof(c->at));
	memcpy(c->at + c->len, bytes.at, bytes.len);
	c->len += bytes.len;
	c->at[c->len] = '\0';
}

/* In pieces of `size`, each against a guard page. */
static void
swap_pieces(struct swap *s, struct slice in, size_t size, struct collected *out)
{
	size_t at = 0;

	out->len = 0;
	out->at[0] = '\0';
	do {
		size_t len = in.len - at < size ? in.len - at : size;
		const char *piece = test_guarded(in.at + at, len);

		at += len;
		EXPECT(swap_data(s, (struct slice){piece, len}, at == in.len,
		    collect, out));
	} while (at < in.len);
}

static void
expect(const struct swap_pair *pairs, size_t count, enum swap_place place,
    const char *in, const char *wanted)
{
	struct collected out;
	size_t len = strlen(in);

	for (size_t size = 1; size <= len + 1; size++) {
		struct swap *s = swap_new(pairs, count, place);

		swap_pieces(s, slice_of(in), size, &out);
		EXPECT_TEXT(out.at, wanted);
		swap_free(s);
	}
}

#define ONE(placeholder, value)                                                \
	(const struct swap_pair[])                                             \
	{                                                                      \
		{                                                              \
			SLICE_LITERAL(placeholder), SLICE_LITERAL(value)       \
		}                                                              \
	}

TEST(a_placeholder_is_replaced_wherever_it_stands)
{
	const struct swap_pair *p = ONE("PLACEHOLDER", "the-key");

	expect(p, 1, SWAP_IN_TEXT, "", "");
	expect(p, 1, SWAP_IN_TEXT, "nothing here", "nothing here");
	expect(p, 1, SWAP_IN_TEXT, "PLACEHOLDER", "the-key");
	expect(p, 1, SWAP_IN_TEXT, "a=PLACEHOLDER&b=PLACEHOLDER.",
	    "a=the-key&b=the-key.");
	expect(p, 1, SWAP_IN_TEXT, "PLACEHOLDEPLACEHOLDER PLACEHOL",
	    "PLACEHOLDEthe-key PLACEHOL");
}

TEST(a_placeholder_that_begins_within_itself_is_found)
{
	expect(ONE("aabaabaa", "X"), 1, SWAP_IN_TEXT, "aabaabaabaa aaabaabaa",
	    "Xbaa aX");
	expect(ONE("aaaa", "b"), 1, SWAP_IN_TEXT, "aaaaaaaaaaa", "bbaaa");
}

TEST(of_several_placeholders_each_gets_its_own_value)
{
	const struct swap_pair p[] = {
	    {SLICE_LITERAL("sk-first-one"), SLICE_LITERAL("111")},
	    {SLICE_LITERAL("sk-first-two"), SLICE_LITERAL("222222222222222")},
	    {SLICE_LITERAL("first-three"), SLICE_LITERAL("")},
	};

	expect(p, 3, SWAP_IN_TEXT,
	    "sk-first-two sk-first-three sk-first-one sk-first-tw",
	    "222222222222222 sk- 111 sk-first-tw");
}

TEST(a_value_is_not_searched_again)
{
	expect(ONE("PLACEHOLDER", "PLACEHOLDERPLACEHOLDER"), 1, SWAP_IN_TEXT,
	    "PLACEHOLDER", "PLACEHOLDERPLACEHOLDER");
}

TEST(in_a_form_percents_are_read_and_written)
{
	const struct swap_pair *p = ONE("sk-A+b", "k&y=1 %/\n\xff");

	expect(p, 1, SWAP_IN_QUERY, "a=%73k%2DA+%62&b=%2",
	    "a=k%26y%3D1%20%25%2F"
	    "%0A%FF&b=%2");
	expect(p, 1, SWAP_IN_QUERY, "sk-%41%2bb%", "k%26y%3D1%20%25%2F%0A%FF%");
	/* Not decoded twice, and no half of a spelling is a byte. */
	expect(p, 1, SWAP_IN_QUERY, "%2573k-A%2bb %7sk-A%2Xb",
	    "%2573k-A%2bb %7sk-A%2Xb");
	expect(p, 1, SWAP_IN_TEXT, "%73k-A%2bb", "%73k-A%2bb");
}

TEST(in_a_path_a_value_stays_within_its_segment)
{
	expect(ONE("PLACEHOLDER", "12:ab/../c;d?e#f%"), 1, SWAP_IN_PATH,
	    "/botPLACEHOLDER/getMe", "/bot12:ab%2F..%2Fc%3Bd%3Fe%23f%25/getMe");
}

TEST(in_json_escapes_are_read_and_written)
{
	const struct swap_pair *p = ONE("s/k-1", "q\"b\\s\x01");

	expect(p, 1, SWAP_IN_JSON,
	    "{\"k\":\"s\\/k-1\",\"l\":\"\\u0073/k\\u002d1\"}",
	    "{\"k\":\"q\\\"b\\\\s\\u0001\",\"l\":\"q\\\"b\\\\s\\u0001\"}");
	/* An escaped backslash, and what is no escape at all. */
	expect(p, 1, SWAP_IN_JSON, "\\\\u0073/k-1 \\u00g3 s\\/k\\u2d31 \\",
	    "\\\\u0073/k-1 \\u00g3 s\\/k\\u2d31 \\");
	expect(p, 1, SWAP_IN_JSON, "\\\\s/k-1 \\ns/k-1",
	    "\\\\q\\\"b\\\\s\\u0001 \\nq\\\"b\\\\s\\u0001");
}

TEST(which_of_two_is_meant_must_be_clear)
{
	const struct swap_pair contains[] = {
	    {SLICE_LITERAL("proxy-managed"), SLICE_LITERAL("1")},
	    {SLICE_LITERAL("my-proxy-managed-2"), SLICE_LITERAL("2")},
	};

	EXPECT(swap_new(contains, 2, SWAP_IN_TEXT) == NULL);
	EXPECT(swap_new(ONE("", "1"), 1, SWAP_IN_TEXT) == NULL);
}

static void
count_bytes(void *owner, struct slice bytes)
{
	*(size_t *)owner += bytes.len;
}

TEST(a_body_grows_by_so_much_and_no_more)
{
	static char value[4096];
	struct swap_pair p = {
	    SLICE_LITERAL("PLACEHOLDER"), {value, sizeof(value)}};
	struct swap *s;
	size_t sent = 0, grows = sizeof(value) - p.placeholder.len;
	size_t fits = SWAP_GROWTH_MAX / grows;

	memset(value, 'v', sizeof(value));
	s = swap_new(&p, 1, SWAP_IN_TEXT);
	for (size_t i = 0; i < fits; i++)
		EXPECT(swap_data(s, p.placeholder, false, count_bytes, &sent));
	EXPECT_INT(sent, fits * sizeof(value));
	EXPECT_INT(swap_which(s), 1);
	EXPECT(!swap_data(s, p.placeholder, false, count_bytes, &sent));
	EXPECT(!swap_data(s, SLICE_LITERAL("x"), true, count_bytes, &sent));
	EXPECT_INT(sent, fits * sizeof(value));
	swap_free(s);
}

TEST(nothing_waits_that_cannot_begin_a_placeholder)
{
	struct swap *s = swap_new(ONE("PLACEHOLDER", "v"), 1, SWAP_IN_TEXT);
	size_t sent = 0;

	EXPECT(swap_data(s, SLICE_LITERAL("data: PLACEx\n"), false, count_bytes,
	    &sent));
	EXPECT_INT(sent, 13);
	EXPECT(swap_data(s, SLICE_LITERAL("abcPLA"), false, count_bytes,
	    &sent));
	EXPECT_INT(sent, 16);
	swap_free(s);
}

TEST(a_text_at_once_says_what_it_needs)
{
	struct swap *s = swap_new(ONE("PLACEHOLDER", "v&v"), 1, SWAP_IN_TEXT);
	char room[16];
	size_t needed;
	uint32_t which = 0;
	struct slice in = SLICE_LITERAL("<PLACEHOLDER>");

	EXPECT(swap_text(s, SWAP_IN_TEXT, in, room, 5, &needed, &which));
	EXPECT_INT(needed, 5);
	EXPECT(memcmp(room, "<v&v>", 5) == 0);
	EXPECT(swap_text(s, SWAP_IN_QUERY, in, room, 2, &needed, &which));
	EXPECT_INT(needed, 7);
	EXPECT_INT(which, 1);
	swap_free(s);
}

TEST(content_types_say_how_bodies_are_spelled)
{
	static const struct {
		const char *type;
		enum swap_place place;
	} rows[] = {
	    {"application/json", SWAP_IN_JSON},
	    {"Application/JSON; charset=utf-8", SWAP_IN_JSON},
	    {"application/vnd.github+json", SWAP_IN_JSON},
	    {"application/x-ndjson", SWAP_IN_JSON},
	    {"application/x-www-form-urlencoded;charset=UTF-8", SWAP_IN_QUERY},
	    {"application/x-amz-json-1.1", SWAP_IN_JSON},
	    {"multipart/form-data; boundary=json", SWAP_IN_TEXT},
	    {"text/plain", SWAP_IN_TEXT},
	    {"", SWAP_IN_TEXT},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		EXPECT_INT(swap_place_of_type(slice_of(rows[i].type)),
		    rows[i].place);
}

/* --- against a reference that has all of the text and looks anew at each
 * unit --- */

static size_t
reference(const struct swap_pair *pairs, size_t count, enum swap_place place,
    struct slice in, struct collected *out)
{
	size_t at = 0, replaced = 0;

	out->len = 0;
	out->at[0] = '\0';
	while (at < in.len) {
		size_t best_end = SIZE_MAX, best_start = 0, best = 0;

		for (size_t start = at; start < in.len;) {
			struct slice from = slice_from(in, start);
			struct unit u = unit_of(place, from);

			for (size_t n = 0; n < count; n++) {
				struct slice p = pairs[n].placeholder;
				size_t end = start, k = 0;

				while (k < p.len && end < in.len) {
					struct unit v = unit_of(place,
					    slice_from(in, end));

					if (v.byte != (unsigned char)p.at[k])
						break;
					end += v.len ? v.len : 1;
					k++;
				}
				if (k == p.len && end < best_end) {
					best_end = end;
					best_start = start;
					best = n;
				}
			}
			start += u.len ? u.len : 1;
		}
		if (best_end == SIZE_MAX) {
			collect(out, slice_from(in, at));
			break;
		}
		collect(out, (struct slice){in.at + at, best_start - at});
		swap_write_value(pairs[best].value, place, collect, out);
		at = best_end;
		replaced++;
	}
	return replaced;
}

static unsigned
random_below(unsigned *seed, unsigned below)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % below;
}

TEST(it_does_what_a_simple_reader_does)
{
	static const char alphabet[] = "ab%61\\u0062/";
	struct collected fast, simple;
	unsigned seed = 4, found = 0;

	for (int round = 0; round < 20000; round++) {
		char text[64], names[3][8];
		struct swap_pair pairs[3];
		size_t len = random_below(&seed, sizeof(text)), count;
		enum swap_place place = random_below(&seed, 4);
		struct swap *s;

		for (size_t i = 0; i < len; i++)
			text[i] =
			    alphabet[random_below(&seed, sizeof(alphabet) - 1)];
		count = 1 + random_below(&seed, 3);
		for (size_t n = 0; n < count; n++) {
			size_t size = 1 + random_below(&seed, 5);

			for (size_t i = 0; i < size; i++)
				names[n][i] = "ab/"[random_below(&seed, 3)];
			pairs[n] = (struct swap_pair){{names[n], size},
			    slice_of(n == 0  ? ""
				    : n == 1 ? "v%\""
					     : "ab")};
		}
		s = swap_new(pairs, count, place);
		if (s == NULL)
			continue;
		found += (unsigned)reference(pairs, count, place,
		    (struct slice){text, len}, &simple);
		fast.len = 0;
		fast.at[0] = '\0';
		for (size_t at = 0; at <= len;) {
			size_t size = random_below(&seed, 9);

			if (size > len - at)
				size = len - at;
			EXPECT(swap_data(s, (struct slice){text + at, size},
			    at + size == len, collect, &fast));
			at += size;
			if (at == len)
				break;
		}
		EXPECT_TEXT(fast.at, simple.at);
		swap_free(s);
	}
	EXPECT(found > 5000);
}
