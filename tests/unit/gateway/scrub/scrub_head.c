/* scrub_head.c - no field, phrase or target tells */
#include "gateway/scrub/scrub_head.c"

#include "base/check.h"
#include "tests/unit/test.h"

#define KEY "sk-proj-Zm9vYmFyQmF6T3JhbmdlQXBwbGU"

static struct needles *
needles_of_key(void)
{
	return needles_new(&(struct needle){.value = SLICE_LITERAL(KEY),
			       .mask = SLICE_LITERAL("managed; \"so\""),
			       .id = 5},
	    1);
}

static void
expect_value(const char *value, const char *wanted)
{
	struct needles *n = needles_of_key();
	struct field list[] = {{SLICE_LITERAL("X"), slice_of(value)}};
	struct fields f = {list, 1, 1};
	struct scrub_found found = {0};
	struct arena a;

	arena_init(&a, 1024, 65536);
	EXPECT(scrub_fields(n, &a, &f, &found));
	EXPECT_INT(list[0].value.len, strlen(value));
	if (!slice_is(list[0].value, wanted))
		test_fail(__FILE__, __LINE__, "%s became %.*s", value,
		    SLICE_ARG(list[0].value));
	EXPECT_INT(found.count, strcmp(value, wanted) != 0);
	EXPECT(found.count > 0 || list[0].value.at == value);
	arena_done(&a);
	needles_drop(n);
}

TEST(values)
{
	expect_value("nothing", "nothing");
	expect_value("", "");
	expect_value("sk-proj-Zm9vYmFyQmF6T3JhbmdlQXBwbG",
	    "sk-proj-Zm9vYmFyQmF6T3JhbmdlQXBwbG");
	expect_value(KEY, "managed***so***********************");
	expect_value("https://a.test/?k=" KEY "&x=1",
	    "https://a.test/?k=managed***so***********************&x=1");
	expect_value("key=" KEY "; Path=/; Secure",
	    "key=managed***so***********************; Path=/; Secure");
	expect_value("k=sk-proj-Zm9vYmFyQmF6T3JhbmdlQXBwbG%55",
	    "k=managed***so*************************");
	expect_value("Basic eDpzay1wcm9qLVptOXZZbUZ5UW1GNlQzSmhibWRsUVhCd2JHVQ"
		     "==",
	    "Basic eDpqKioqKioqKioqKioqKioqKioqKioqKioqKioqKioqKioqKQ==");
}

TEST(names_phrases_and_all_fields)
{
	struct needles *n = needles_of_key();
	struct field list[] = {{SLICE_LITERAL("a"), SLICE_LITERAL("b")},
	    {SLICE_LITERAL(KEY), SLICE_LITERAL(KEY ", " KEY)}};
	struct head h = {.status = 200,
	    .phrase = SLICE_LITERAL("OK " KEY),
	    .fields = {list, 2, 2}};
	struct scrub_found found = {0};
	struct arena a;

	arena_init(&a, 1024, 65536);
	EXPECT(scrub_head(n, &a, &h, &found));
	EXPECT_INT(found.count, 4);
	EXPECT_INT(found.id, 5);
	EXPECT_INT(found.form, NEEDLE_RAW);
	EXPECT(slice_is(h.phrase, "OK managed***so***********************"));
	EXPECT(slice_is(list[0].name, "a") && slice_is(list[0].value, "b"));
	EXPECT(slice_is(list[1].name, "managed***so***********************"));
	EXPECT(slice_is(list[1].value,
	    "managed***so***********************, "
	    "managed***so***********************"));
	h = (struct head){.is_request = true,
	    .method = SLICE_LITERAL("GET"),
	    .target = SLICE_LITERAL("/?" KEY)};
	EXPECT(scrub_head(n, &a, &h, &found));
	EXPECT(slice_is(h.target, "/?managed***so***********************"));
	EXPECT_INT(found.count, 5);
	arena_done(&a);
	needles_drop(n);
}

TEST(a_full_arena_is_told)
{
	struct needles *n = needles_of_key();
	struct field list[] = {{SLICE_LITERAL("a"), SLICE_LITERAL(KEY KEY)},
	    {SLICE_LITERAL(KEY), SLICE_LITERAL("b")}};
	struct head h = {.phrase = SLICE_LITERAL(KEY), .fields = {list, 2, 2}};
	struct scrub_found found = {0};
	struct arena a;

	for (size_t room = 16; room < 160; room += 16) {
		list[0].value = SLICE_LITERAL(KEY KEY);
		list[1].name = SLICE_LITERAL(KEY);
		h.phrase = SLICE_LITERAL(KEY);
		arena_init(&a, 16, room);
		EXPECT(scrub_fields(n, &a, &h.fields, &found) == (room >= 128));
		list[0].value = list[1].name = SLICE_LITERAL("none");
		arena_done(&a);
		arena_init(&a, 16, room);
		EXPECT(scrub_head(n, &a, &h, &found) == (room >= 48));
		arena_done(&a);
	}
	needles_drop(n);
}

TEST(looking)
{
	struct needles *n = needles_of_key();
	struct field list[] = {{SLICE_LITERAL("a"), SLICE_LITERAL("b")},
	    {SLICE_LITERAL("c"), SLICE_LITERAL("d")}};
	struct head h = {.is_request = true,
	    .method = SLICE_LITERAL("GET"),
	    .target = SLICE_LITERAL("/"),
	    .fields = {list, 2, 2}};
	struct slice *places[] = {
	    &list[0].name, &list[1].value, &h.method, &h.target};
	struct scrub_found found = {0};

	EXPECT(!scrub_look_head(n, &h, &found));
	EXPECT(!scrub_look_fields(n, &h.fields, &found));
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		struct slice was = *places[i];

		*places[i] =
		    SLICE_LITERAL("=%73k-proj-Zm9vYmFyQmF6T3JhbmdlQXBwbGU=");
		EXPECT(scrub_look_head(n, &h, &found));
		EXPECT_INT(found.count, 1);
		EXPECT(scrub_look_fields(n, &h.fields, &found) == (i < 2));
		EXPECT(slice_starts(*places[i], "=%73k"));
		*places[i] = was;
		found = (struct scrub_found){0};
	}
	h = (struct head){.phrase = SLICE_LITERAL(KEY)};
	EXPECT(scrub_look_head(n, &h, &found));
	EXPECT(!scrub_look_text(n, slice_of("x"), &found));
	EXPECT_INT(found.count, 1);
	EXPECT(scrub_look_text(n, slice_of("x" KEY KEY), &found));
	EXPECT_INT(found.count, 3);
	needles_drop(n);
}
