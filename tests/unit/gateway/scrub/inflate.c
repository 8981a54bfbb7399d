/* inflate.c - the same text however it is cut, and nothing that is not whole
 */
#include "gateway/scrub/inflate.c"

#include "tests/unit/gateway/scrub/compress.h"

static struct inflate_budget budget = {.limit = 64 << 20};

struct told {
	enum inflate_result result;
	bool is_whole, is_settled;
	uint64_t total;
	struct help_text text; /* its front */
};

/* In pieces of `piece` bytes, through a room of `room`. */
static void
inflate_all(enum inflate_coding coding, struct slice in, size_t piece,
    size_t room, struct told *t)
{
	struct inflate *f = inflate_new(coding, &budget);
	char *to = malloc(room);
	size_t made;

	t->total = t->text.len = 0;
	t->result = INFLATE_MORE;
	for (size_t at = 0; at < in.len && t->result == INFLATE_MORE;) {
		struct slice part = slice_first(slice_from(in, at), piece);

		at += part.len;
		do {
			t->result = inflate_run(f, &part, to, room, &made);
			t->total += made;
			if (made > 0 && t->text.len + made <= HELP_TEXT_MAX)
				help_add(&t->text, to, made);
		} while (t->result == INFLATE_ROOM);
		if (t->result == INFLATE_MORE)
			EXPECT_INT(part.len, 0);
	}
	t->is_whole = inflate_is_whole(f);
	t->is_settled = inflate_is_settled(f);
	inflate_free(f, help_chance(50));
	EXPECT_INT(budget.used, 0);
	free(to);
}

static void
expect_text(enum inflate_coding coding, struct slice in, struct slice wanted)
{
	static const struct {
		size_t piece, room;
	} ways[] = {{SIZE_MAX, 65536}, {1, 65536}, {1, 1}, {SIZE_MAX, 1},
	    {2, 3}, {7, 1000}};
	static struct told t;

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		inflate_all(coding, in, ways[i].piece, ways[i].room, &t);
		EXPECT_INT(t.result, INFLATE_MORE);
		EXPECT(t.is_whole && t.is_settled);
		EXPECT_INT(t.total, wanted.len);
		EXPECT(slice_equal(help_slice(&t.text), wanted));
	}
	/* Not whole before its last byte. */
	for (size_t cut = 1; cut < in.len; cut++) {
		inflate_all(coding, slice_first(in, cut), 1, 4096, &t);
		EXPECT_INT(t.result, INFLATE_MORE);
		EXPECT(!t.is_whole);
		EXPECT(t.total <= wanted.len);
		EXPECT(slice_equal(help_slice(&t.text),
		    slice_first(wanted, t.total)));
	}
}

static void
expect_bad(enum inflate_coding coding, struct slice in)
{
	static struct told t;

	inflate_all(coding, in, SIZE_MAX, 4096, &t);
	EXPECT_INT(t.result, INFLATE_BAD);
	inflate_all(coding, in, 1, 1, &t);
	EXPECT_INT(t.result, INFLATE_BAD);
}

static const char words[] =
    "hello, hello, hello. hello again, and again, and again: "
    "abcdefghijklmnopqrstuvwxyz0123456789 hello";

TEST(names)
{
	enum inflate_coding c;

	EXPECT(inflate_coding_of(slice_of("gzip"), &c) && c == INFLATE_GZIP);
	EXPECT(inflate_coding_of(slice_of("X-GZip"), &c) && c == INFLATE_GZIP);
	EXPECT(inflate_coding_of(slice_of("deflate"), &c) &&
	    c == INFLATE_DEFLATE);
	EXPECT(inflate_coding_of(slice_of("BR"), &c) && c == INFLATE_BROTLI);
	EXPECT(inflate_coding_of(slice_of("zstd"), &c) && c == INFLATE_ZSTD);
	EXPECT(!inflate_coding_of(slice_of("compress"), &c));
	EXPECT(!inflate_coding_of(slice_of("identity"), &c));
	EXPECT(!inflate_coding_of(slice_of(""), &c));
}

TEST(each_coding)
{
	static struct help_text t;
	struct slice text = slice_of(words);

	for (unsigned c = 0; c < INFLATE_CODING_COUNT; c++) {
		t.len = 0;
		compress_with(&t, c, &text, 1);
		expect_text(c, help_slice(&t), text);
	}
}

TEST(of_several_flushed_pieces_each_is_told_at_once)
{
	static struct help_text t, told;
	struct slice texts[] = {SLICE_LITERAL("data: one\n\n"),
	    SLICE_LITERAL("data: two\n\n"), SLICE_LITERAL("data: three\n\n")};
	char room[4096];
	size_t made;

	for (unsigned c = 0; c < INFLATE_CODING_COUNT; c++) {
		size_t ends[3];
		struct inflate *f;

		told.len = 0;
		for (size_t i = 0; i < 3; i++) {
			t.len = 0;
			compress_with(&t, c, texts, i + 1);
			ends[i] = t.len;
		}
		/* What was made of one and two begins what is made of all, but
		 * for the end of the stream. */
		f = inflate_new(c, &budget);
		for (size_t i = 0, at = 0; i < t.len; i++) {
			struct slice one = {t.at + i, 1};

			EXPECT_INT(inflate_run(f, &one, room, sizeof(room),
				       &made),
			    INFLATE_MORE);
			help_add(&told, room, made);
			if (at < 2 && i == ends[at] + 2) {
				at++;
				EXPECT(slice_starts(help_slice(&told),
				    at == 1 ? "data: one\n\n"
					    : "data: one\n\ndata: two\n\n"));
			}
		}
		inflate_free(f, false);
	}
}

TEST(both_kinds_of_deflate)
{
	static struct help_text t;
	struct slice text = slice_of(words);

	for (int level = 0; level < 10; level += 3) {
		t.len = 0;
		compress_zlib(&t, ZLIB_ZLIB, level, &text, 1);
		expect_text(INFLATE_DEFLATE, help_slice(&t), text);
		t.len = 0;
		compress_zlib(&t, ZLIB_RAW, level, &text, 1);
		expect_text(INFLATE_DEFLATE, help_slice(&t), text);
	}
	/* The shortest there are. */
	expect_text(INFLATE_DEFLATE, (struct slice){"\x03\x00", 2},
	    slice_of(""));
	expect_text(INFLATE_DEFLATE,
	    (struct slice){"\x78\x9c\x03\x00\x00\x00\x00\x01", 8},
	    slice_of(""));
}

TEST(several_members)
{
	static struct help_text t, wanted;
	struct slice text = slice_of(words);
	static const enum inflate_coding both[] = {INFLATE_GZIP, INFLATE_ZSTD};

	wanted.len = 0;
	for (int i = 0; i < 3; i++)
		help_add(&wanted, text.at, text.len);
	for (size_t c = 0; c < 2; c++) {
		static const size_t pieces[] = {SIZE_MAX, 1, 5};
		static struct told told;

		t.len = 0;
		for (int i = 0; i < 3; i++)
			compress_with(&t, both[c], &text, 1);
		for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
			inflate_all(both[c], help_slice(&t), pieces[i], 10,
			    &told);
			EXPECT_INT(told.result, INFLATE_MORE);
			EXPECT(told.is_whole);
			EXPECT(slice_equal(help_slice(&told.text),
			    help_slice(&wanted)));
		}
	}
}

TEST(nothing_behind_the_end)
{
	static struct help_text t;
	struct slice text = slice_of(words);

	for (unsigned c = 0; c < INFLATE_CODING_COUNT; c++) {
		t.len = 0;
		compress_with(&t, c, &text, 1);
		help_add_text(&t, "sk-p");
		expect_bad(c, help_slice(&t));
	}
}

TEST(damage)
{
	static struct help_text t;
	struct slice text = slice_of(words);
	static struct told told;

	for (unsigned c = 0; c < INFLATE_CODING_COUNT; c++) {
		t.len = 0;
		compress_with(&t, c, &text, 1);
		for (size_t i = 0; i < t.len * 8; i++) {
			t.at[i / 8] ^= (char)(1 << i % 8);
			inflate_all(c, help_slice(&t), 1 + i % 9, 100, &told);
			t.at[i / 8] ^= (char)(1 << i % 8);
		}
	}
	expect_bad(INFLATE_GZIP, slice_of("not gzip"));
	expect_bad(INFLATE_ZSTD, slice_of("not zstd"));
	/* A preset dictionary; nobody has agreed on one. */
	expect_bad(INFLATE_DEFLATE,
	    (struct slice){"\x78\xbb\x00\x00\x00\x01xxxxxxxx", 14});
	expect_bad(INFLATE_DEFLATE, (struct slice){"\xff\xff", 2});
}

TEST(nothing_is_whole)
{
	struct inflate *f = inflate_new(INFLATE_GZIP, &budget);
	struct slice none = {"", 0};
	size_t made = 1;
	char room[1];

	EXPECT(inflate_is_whole(f) && inflate_is_settled(f));
	EXPECT_INT(inflate_run(f, &none, room, 1, &made), INFLATE_MORE);
	EXPECT_INT(made, 0);
	inflate_free(f, true);
	inflate_free(NULL, true);
	expect_text(INFLATE_BROTLI, (struct slice){"\x06", 1}, slice_of(""));
}

TEST(brotli_by_its_own_encoder)
{
	static struct help_text t;
	static struct told told;

	t.len = 0;
	compress_brotli(&t, brotli_with_key);
	for (size_t piece = 1; piece < 50; piece++) {
		inflate_all(INFLATE_BROTLI, help_slice(&t), piece, 64, &told);
		EXPECT_INT(told.result, INFLATE_MORE);
		EXPECT(told.is_whole);
		EXPECT(memmem(told.text.at, told.text.len, COMPRESS_KEY,
			   strlen(COMPRESS_KEY)) != NULL);
	}
}

/* --- limits --- */

TEST(bombs_of_brotli_and_zstd)
{
	static struct help_text t;
	static struct told told;
	static char zeros[40000000];
	struct slice text = {zeros, sizeof(zeros)};

	t.len = 0;
	compress_brotli(&t, brotli_zeros);
	inflate_all(INFLATE_BROTLI, help_slice(&t), SIZE_MAX, 65536, &told);
	EXPECT_INT(told.result, INFLATE_LIMIT);
	EXPECT(told.total > INFLATE_FREE);
	EXPECT(told.total < INFLATE_FREE + 70000 + t.len * INFLATE_RATIO);
	t.len = 0;
	compress_zstd(&t, &text, 1);
	inflate_all(INFLATE_ZSTD, help_slice(&t), SIZE_MAX, 65536, &told);
	EXPECT_INT(told.result, INFLATE_LIMIT);
}

TEST(gzip_cannot_be_a_bomb)
{
	static struct help_text t;
	static struct told told;
	static char zeros[40000000];
	struct slice text = {zeros, sizeof(zeros)};

	t.len = 0;
	compress_zlib(&t, ZLIB_GZIP, 9, &text, 1);
	inflate_all(INFLATE_GZIP, help_slice(&t), 1000, 65536, &told);
	EXPECT_INT(told.result, INFLATE_MORE);
	EXPECT_INT(told.total, sizeof(zeros));
	EXPECT(told.is_whole);
}

/* With every budget there is an answer, and nothing is left behind. */
TEST(memory)
{
	static struct help_text t;
	static struct told told;
	struct slice text = slice_of(words);

	for (unsigned c = 0; c < INFLATE_CODING_COUNT; c++) {
		bool was_enough = false;

		t.len = 0;
		compress_with(&t, c, &text, 1);
		for (size_t limit = 0; limit < 400000;
		     limit += limit < 20000 ? 500 : 20000) {
			budget.limit = limit;
			inflate_all(c, help_slice(&t), 9, 65536, &told);
			EXPECT(told.result == INFLATE_LIMIT ||
			    told.result == INFLATE_MORE);
			EXPECT(!was_enough || told.result == INFLATE_MORE);
			was_enough = told.result == INFLATE_MORE;
			EXPECT(limit > 0 || !was_enough);
		}
		EXPECT(was_enough);
	}
	budget.limit = 64 << 20;
}

TEST(windows_of_zstd)
{
	static const struct {
		const char *head;
		enum inflate_result result;
	} heads[] = {
	    /* 8 MiB, and an eighth more. */
	    {"\x28\xb5\x2f\xfd\x00\x68\x01\x00\x00", INFLATE_MORE},
	    {"\x28\xb5\x2f\xfd\x00\x69\x01\x00\x00", INFLATE_BAD},
	    {"\x28\xb5\x2f\xfd\x00\xff\x01\x00\x00", INFLATE_BAD},
	};
	static struct told told;

	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		inflate_all(INFLATE_ZSTD, (struct slice){heads[i].head, 9}, 1,
		    10, &told);
		EXPECT_INT(told.result, heads[i].result);
	}
}

TEST(what_zstd_does_not_tell_yet_is_not_settled)
{
	static struct help_text t;
	static char noise[200000];
	struct slice text = {noise, sizeof(noise)};
	struct inflate *f = inflate_new(INFLATE_ZSTD, &budget);
	char room[65536];
	uint64_t total = 0;
	bool was_unsettled = false;

	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (char)('a' + i % 3 + i / 50000);
	t.len = 0;
	compress_zstd(&t, &text, 1);
	for (size_t i = 0; i < t.len; i++) {
		struct slice one = {t.at + i, 1};
		enum inflate_result r;
		size_t made;

		do {
			r = inflate_run(f, &one, room, sizeof(room), &made);
			total += made;
		} while (r == INFLATE_ROOM);
		EXPECT_INT(r, INFLATE_MORE);
		was_unsettled |= !inflate_is_settled(f);
	}
	EXPECT(was_unsettled);
	EXPECT(inflate_is_settled(f) && inflate_is_whole(f));
	EXPECT_INT(total, sizeof(noise));
	inflate_free(f, false);
}

TEST(wiped_memory_is_zero)
{
	struct inflate *f = inflate_new(INFLATE_GZIP, &budget);
	char *at;

	EXPECT(inflate_take(f, SIZE_MAX) == NULL);
	EXPECT(f->out_of_memory);
	at = inflate_take(f, 100);
	EXPECT_INT(budget.used, 100);
	inflate_give_back(f, NULL);
	inflate_give_back(f, at);
	EXPECT_INT(budget.used, 0);
	inflate_free(f, true);
}
