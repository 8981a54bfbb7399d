/* search.c - whatever the spelling, wherever it is cut */
#include "gateway/scrub/search.c"

#include "tests/unit/gateway/scrub/help.h"

#define KEY "sk-proj-Zm9/vYmFyQm+F6T3JhbmdlQXBwbGU"

static struct needles *
needles_of(const char *value)
{
	return needles_new(&(struct needle){.value = slice_of(value), .id = 7},
	    1);
}

/* --- what was hit, byte by byte --- */

struct seen {
	char marks[HELP_TEXT_MAX];
	size_t count;
	struct search_hit last;
	uint64_t last_end;
};

static void
mark(void *owner, const struct search_hit *hit)
{
	struct seen *seen = owner;

	EXPECT(hit->start < hit->end && hit->end <= HELP_TEXT_MAX);
	EXPECT(hit->end >= seen->last_end);
	memset(seen->marks + hit->start, 1, hit->end - hit->start);
	seen->count++;
	seen->last = *hit;
	seen->last_end = hit->end;
}

/* `cut(owner)` says how long the next piece is. */
static void
search_cut(struct needles *n, struct slice in, size_t piece, struct seen *seen)
{
	struct search *s = search_new(n);
	uint64_t clear = 0;

	memset(seen, 0, sizeof(*seen));
	for (size_t at = 0; at < in.len;) {
		size_t len = piece > 0 ? piece : 1 + help_random(40);
		struct slice part = slice_first(slice_from(in, at), len);
		char *alone = malloc(part.len);
		uint64_t now;

		/* Nothing behind it can be read. */
		memcpy(alone, part.at, part.len);
		at += part.len;
		now = search_feed(s, (struct slice){alone, part.len}, mark,
		    seen);
		free(alone);
		EXPECT(now <= at && now + needles_reach(n) >= at);
		EXPECT(now == search_clear(s));
		clear = now;
	}
	(void)clear;
	search_free(s);
}

static void
expect_hit_in(struct needles *n, struct slice in, size_t start, size_t end)
{
	static struct seen seen;
	static const size_t cuts[] = {SIZE_MAX, 1, 2, 3, 7, 0};

	for (size_t i = 0; i < ARRAY_SIZE(cuts); i++) {
		search_cut(n, in, cuts[i], &seen);
		if (seen.count == 0)
			test_fail(__FILE__, __LINE__, "nothing found in %.*s",
			    SLICE_ARG(in));
		EXPECT_INT(seen.last.id, 7);
		for (size_t k = 0; k < in.len; k++)
			if (seen.marks[k] != (k >= start && k < end))
				test_fail(__FILE__, __LINE__,
				    "byte %zu of %.*s (cut %zu)", k,
				    SLICE_ARG(in), cuts[i]);
	}
}

/* Between texts on both sides, at every place of a stride. */
static void
expect_found(const char *value, const char *text)
{
	struct needles *n = needles_of(value);
	static struct help_text t;

	for (size_t lead = 0; lead < 18; lead++) {
		t.len = 0;
		for (size_t i = 0; i < 800 + lead; i++)
			help_add_text(&t, i % 7 ? "." : " ");
		help_add_text(&t, text);
		help_add_text(&t, "\"}, and so on, and so on, and so on");
		expect_hit_in(n, help_slice(&t), 800 + lead,
		    800 + lead + strlen(text));
	}
	/* At the very end, and alone. */
	t.len = 0;
	help_add_text(&t, "{\"a\": \"");
	help_add_text(&t, text);
	expect_hit_in(n, help_slice(&t), 7, t.len);
	expect_hit_in(n, slice_of(text), 0, strlen(text));
	needles_drop(n);
}

static void
expect_nothing(const char *value, const char *text)
{
	struct needles *n = needles_of(value);
	static struct seen seen;

	search_cut(n, slice_of(text), SIZE_MAX, &seen);
	if (seen.count > 0)
		test_fail(__FILE__, __LINE__, "found %s in %s", value, text);
	search_cut(n, slice_of(text), 1, &seen);
	EXPECT_INT(seen.count, 0);
	needles_drop(n);
}

TEST(plain)
{
	expect_found(KEY, KEY);
	expect_found("12345678", "12345678");
	expect_nothing("12345678", "1234567 12345679 2345678");
}

TEST(escaped)
{
	expect_found("sk-abc/d", "sk-abc%2Fd");
	expect_found("sk-abc/d", "sk-abc%2fd");
	expect_found("sk-abc/d", "sk-abc%252Fd");
	expect_found("sk-abc/d", "sk-abc\\/d");
	expect_found("sk-abc/d", "sk-abc%5C%2Fd");
	expect_found("sk-abc/d", "sk-abc%5C/d");
	expect_found("sk-abc/d", "%73%6b%2D%61%62%63%2f%64");
	expect_found("sk-abc/d",
	    "\\u0073\\u006b\\u002d\\u0061\\u0062\\u0063\\u002f\\u0064");
	expect_found("sk-abc/d", "sk\\-abc\\/d");
	expect_found("sk-abc/d", "\\x73k-abc\\057d");
	expect_found("sk-abc/d", "&#115;k-abc&#x2F;d");
	expect_found("sk-abc/d", "&amp;#115;k-abc/&#100;");
	expect_found("a\"b&c<d>e'f", "a\\\"b&amp;c&lt;d&gt;e&apos;f");
	expect_found("a\"b&c<d>e'f", "a&quot;b\\u0026c\\u003cd\\u003ee&#39;f");
	expect_found("a\"b&c<d>e'f", "a%22b%26c%3Cd%3Ee%27f");
	expect_found("a b c d e", "a+b+c+d+e");
	expect_found("a b c d e", "a%20b+c d&#32;e");
	expect_found("caf\xc3\xa9-cr\xc3\xa8me", "caf\\u00e9-cr&#232;me");
	expect_found("caf\xc3\xa9-cr\xc3\xa8me", "caf%C3%A9-cr\xc3\xa8me");
	expect_found("caf\xe9-cr\xe8me", "caf\\u00e9-cr&#232;me");
	expect_found("\xe2\x82\xac uro-key", "\\u20ac uro-key");
	expect_nothing("\xe2\x82\xac uro-key", "\\U0001f600 uro-key");
}

/* What opens an escape in the value, and around it. */
TEST(values_with_escapes_of_their_own)
{
	expect_found("%41%42%43", "%41%42%43");
	expect_found("%41%42%43", "%2541%2542%2543");
	expect_found("%41%42%43", "%2541%42%2543");
	expect_found("a\\u0041b\\nc", "a\\u0041b\\nc");
	expect_found("a\\u0041b\\nc", "a\\\\u0041b\\\\nc");
	expect_found("R&D;&amp;x", "R&D;&amp;x");
	expect_found("R&D;&amp;x", "R&amp;D;&amp;amp;x");
	expect_found("a%b\\c%d&e", "a\\%b\\\\c\\%d\\&e");
}

TEST(what_stands_before_takes_nothing_away)
{
	struct needles *n = needles_of("41bcdefg");

	expect_hit_in(n, slice_of("%41bcdefg"), 1, 9);
	expect_hit_in(n, slice_of("%41bcd%65fg"), 1, 11);
	expect_hit_in(n, slice_of("%%34%31bcd%65fg"), 1, 15);
	expect_hit_in(n, slice_of("\\x41bcdefg"), 2, 10);
	expect_hit_in(n, slice_of("\\u0041bcdefg"), 4, 12);
	expect_hit_in(n, slice_of("&#41bcdefg"), 2, 10);
	expect_hit_in(n, slice_of("41bc41bc41bcdefg"), 8, 16);
	needles_drop(n);
	n = needles_of("u0041bcd");
	expect_hit_in(n, slice_of("\\u0041bcd"), 1, 9);
	needles_drop(n);
}

TEST(hex)
{
	expect_found("sk-abc/d", "736b2d6162632f64");
	expect_found("sk-abc/d", "736B2D6162632F64");
	expect_found("sk-abc/d", "736b2D6162632f64");
	expect_found("sk-abc/d", "73 6b 2d 61 62 63 2f 64");
	expect_found("sk-abc/d", "73:6B:2D:61:62:63:2F:64");
	expect_found("sk-abc/d", "\\u0037\\u00336b2d6162632f64");
	expect_nothing("sk-abc/d", "73 6b 2d 61 62 63 2f 6 4");
	expect_nothing("sk-abc/d", "736b2d6162632f6");
}

TEST(base64_wherever_it_stands)
{
	struct needles *n = needles_of(KEY);
	static struct help_text text, coded, inner;
	static struct seen seen;

	for (size_t lead = 0; lead < 40; lead++)
		for (int url = 0; url < 2; url++) {
			text.len = coded.len = inner.len = 0;
			for (size_t i = 0; i < lead; i++)
				help_addf(&text, "%c", ' ' + (int)i);
			help_add_text(&text, KEY);
			help_add_text(&text, "\"}");
			help_base64(&coded, help_slice(&text), url);
			help_base64_inner(&inner, slice_of(KEY), lead % 3);
			search_cut(n, help_slice(&coded), 1 + lead, &seen);
			EXPECT_INT(seen.count, 1);
			EXPECT_INT(seen.last.form, NEEDLE_BASE64);
			EXPECT_INT(seen.last.end - seen.last.start, inner.len);
			EXPECT_INT(seen.last.start % 4, seen.last.phase);
			EXPECT_INT(seen.last.start, (lead * 8 + 5) / 6);
		}
	needles_drop(n);
}

/* In lines of `width`, `lead` bytes in front. */
static void
expect_in_lines(struct needles *n, const char *value, size_t lead, size_t width,
    const char *end)
{
	static struct help_text text, coded, lines;
	static struct seen seen;

	text.len = coded.len = lines.len = 0;
	for (size_t i = 0; i < lead; i++)
		help_add_text(&text, "?");
	help_add_text(&text, value);
	help_add_text(&text, "........................................");
	help_base64(&coded, help_slice(&text), false);
	for (size_t i = 0; i < coded.len; i++) {
		if (i > 0 && i % width == 0)
			help_add_text(&lines, end);
		help_add(&lines, &coded.at[i], 1);
	}
	search_cut(n, help_slice(&lines), 0, &seen);
	EXPECT_INT(seen.count, 1);
	search_cut(n, help_slice(&lines), SIZE_MAX, &seen);
	EXPECT_INT(seen.count, 1);
}

/* Lines of any length from 24 on, whatever ends them. */
TEST(base64_in_lines)
{
	static const char *const ends[] = {"\n", "\r\n", "\\n", "\\r\\n", "%0A",
	    "%0D%0A", "&#10;", "\\u000d\\u000a"};
	static const size_t lengths[] = {8, 9, 11, 15, 17, 20, 24, 28, 36};

	for (size_t l = 0; l < ARRAY_SIZE(lengths); l++) {
		char value[] = KEY;
		struct needles *n;

		value[lengths[l]] = '\0';
		n = needles_of(value);
		for (size_t width = NEEDLE_LINE_MIN; width < 80; width += 5)
			for (size_t lead = 0; lead < 100; lead += 1 + width / 8)
				expect_in_lines(n, value, lead, width,
				    ends[(lead + width) % ARRAY_SIZE(ends)]);
		for (size_t lead = 0; lead < 80; lead++)
			for (size_t e = 0; e < ARRAY_SIZE(ends); e++)
				expect_in_lines(n, value, lead, 24, ends[e]);
		needles_drop(n);
	}
}

static void
expect_start_in_two(struct needles *n, struct slice text, size_t cut,
    size_t start)
{
	struct search *s = search_new(n);
	static struct seen seen;

	seen.count = 0;
	seen.last_end = 0;
	search_feed(s, slice_first(text, cut), mark, &seen);
	search_feed(s, slice_from(text, cut), mark, &seen);
	EXPECT_INT(seen.count, 1);
	EXPECT_INT(seen.last.start, start);
	search_free(s);
}

/* Two runs that no sample need fall into, the longest line break between them
 * and the longest escape behind, cut within. */
TEST(as_far_as_one_may_have_to_look_back)
{
	struct needles *n = needles_of(KEY KEY);
	static struct help_text coded, t;

	coded.len = 0;
	help_base64(&coded, slice_of(KEY KEY), false);
	for (size_t run = 18; run <= 22; run++)
		for (size_t lead = 500; lead < 516; lead++) {
			t.len = 0;
			for (size_t i = 0; i < lead; i++)
				help_add_text(&t, "?");
			help_add(&t, coded.at, run);
			help_add_text(&t, "\\u000d\\u000a");
			help_add(&t, coded.at + run, 22);
			help_addf(&t, "&amp;amp;amp;amp;#%05d;",
			    coded.at[run + 22]);
			help_add(&t, coded.at + run + 23, coded.len - run - 23);
			for (size_t cut = lead + 1; cut < t.len; cut++)
				expect_start_in_two(n, help_slice(&t), cut,
				    lead);
		}
	needles_drop(n);
}

TEST(an_empty_line_ends_base64)
{
	struct needles *n = needles_of("sk-abc/d");
	struct search *s = search_new(n);
	static struct seen seen;

	expect_found("sk-abc/d", "c2stYWJ\njL2");
	expect_found("sk-abc/d", "c2stYWJ\r\njL2");
	expect_nothing("sk-abc/d", "c2stYWJ\n\njL2");
	expect_nothing("sk-abc/d", "c2stYWJ\r\n\r\njL2");
	expect_nothing("sk-abc/d", "c2stYWJ\r\rjL2");
	expect_nothing("sk-abc/d", "c2stYWJ\n\rjL2");
	EXPECT_INT(search_feed(s, slice_of("data: c2stYWJ\n"), mark, &seen), 6);
	EXPECT_INT(search_feed(s, slice_of("\n"), mark, &seen), 15);
	EXPECT_INT(seen.count, 0);
	search_free(s);
	needles_drop(n);
}

/* --- what is in doubt --- */

TEST(held_is_what_may_go_on)
{
	struct needles *n = needles_of("sk-abcdefghijklmnopqrstuvwxyz");
	struct search *s = search_new(n);
	static struct seen seen;
	static const struct {
		const char *piece;
		size_t clear;
	} pieces[] = {
	    {"{\"key\": \"", 9},
	    {"sk-", 12},
	    {"a", 9},
	    {"\\", 9},
	    {"u006", 9},
	    {"2c", 9},
	    {"!", 21},
	    {"sk-a", 21},
	    {"bcdefghijklmnopqrstuvwxy", 21},
	    {"z", 50},
	    {"z%73", 54},
	    {"%6b%2d", 60},
	    {"%6", 62},
	    {"1", 51},
	};
	size_t total = 0;

	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		uint64_t clear = search_feed(s, slice_of(pieces[i].piece), mark,
		    &seen);

		total += strlen(pieces[i].piece);
		if (clear != pieces[i].clear)
			test_fail(__FILE__, __LINE__,
			    "piece %zu: clear to %zu of %zu", i, (size_t)clear,
			    total);
	}
	EXPECT_INT(seen.count, 1);
	search_free(s);
	needles_drop(n);
}

TEST(reset_begins_another_text)
{
	struct needles *n = needles_of("sk-abcdef");
	struct search *s = search_new(n);
	static struct seen seen;

	search_feed(s, slice_of("sk-abc"), mark, &seen);
	EXPECT_INT(search_clear(s), 0);
	search_reset(s);
	EXPECT_INT(search_clear(s), 0);
	search_feed(s, slice_of("def sk-abcdef"), mark, &seen);
	EXPECT_INT(seen.count, 1);
	EXPECT_INT(seen.last.start, 4);
	search_free(s);
	needles_drop(n);
}

static void
expect_begun(const char *value, size_t least)
{
	struct needles *n = needles_of(value);
	size_t all = strlen(value);

	for (size_t len = 1; len < all; len++) {
		struct search *s = search_new(n);
		static struct seen seen;

		memset(&seen, 0, sizeof(seen));
		search_feed(s, SLICE_LITERAL("..."), mark, &seen);
		search_feed(s, (struct slice){value, len}, mark, &seen);
		search_tell_begun(s, mark, &seen);
		EXPECT_INT(seen.count, len >= least);
		if (len >= least) {
			EXPECT_INT(seen.last.start, 3);
			EXPECT_INT(seen.last.end, 3 + len);
		}
		search_feed(s, slice_from(slice_of(value), len), mark, &seen);
		EXPECT_INT(seen.count, 1 + (len >= least));
		EXPECT_INT(seen.last.end, 3 + all);
		search_free(s);
	}
	needles_drop(n);
}

TEST(what_has_begun_is_told_beyond_a_third)
{
	expect_begun("sk-abcdefghijkl", 6);
	/* "pass" ends many a message. */
	expect_begun("password1", 5);
}

TEST(once)
{
	struct needles *n = needles_of("sk-abcdef");
	struct search_hit hit;

	EXPECT(!search_once(n, slice_of("sk-abcde"), &hit));
	EXPECT(!search_once(n, slice_of(""), &hit));
	EXPECT(search_once(n, slice_of("a sk-abcdef sk-abcdef"), &hit));
	EXPECT_INT(hit.start, 2);
	EXPECT_INT(hit.end, 11);
	EXPECT_INT(hit.form, NEEDLE_RAW);
	needles_drop(n);
}

TEST(no_needles_find_nothing)
{
	struct needles *n = needles_new(NULL, 0);
	struct search *s = search_new(n);

	EXPECT_INT(search_feed(s, slice_of("any % \\ & text"), mark, NULL), 14);
	EXPECT_INT(needles_reach(n), 0);
	search_free(s);
	needles_drop(n);
}

/* --- rows of what opens escapes --- */

TEST(rows_of_backslashes)
{
	struct needles *n = needles_of("sk-abcdef");
	static struct help_text t;
	static struct seen seen;
	struct search *s = search_new(n);

	t.len = 0;
	for (size_t i = 0; i < 5000; i++)
		help_add_text(&t, "\\");
	EXPECT_INT(search_feed(s, help_slice(&t), mark, &seen), 5000);
	EXPECT(s->now.count < 6);
	search_feed(s, slice_of("u0073k-abcdef"), mark, &seen);
	EXPECT_INT(seen.count, 1);
	EXPECT_INT(seen.last.end, 5013);
	EXPECT(seen.last.start >= 5000 - UNIT_BYTES && seen.last.start < 5000);
	for (size_t i = 0; i < 3000; i++)
		search_feed(s, slice_of("%%&\\%&"), mark, &seen);
	EXPECT(s->now.count < 60);
	search_free(s);
	needles_drop(n);
}

/* Each reading splits into two at nearly every byte, and they meet again. */
TEST(rows_of_escaped_backslashes)
{
	static const char *const rows[] = {
	    "%5c", "%5C%5c", "\\%5c", "%25\\%5c\\%5c%5c\\", "\\%5C%5c&amp;#"};
	struct needles *n = needles_of(KEY);
	static struct seen seen;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct search *s = search_new(n);

		for (size_t k = 0; k < 100; k++) {
			search_feed(s, slice_of(rows[i]), mark, &seen);
			EXPECT(s->now.count < 60);
		}
		search_free(s);
	}
	needles_drop(n);
}

/* A value that repeats itself has as many readings as it is long. */
TEST(a_value_of_one_letter)
{
	struct needles *n = needles_of("aaaaaaaaaaaaaaaa");
	static struct seen seen;
	static struct help_text t;

	t.len = 0;
	for (size_t i = 0; i < 100; i++)
		help_add_text(&t, "a");
	search_cut(n, help_slice(&t), 1, &seen);
	EXPECT_INT(seen.count, 100 - 15);
	search_cut(n, help_slice(&t), SIZE_MAX, &seen);
	EXPECT_INT(seen.count, 100 - 15);
	needles_drop(n);
}

TEST(too_many_readings_are_hits)
{
	static char value[NEEDLE_BYTES_MAX + 1];
	struct needles *n;
	struct search *s;
	static struct seen seen;
	static struct thread many[THREADS_MAX];

	memset(value, 'a', NEEDLE_BYTES_MAX);
	n = needles_of(value);
	s = search_new(n);
	/* More than any text that we know of leads to. */
	s->then.at = memory_array(THREADS_MAX, sizeof(struct thread));
	s->then.capacity = s->then.count = THREADS_MAX;
	memcpy(s->then.at, many, sizeof(many));
	s->hit = mark;
	s->owner = &seen;
	s->at = 5;
	go_on(s, &(struct thread){.spelling = NO_SPELLING});
	EXPECT_INT(seen.count, 0);
	go_on(s, &(struct thread){.spelling = 0, .start = 2});
	EXPECT_INT(seen.count, 1);
	EXPECT_INT(seen.last.start, 2);
	EXPECT_INT(seen.last.end, 5);
	search_free(s);
	needles_drop(n);
}

TEST(many_values)
{
	struct needle all[NEEDLES_MAX];
	char values[NEEDLES_MAX][40];
	struct needles *n;
	struct search_hit hit;

	for (size_t i = 0; i < NEEDLES_MAX; i++) {
		snprintf(values[i], sizeof(values[i]), "key-%zu-%x%x%x", i,
		    help_random(1u << 30), help_random(1u << 30),
		    help_random(1u << 30));
		all[i] = (struct needle){
		    .value = slice_of(values[i]), .id = (unsigned)i};
	}
	n = needles_new(all, NEEDLES_MAX);
	for (size_t i = 0; i < NEEDLES_MAX; i++) {
		static struct help_text t;

		t.len = 0;
		help_add_text(&t, "Authorization: Bearer ");
		help_escape(&t, slice_of(values[i]), 30, "%u#");
		EXPECT(search_once(n, help_slice(&t), &hit));
		EXPECT_INT(hit.id, i);
		t.len = 0;
		help_base64(&t, slice_of(values[i]), true);
		EXPECT(search_once(n, help_slice(&t), &hit));
		EXPECT_INT(hit.id, i);
	}
	needles_drop(n);
}

/* --- against the slow search --- */

static void
random_value(char *value, size_t len, const char *alphabet)
{
	for (size_t i = 0; i < len; i++)
		value[i] = alphabet[help_random((uint32_t)strlen(alphabet))];
	value[len] = '\0';
}

static void
add_lines(struct help_text *out, struct slice in)
{
	size_t width = NEEDLE_LINE_MIN + help_random(60);

	for (size_t i = 0; i < in.len; i++) {
		if (i > 0 && i % width == 0)
			help_add_text(out, help_chance(50) ? "\n" : "\r\n");
		help_add(out, &in.at[i], 1);
	}
}

/* A value in some spelling, whole or not. */
static void
add_spelled(struct help_text *out, const char *value, const char *alphabet)
{
	static struct help_text plain, coded, lines;
	struct slice s = slice_of(value);

	plain.len = coded.len = lines.len = 0;
	if (help_chance(20))
		s = slice_from(s, help_random(3));
	if (help_chance(20))
		s.len -= help_random(3);
	for (uint32_t i = help_random(4); i > 0; i--)
		help_add(&plain,
		    &alphabet[help_random((uint32_t)strlen(alphabet))], 1);
	help_add(&plain, s.at, s.len);
	switch (help_random(6)) {
	case 0:
		help_base64(&coded, help_slice(&plain), help_chance(50));
		break;
	case 1:
		help_base64(&coded, help_slice(&plain), false);
		add_lines(&lines, help_slice(&coded));
		coded = lines;
		break;
	case 2:
		help_hex(&coded, help_slice(&plain), help_chance(50),
		    help_chance(50)	  ? ""
			: help_chance(50) ? " "
					  : ":");
		break;
	default:
		coded = plain;
	}
	if (help_chance(50))
		help_escape(out, help_slice(&coded), help_random(101),
		    help_chance(50) ? "%u{Uxo#&" : "%");
	else
		help_add(out, coded.at, coded.len);
}

static void
compare(const char *value, const char *alphabet, size_t noise)
{
	struct needles *n = needles_of(value);
	static struct help_text text, once;
	static char marks[HELP_TEXT_MAX];
	static struct seen seen;

	text.len = once.len = 0;
	for (size_t i = help_random(4) + 1; i > 0; i--) {
		for (size_t k = help_random((uint32_t)noise); k > 0; k--)
			help_add(&once,
			    &alphabet[help_random((uint32_t)strlen(alphabet))],
			    1);
		add_spelled(&once, value, alphabet);
	}
	if (help_chance(20)) /* all of it once more */
		help_escape(&text, help_slice(&once), help_random(30), "%u#");
	else
		text = once;
	memset(marks, 0, sizeof(marks));
	help_search(slice_of(value), help_slice(&text), marks);
	for (int k = 0; k < 3; k++) {
		static const size_t cuts[] = {SIZE_MAX, 1, 0};

		search_cut(n, help_slice(&text), cuts[k], &seen);
		for (size_t i = 0; i < text.len; i++)
			if (marks[i] != seen.marks[i])
				test_fail(__FILE__, __LINE__,
				    "%s: byte %zu is %sfound (cut %zu) in %.*s",
				    value, i, marks[i] ? "not " : "", cuts[k],
				    SLICE_ARG(help_slice(&text)));
	}
	needles_drop(n);
}

TEST(random_keys_are_found_as_a_slow_search_finds_them)
{
	static const char *const alphabets[] = {
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_",
	    "ab+/ =", "0123456789abcdef", "a2", "%25\\u0&#;amp7", "&\\%"};
	char value[80];

	for (int i = 0; i < 1200; i++) {
		size_t kind = (size_t)i % ARRAY_SIZE(alphabets);

		random_value(value, 8 + help_random(40), alphabets[kind]);
		compare(value, alphabets[kind], i % 2 ? 20 : 600);
	}
}
