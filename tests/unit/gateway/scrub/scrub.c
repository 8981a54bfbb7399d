/* scrub.c - the key never comes out, whatever the body and its pieces */
#include "gateway/scrub/scrub.c"

#include "tests/unit/gateway/scrub/compress.h"

#define KEY COMPRESS_KEY
#define MASK "proxy-managed"

static struct inflate_budget budget = {.limit = 64 << 20};

struct out {
	struct help_text text;
	size_t pieces;
	bool is_over;
};

static void
collect(void *owner, struct slice bytes, bool last)
{
	struct out *o = owner;

	EXPECT(!o->is_over);
	EXPECT(bytes.len > 0 || last);
	help_add(&o->text, bytes.at, bytes.len);
	o->pieces++;
	o->is_over = last;
}

static bool timed;

static struct scrub *
scrub_of(const char *value, const char *codings, bool look_only,
    struct out *out)
{
	struct needles *n =
	    needles_new(&(struct needle){.value = slice_of(value),
			    .mask = SLICE_LITERAL(MASK),
			    .id = 3},
		1);
	struct field list[] = {
	    {SLICE_LITERAL("Content-Type"), SLICE_LITERAL("gzip")},
	    {SLICE_LITERAL("content-ENCODING"), slice_of(codings)}};
	struct fields head = {list, codings ? 2 : 1, 2};
	enum scrub_result result;
	struct scrub *s = scrub_new(&(struct scrub_options){.needles = n,
					.head = &head,
					.budget = &budget,
					.look_only = look_only,
					.is_timed = timed,
					.emit = collect,
					.owner = out},
	    &result);

	needles_drop(n);
	out->text.len = out->pieces = 0;
	out->is_over = false;
	if (s == NULL)
		EXPECT_INT(result, SCRUB_UNKNOWN);
	return s;
}

/* In pieces of `piece` bytes; the result of the last call. */
static enum scrub_result
feed(struct scrub *s, struct slice in, size_t piece)
{
	size_t at = 0;
	enum scrub_result result;

	do {
		struct slice part = slice_first(slice_from(in, at), piece);
		char *alone = malloc(part.len + 1);

		memcpy(alone, part.at, part.len);
		at += part.len;
		result = scrub_data(s, (struct slice){alone, part.len},
		    at == in.len);
		free(alone);
	} while (at < in.len && result == SCRUB_OK);
	return result;
}

static void
expect_scrubbed_at(const char *text, size_t piece, const char *wanted)
{
	static struct out out;
	struct scrub *s = scrub_of(KEY, NULL, false, &out);

	EXPECT_INT(feed(s, slice_of(text), piece), SCRUB_OK);
	EXPECT(out.is_over);
	EXPECT_INT(out.text.len, strlen(text));
	EXPECT_INT(scrub_held(s), 0);
	help_add(&out.text, "", 1);
	EXPECT_TEXT(out.text.at, wanted);
	scrub_free(s);
}

static void
expect_scrubbed(const char *text, const char *wanted)
{
	expect_scrubbed_at(text, SIZE_MAX, wanted);
}

TEST(what_has_no_key_passes_as_it_is)
{
	static const char text[] =
	    "{\"answer\": \"sk-proj- is how keys begin, \\u0073k-proj too\"}";

	for (size_t piece = 1; piece < sizeof(text); piece++)
		expect_scrubbed_at(text, piece, text);
	expect_scrubbed("", "");
}

TEST(masks)
{
	expect_scrubbed("k: " KEY "!", "k: " MASK "**********************!");
	/* The length of the text that was there. */
	expect_scrubbed("%73k-proj-Zm9vYmFyQmF6T3JhbmdlQXBwbGU ",
	    MASK "************************ ");
	/* {"k":"KEY"} in base64, in lines, in hex, apart. */
	expect_scrubbed("eyJrIjoic2stcHJvai1abTl2WW1GeVFtRjZUM0poYm1kbFFYQndiR1"
			"UifQ==",
	    "eyJrIjoiKioqKioqKioqKioqKioqKioqKioqKioqKioqKioqKioqKiUifQ==");
	expect_scrubbed("eyJrIjoic2stcHJvai1abTl2\r\nWW1GeVFtRjZUM0poYm1k\n"
			"bFFYQndiR1UifQ==",
	    "eyJrIjoiKioqKioqKioqKioq\r\nKioqKioqKioqKioqKioq\n"
	    "KioqKioqKiUifQ==");
	expect_scrubbed("<736b2d70726f6a2d5a6d3976596d4679516d4636543"
			"34a68626d646c5158427762"
			"4755>",
	    "<2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2"
	    "a2a2a2a2a2a2a2a2a2a2a"
	    "2a2a>");
	expect_scrubbed("<73 6b 2d 70 72 6f 6a 2d 5a 6d 39 76 59 6d 46 79 51 "
			"6d 46 36 54 33 4a 68 62 6d 64 6c 51 58 42 77 62 47 "
			"55>",
	    "<2a 2a 2a 2a 2a 2a 2a 2a 2a 2a 2a 2a 2a 2a 2a 2a 2a 2a 2a 2a 2a "
	    "2a 2a 2a 2a 2a 2a 2a 2a 2a 2a 2a 2a 2a 2a>");
	expect_scrubbed(KEY KEY,
	    MASK "**********************" MASK "**********************");
}

/* Whatever the pieces: the length stays, and no more of the key comes out
 * than its first three bytes. */
static void
expect_no_key(struct slice text, size_t piece)
{
	static struct out out;
	struct scrub *s = scrub_of(KEY, NULL, false, &out);

	EXPECT_INT(feed(s, text, piece), SCRUB_OK);
	EXPECT_INT(out.text.len, text.len);
	EXPECT(memmem(out.text.at, out.text.len, &KEY[3], 5) == NULL);
	EXPECT(memmem(out.text.at, out.text.len, &KEY[sizeof(KEY) - 6], 5) ==
	    NULL);
	EXPECT_INT(scrub_found(s)->count, 1);
	EXPECT_INT(scrub_found(s)->id, 3);
	EXPECT(text.len < 2000 || s->held_room < 1000);
	scrub_free(s);
}

TEST(cut_at_every_place)
{
	static struct help_text t;

	for (size_t lead = 0; lead < 3; lead++) {
		t.len = 0;
		for (size_t i = 0; i < lead * 1500; i++)
			help_addf(&t, "%c", 'a' + (int)i % 26);
		help_add_text(&t, "Authorization: " KEY "\r\n");
		for (size_t i = 0; i < lead * 1500; i++)
			help_addf(&t, "%c", 'a' + (int)i % 26);
		for (size_t piece = 1; piece < 100; piece++)
			expect_no_key(help_slice(&t), piece);
	}
}

TEST(cut_in_two_at_every_place)
{
	static const char text[] = "a: \\u0073k-proj-Zm9vYmFyQmF6T3JhbmdlQX"
				   "Bwb%47U, b";

	for (size_t cut = 0; cut <= sizeof(text) - 1; cut++) {
		static struct out out;
		struct scrub *s = scrub_of(KEY, NULL, false, &out);

		EXPECT_INT(scrub_data(s, (struct slice){text, cut}, false),
		    SCRUB_OK);
		EXPECT(!out.is_over);
		EXPECT_INT(out.text.len + scrub_held(s), cut);
		EXPECT_INT(scrub_data(s, slice_from(slice_of(text), cut), true),
		    SCRUB_OK);
		EXPECT_INT(out.text.len, sizeof(text) - 1);
		EXPECT(slice_starts(help_slice(&out.text), "a: "));
		EXPECT(slice_ends(help_slice(&out.text), "*, b"));
		EXPECT(memmem(out.text.at, out.text.len, "roj", 3) == NULL ||
		    cut == 0);
		scrub_free(s);
	}
}

TEST(an_event_is_never_held_back)
{
	static const char *const events[] = {"data: sk-proj-\n\n",
	    "data: sk-proj-Zm9vYmFy\r\n\r\n", "data: c2stcHJvai1a\n\n",
	    "data: 736b2d70726f6a2d\n\n", "data: %73%6b%2d%70%72\n\n",
	    "data: \\u0073\\u006b\\u002d\\u0070\\\n\n"};

	for (size_t i = 0; i < ARRAY_SIZE(events); i++)
		for (size_t piece = 1; piece < 20; piece++) {
			static struct out out;
			struct scrub *s = scrub_of(KEY, NULL, false, &out);
			size_t len = strlen(events[i]);

			for (size_t at = 0; at < len; at += piece)
				scrub_data(s,
				    slice_first(slice_from(slice_of(events[i]),
						    at),
					piece),
				    false);
			EXPECT_INT(out.text.len, len);
			EXPECT(slice_is(help_slice(&out.text), events[i]));
			scrub_free(s);
		}
}

TEST(a_messages_end_lets_go)
{
	static struct out out;
	struct scrub *s = scrub_of(KEY, NULL, false, &out);

	scrub_data(s, slice_of("\001\002sk-proj-Zm9"), false);
	EXPECT_INT(scrub_held(s), 11);
	EXPECT_INT(scrub_message_end(s), SCRUB_OK);
	EXPECT_INT(scrub_held(s), 0);
	EXPECT_INT(out.text.len, 13);
	EXPECT_INT(scrub_found(s)->count, 0);
	/* And is still found: of it, a third has gone. */
	scrub_data(s, slice_of("vYmFyQmF6T3JhbmdlQXBwbGU"), true);
	EXPECT_INT(scrub_found(s)->count, 1);
	help_add(&out.text, "", 1);
	EXPECT_TEXT(out.text.at, "\001\002sk-proj-Zm9ed**********************");
	scrub_free(s);
}

TEST(a_messages_end_hides_what_is_more_than_a_third)
{
	static struct out out;
	struct scrub *s = scrub_of(KEY, NULL, false, &out);

	scrub_data(s, slice_of(".sk-proj-Zm9v"), false);
	EXPECT_INT(scrub_message_end(s), SCRUB_OK);
	EXPECT_INT(scrub_found(s)->count, 1);
	help_add(&out.text, "", 1);
	EXPECT_TEXT(out.text.at, ".proxy-manage");
	scrub_free(s);
}

TEST(trailers_come_behind_all)
{
	static struct out out;
	struct scrub *s = scrub_of(KEY, NULL, false, &out);

	scrub_data(s, slice_of("sk-proj-Zm9v"), false);
	EXPECT_INT(out.text.len, 0);
	EXPECT_INT(scrub_before_trailers(s), SCRUB_OK);
	EXPECT_INT(out.text.len, 12);
	EXPECT(!out.is_over);
	scrub_free(s);
	scrub_free(NULL);
}

TEST(overlapping_hits)
{
	struct needle needles[] = {
	    {SLICE_LITERAL("0123456789abcdef"), SLICE_LITERAL("AAAA"), 1},
	    {SLICE_LITERAL("89abcdefghij"), SLICE_LITERAL("BBBB"), 2},
	    {SLICE_LITERAL("456789ab"), SLICE_LITERAL("CCCC"), 4}};
	struct needles *n = needles_new(needles, 3);

	for (size_t piece = 1; piece < 30; piece++) {
		static struct out out;
		struct fields none = {NULL, 0, 0};
		enum scrub_result result;
		struct scrub *s =
		    scrub_new(&(struct scrub_options){.needles = n,
				  .head = &none,
				  .emit = collect,
				  .owner = &out},
			&result);

		out = (struct out){.pieces = 0};
		EXPECT_INT(feed(s, slice_of("x0123456789abcdefghijx"), piece),
		    SCRUB_OK);
		EXPECT_INT(out.text.len, 22);
		EXPECT(memmem(out.text.at, out.text.len, "23", 2) == NULL ||
		    piece < 5);
		for (const char *c = "456789abcdefghij"; *c; c++)
			EXPECT(memchr(out.text.at, *c, out.text.len) == NULL);
		EXPECT_INT(scrub_found(s)->count, 3);
		EXPECT_INT(scrub_found(s)->id, 4);
		scrub_free(s);
	}
	needles_drop(n);
}

/* --- compressed --- */

static const char *const coding_names[] = {
    [INFLATE_GZIP] = "gzip",
    [INFLATE_DEFLATE] = "deflate",
    [INFLATE_BROTLI] = "br",
    [INFLATE_ZSTD] = "zstd",
};

static void
make_text(struct help_text *t, const char *key)
{
	t->len = 0;
	for (size_t i = 0; i < 300; i++)
		help_addf(t, "\"line-%zu\": %u, ", i, help_random(1u << 30));
	help_add_text(t, key);
	for (size_t i = 0; i < 300; i++)
		help_addf(t, "\"line-%zu\": %u, ", i, help_random(1u << 30));
}

TEST(compressed_without_a_key_passes_as_it_is)
{
	static struct help_text text, coded;
	static const size_t pieces[] = {SIZE_MAX, 1, 7, 1000, 4000};
	struct slice in;

	make_text(&text, "sk-proj-");
	in = help_slice(&text);
	for (unsigned c = 0; c < INFLATE_CODING_COUNT; c++)
		for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
			static struct out out;
			struct scrub *s = scrub_of(KEY, coding_names[c], false,
			    &out);

			coded.len = 0;
			compress_with(&coded, c, &in, 1);
			EXPECT_INT(feed(s, help_slice(&coded), pieces[i]),
			    SCRUB_OK);
			EXPECT(out.is_over);
			EXPECT(slice_equal(help_slice(&out.text),
			    help_slice(&coded)));
			scrub_free(s);
		}
	EXPECT_INT(budget.used, 0);
}

/* Nothing that a decoder could make any of the key of has come out. */
static void
expect_leak(enum inflate_coding coding, struct slice coded, size_t piece)
{
	static struct out out;
	static char text[HELP_TEXT_MAX];
	struct scrub *s = scrub_of(KEY, coding_names[coding], false, &out);
	struct inflate *f = inflate_new(coding, &budget);
	struct slice rest;
	size_t made;

	EXPECT_INT(feed(s, coded, piece), SCRUB_LEAK);
	EXPECT_INT(scrub_data(s, slice_of("more"), true), SCRUB_LEAK);
	EXPECT_INT(scrub_before_trailers(s), SCRUB_LEAK);
	EXPECT(!out.is_over);
	EXPECT(scrub_found(s)->count > 0);
	EXPECT(memcmp(out.text.at, coded.at, out.text.len) == 0);
	rest = help_slice(&out.text);
	EXPECT_INT(inflate_run(f, &rest, text, sizeof(text), &made),
	    INFLATE_MORE);
	EXPECT(memmem(text, made, KEY, 4) == NULL);
	inflate_free(f, false);
	scrub_free(s);
}

TEST(compressed_with_a_key_ends)
{
	static struct help_text text, coded;
	static const size_t pieces[] = {SIZE_MAX, 1, 2, 3, 7, 1000, 4000};
	struct slice in;

	make_text(&text, KEY);
	in = help_slice(&text);
	for (unsigned c = 0; c < INFLATE_CODING_COUNT; c++)
		for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
			coded.len = 0;
			compress_with(&coded, c, &in, 1);
			expect_leak(c, help_slice(&coded), pieces[i]);
		}
	coded.len = 0;
	compress_brotli(&coded, brotli_with_key);
	for (size_t piece = 1; piece < 300; piece++)
		expect_leak(INFLATE_BROTLI, help_slice(&coded), piece);
	EXPECT_INT(budget.used, 0);
}

TEST(brotli_by_its_own_encoder_passes)
{
	static struct help_text coded;

	coded.len = 0;
	compress_brotli(&coded, brotli_without_key);
	for (size_t piece = 1; piece < 300; piece++) {
		static struct out out;
		struct scrub *s = scrub_of(KEY, "br", false, &out);

		EXPECT_INT(feed(s, help_slice(&coded), piece), SCRUB_OK);
		EXPECT(slice_equal(help_slice(&out.text), help_slice(&coded)));
		scrub_free(s);
	}
}

TEST(compressed_twice)
{
	static struct help_text text, once, twice;

	for (int with = 0; with < 2; with++)
		for (size_t piece = 1; piece < 3000; piece += 700) {
			static struct out out;
			struct scrub *s = scrub_of(KEY, "gzip , br", false,
			    &out);
			struct slice in;

			make_text(&text, with ? KEY : "nothing");
			in = help_slice(&text);
			once.len = twice.len = 0;
			compress_with(&once, INFLATE_GZIP, &in, 1);
			in = help_slice(&once);
			compress_with(&twice, INFLATE_BROTLI, &in, 1);
			EXPECT_INT(feed(s, help_slice(&twice), piece),
			    with ? SCRUB_LEAK : SCRUB_OK);
			EXPECT(out.is_over == !with);
			scrub_free(s);
		}
}

TEST(flushed_events_in_compressed_bodies_go_out_at_once)
{
	struct slice events[] = {SLICE_LITERAL("data: one sk-proj-\n\n"),
	    SLICE_LITERAL("data: two c2stcHJv\n\n"),
	    SLICE_LITERAL("data: three\n\n")};
	static struct help_text coded;

	for (unsigned c = 0; c < INFLATE_CODING_COUNT; c++)
		for (size_t n = 1; n < 3; n++) {
			static struct out out;
			struct scrub *s = scrub_of(KEY, coding_names[c], false,
			    &out);
			size_t len;

			/* Up to where the next one begins. */
			coded.len = 0;
			compress_with(&coded, c, events, n);
			len = coded.len;
			compress_with(&coded, c, events, 3);
			for (size_t i = 0; i < len - 20; i++)
				scrub_data(s, (struct slice){coded.at + i, 1},
				    false);
			EXPECT_INT(out.text.len + scrub_held(s), len - 20);
			EXPECT(n < 2 || out.text.len > 20);
			scrub_free(s);
		}
}

TEST(names_and_comments_of_gzip_are_seen)
{
	static struct help_text t;
	static struct out out;
	struct scrub *s = scrub_of(KEY, "gzip", false, &out);

	t.len = 0;
	help_add(&t, "\x1f\x8b\x08\x08\0\0\0\0\0\x03", 10);
	help_add(&t, KEY "\0", sizeof(KEY));
	help_add(&t, "\x03\0\0\0\0\0\0\0\0\0", 10);
	EXPECT_INT(feed(s, help_slice(&t), 1), SCRUB_LEAK);
	EXPECT(out.text.len <= 13);
	scrub_free(s);
}

TEST(damaged_or_cut_off_is_bad)
{
	static struct help_text text, coded;
	static struct out out;
	struct slice in;
	struct scrub *s;

	make_text(&text, "nothing");
	in = help_slice(&text);
	for (unsigned c = 0; c < INFLATE_CODING_COUNT; c++) {
		coded.len = 0;
		compress_with(&coded, c, &in, 1);
		s = scrub_of(KEY, coding_names[c], false, &out);
		EXPECT_INT(feed(s,
			       slice_first(help_slice(&coded), coded.len - 1),
			       500),
		    SCRUB_BAD);
		EXPECT(!out.is_over);
		scrub_free(s);
		s = scrub_of(KEY, coding_names[c], false, &out);
		scrub_data(s, slice_first(help_slice(&coded), 100), false);
		EXPECT_INT(scrub_before_trailers(s), SCRUB_BAD);
		scrub_free(s);
		help_add_text(&coded, "x");
		s = scrub_of(KEY, coding_names[c], false, &out);
		EXPECT_INT(feed(s, help_slice(&coded), 2000), SCRUB_BAD);
		scrub_free(s);
		/* None at all is no body. */
		s = scrub_of(KEY, coding_names[c], false, &out);
		EXPECT_INT(feed(s, slice_of(""), 1), SCRUB_OK);
		EXPECT(out.is_over);
		scrub_free(s);
	}
	EXPECT_INT(budget.used, 0);
}

TEST(limits)
{
	static struct help_text coded;
	static struct out out;
	struct scrub *s = scrub_of(KEY, "br", false, &out);
	struct slice text = SLICE_LITERAL("a text");
	struct inflate_budget was = budget;

	coded.len = 0;
	compress_brotli(&coded, brotli_zeros);
	EXPECT_INT(feed(s, help_slice(&coded), 1), SCRUB_LIMIT);
	scrub_free(s);
	budget.limit = 100;
	for (unsigned c = 0; c < INFLATE_CODING_COUNT; c++) {
		s = scrub_of(KEY, coding_names[c], false, &out);
		coded.len = 0;
		compress_with(&coded, c, &text, 1);
		EXPECT_INT(feed(s, help_slice(&coded), 3), SCRUB_LIMIT);
		scrub_free(s);
	}
	budget = was;
}

/* So many of them, compressed once for each of the codings. */
static void
compress_many(struct help_text *out, const char *what, size_t times,
    unsigned codings)
{
	static struct help_text block, before;
	struct slice all[64], one;

	CHECK(times <= ARRAY_SIZE(all));
	block.len = 0;
	while (block.len + strlen(what) <= sizeof(block.at))
		help_add_text(&block, what);
	for (size_t n = 0; n < times; n++)
		all[n] = help_slice(&block);
	out->len = 0;
	compress_with(out, INFLATE_GZIP, all, times);
	while (--codings > 0) {
		before = *out;
		one = help_slice(&before);
		out->len = 0;
		compress_with(out, INFLATE_GZIP, &one, 1);
	}
}

TEST(codings_in_codings_do_not_multiply_what_they_may_say)
{
	static struct help_text coded;
	static struct out out;
	struct scrub *s = scrub_of(KEY, "gzip, gzip", true, &out);

	compress_many(&coded, "0", 64, 2);
	EXPECT(coded.len < 1000);
	EXPECT_INT(feed(s, help_slice(&coded), coded.len), SCRUB_LIMIT);
	scrub_free(s);
}

/* What costs much to search, and little to send. */
TEST(looking_into_compressed_bodies_has_its_time)
{
	static struct help_text coded;
	static struct out out;
	struct scrub *s;

	compress_many(&coded, "\\u0070\\u0065", 1, 1);
	s = scrub_of("penstock-0123456789", "gzip", true, &out);
	EXPECT_INT(feed(s, help_slice(&coded), coded.len), SCRUB_OK);
	scrub_free(s);
	timed = true;
	compress_many(&coded, "\\u0070\\u0065", 64, 1);
	s = scrub_of("penstock-0123456789", "gzip", true, &out);
	EXPECT_INT(feed(s, help_slice(&coded), coded.len), SCRUB_LIMIT);
	scrub_free(s);
	timed = false;
}

struct compared {
	const char *with;
	size_t len, most_held;
};

static void
compare(void *owner, struct slice bytes, bool last)
{
	struct compared *c = owner;

	(void)last;
	EXPECT(memcmp(c->with + c->len, bytes.at, bytes.len) == 0);
	c->len += bytes.len;
}

/* Blocks of 128 KiB that no piece of ours ends with, as of a large answer. */
TEST(large_blocks_go_on_as_they_end)
{
	static char plain[900 * 1024], packed[sizeof(plain) + 4096];
	struct needle key = {.value = SLICE_LITERAL(KEY)};
	struct field coding = {
	    SLICE_LITERAL("Content-Encoding"), SLICE_LITERAL("zstd")};
	struct fields head = {&coding, 1, 1};
	struct compared c = {.with = packed};
	struct needles *n = needles_new(&key, 1);
	enum scrub_result result = SCRUB_OK;
	struct scrub *s;
	size_t len;

	for (size_t i = 0; i < sizeof(plain); i++)
		plain[i] = (char)help_random(256);
	len = ZSTD_compress(packed, sizeof(packed), plain, sizeof(plain), 1);
	s = scrub_new(&(struct scrub_options){.needles = n,
			  .head = &head,
			  .budget = &budget,
			  .emit = compare,
			  .owner = &c},
	    &result);
	for (size_t at = 0; at < len && result == SCRUB_OK; at += 10007) {
		struct slice piece = slice_first((struct slice){packed + at,
						     len - at},
		    10007);

		result = scrub_data(s, piece, at + piece.len == len);
		c.most_held = scrub_held(s) > c.most_held ? scrub_held(s)
							  : c.most_held;
	}
	EXPECT_INT(result, SCRUB_OK);
	EXPECT_INT(c.len, len);
	EXPECT(c.most_held < 2 * 132 * 1024);
	scrub_free(s);
	needles_drop(n);
}

/* A doubt, and then blocks that say nothing for ever. */
TEST(held_compressed_bytes_are_bounded)
{
	static struct help_text coded;
	static struct out out;
	static char empty[5 * 4000];
	struct slice text = SLICE_LITERAL("a: sk-proj-");
	struct scrub *s = scrub_of(KEY, "deflate", false, &out);
	enum scrub_result result;
	size_t fed = 0;

	coded.len = 0;
	compress_zlib(&coded, ZLIB_RAW, 0, &text, 1);
	/* Its one block is not the last. */
	coded.at[0] = 0;
	for (size_t i = 0; i < sizeof(empty); i += 5)
		memcpy(empty + i, "\0\0\0\xff\xff", 5);
	EXPECT_INT(scrub_data(s, help_slice(&coded), false), SCRUB_OK);
	EXPECT_INT(scrub_held(s), coded.len);
	do {
		result = scrub_data(s, (struct slice){empty, sizeof(empty)},
		    false);
		fed += sizeof(empty);
	} while (result == SCRUB_OK);
	EXPECT_INT(result, SCRUB_LIMIT);
	EXPECT(fed > SCRUB_HELD_MAX && fed < SCRUB_HELD_MAX + 21000);
	EXPECT_INT(out.text.len, 0);
	scrub_free(s);
}

/* --- codings --- */

TEST(codings)
{
	static const struct {
		const char *value;
		bool is_known;
	} lists[] = {{"gzip", true}, {"identity", true}, {"", true},
	    {"identity, GZIP", true}, {"gzip,br", true}, {" , gzip ,", true},
	    {"compress", false}, {"gzip, gzip, gzip", false},
	    {"gzip, aws-chunked", true}, {"UTF-8", true}, {"none", true},
	    {"gzip;q=1", false}, {"gzip br", false}, {"utf-16", false},
	    {"exi", false}, {"gzip, *", false}};
	static struct out out;
	struct field two[] = {
	    {SLICE_LITERAL("Content-Encoding"), SLICE_LITERAL("gzip")},
	    {SLICE_LITERAL("Content-Encoding"), SLICE_LITERAL("br")}};
	struct fields head = {two, 2, 2};
	enum inflate_coding list[SCRUB_CODINGS_MAX];
	size_t count;

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		struct scrub *s = scrub_of(KEY, lists[i].value, false, &out);

		EXPECT((s != NULL) == lists[i].is_known);
		scrub_free(s);
	}
	EXPECT(list_codings(&(struct scrub_options){.head = &head}, list,
	    &count));
	EXPECT_INT(count, 2);
	EXPECT_INT(list[0], INFLATE_GZIP);
	EXPECT_INT(list[1], INFLATE_BROTLI);
}

TEST(texts)
{
	for (unsigned r = 0; r <= SCRUB_LIMIT; r++)
		EXPECT(strlen(scrub_result_text(r)) > 10);
	EXPECT_TEXT(scrub_codings, "gzip, deflate, br, zstd");
}

/* --- looking only --- */

TEST(looking_holds_nothing_and_stops_before_the_piece)
{
	static struct out out;
	struct scrub *s = scrub_of(KEY, NULL, true, &out);

	EXPECT_INT(scrub_data(s, slice_of("a: sk-proj-Zm9vYmFyQmF6"), false),
	    SCRUB_OK);
	EXPECT_INT(scrub_held(s), 0);
	EXPECT_INT(out.text.len, 23);
	EXPECT_INT(scrub_data(s, slice_of("T3JhbmdlQXBwbGU\", "), true),
	    SCRUB_LEAK);
	EXPECT_INT(out.text.len, 23);
	EXPECT(!out.is_over);
	EXPECT_INT(scrub_found(s)->id, 3);
	scrub_free(s);
}

TEST(looking_into_compressed_bodies)
{
	static struct help_text text, coded;
	static struct out out;
	struct slice in;

	for (unsigned c = 0; c < INFLATE_CODING_COUNT; c++)
		for (int with = 0; with < 2; with++) {
			struct scrub *s = scrub_of(KEY, coding_names[c], true,
			    &out);

			make_text(&text, with ? KEY : "nothing");
			in = help_slice(&text);
			coded.len = 0;
			compress_with(&coded, c, &in, 1);
			EXPECT_INT(feed(s, help_slice(&coded), 100),
			    with ? SCRUB_LEAK : SCRUB_OK);
			EXPECT_INT(scrub_held(s), 0);
			EXPECT(with || out.text.len == coded.len);
			scrub_free(s);
		}
}

/* --- zeroing --- */

TEST(held_bytes_are_zeroed)
{
	static struct out out;
	struct scrub *s = scrub_of(KEY, NULL, false, &out);

	scrub_data(s, slice_of("a: sk-proj-Zm9vYmFyQmF6"), false);
	EXPECT_INT(scrub_held(s), 20);
	EXPECT(memmem(s->held, s->held_room, "sk-proj", 7) != NULL);
	scrub_data(s, slice_of("!"), false);
	EXPECT(memmem(s->held, s->held_room, "proj", 4) == NULL);
	EXPECT(memmem(s->held, s->held_room, "Zm9v", 4) == NULL);
	scrub_free(s);
}

TEST(what_is_uploaded_to_s3_in_pieces_is_text)
{
	struct out out;
	struct scrub *s = scrub_of("sk-0123456789", "aws-chunked", true, &out);

	EXPECT(s != NULL);
	EXPECT_INT(feed(s, SLICE_LITERAL("f\r\nsk-0123456789ab\r\n0\r\n\r\n"),
		       4),
	    SCRUB_LEAK);
	scrub_free(s);
}

/* Some stores say it of what they send as it is, and servers name charsets. */
TEST(what_names_no_coding_is_scrubbed_as_it_is)
{
	static const char *const labels[] = {"aws-chunked", "UTF-8", "none"};

	for (size_t i = 0; i < ARRAY_SIZE(labels); i++) {
		static struct out out;
		struct scrub *s = scrub_of("sk-0123456789", labels[i], false,
		    &out);

		EXPECT(s != NULL);
		EXPECT_INT(feed(s, SLICE_LITERAL("a sk-0123456789 b"), 4),
		    SCRUB_OK);
		EXPECT_INT(scrub_found(s)->count, 1);
		EXPECT_INT(out.text.len, 17);
		EXPECT(memmem(out.text.at, out.text.len, "3456789", 7) == NULL);
		scrub_free(s);
	}
}
