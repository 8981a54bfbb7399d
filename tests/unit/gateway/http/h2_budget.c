#include "tests/unit/test.h"

#include "gateway/http/h2_budget.c"

static const struct h2_limits limits = {
    .window = 65536, .streams = 100, .resets = 30, .frames = 100};

static int
resets_in_a_row(struct h2_budget *b, uint64_t now_ms)
{
	int n = 0;

	while (n < 1000 && h2_budget_reset(b, now_ms))
		n++;
	return n;
}

static int
frames_in_a_row(struct h2_budget *b, uint64_t now_ms)
{
	int n = 0;

	while (n < 1000 && h2_budget_frame(b, now_ms))
		n++;
	return n;
}

TEST(a_purse_is_full_to_begin_with_and_then_fills)
{
	struct h2_budget b;

	h2_budget_init(&b, &limits, 5000);
	EXPECT_INT(resets_in_a_row(&b, 5000), 30);
	EXPECT_INT(frames_in_a_row(&b, 5000), 100);
	/* One reset a second, ten frames. */
	EXPECT_INT(resets_in_a_row(&b, 5999), 0);
	EXPECT_INT(resets_in_a_row(&b, 6000), 1);
	EXPECT_INT(frames_in_a_row(&b, 6000), 10);
	EXPECT_INT(resets_in_a_row(&b, 1000000), 30);
	EXPECT_INT(frames_in_a_row(&b, 1000000), 100);
}

/* What has passed is not lost by asking often. */
TEST(asking_often_loses_nothing)
{
	struct h2_budget b;
	int got = 0;

	h2_budget_init(&b, &limits, 0);
	resets_in_a_row(&b, 0);
	for (uint64_t now = 1; now <= 10000; now++)
		got += resets_in_a_row(&b, now);
	EXPECT_INT(got, 10);
}

TEST(what_is_of_use_earns)
{
	struct h2_budget b;

	h2_budget_init(&b, &limits, 0);
	resets_in_a_row(&b, 0);
	frames_in_a_row(&b, 0);
	h2_budget_completed(&b);
	h2_budget_completed(&b);
	EXPECT_INT(resets_in_a_row(&b, 0), 2);
	h2_budget_moved(&b, 255);
	EXPECT_INT(frames_in_a_row(&b, 0), 0);
	h2_budget_moved(&b, 1);
	EXPECT_INT(frames_in_a_row(&b, 0), 1);
	h2_budget_moved(&b, 1024);
	EXPECT_INT(frames_in_a_row(&b, 0), 4);
	/* Never more than there was at first. */
	h2_budget_moved(&b, 1 << 30);
	for (int i = 0; i < 100; i++)
		h2_budget_completed(&b);
	EXPECT_INT(frames_in_a_row(&b, 0), 100);
	EXPECT_INT(resets_in_a_row(&b, 0), 30);
}

static const char frames[] = "prefix"
			     "\0\0\5\0\1\0\0\0\1hello"
			     "\0\0\0\4\1\0\0\0\0"
			     "\0\0\4\x08\0\0\0\0\0\0\0\0\1"
			     "\0\0\2\xff\7\0\0\0\0xy";

static void
expect_frames(size_t piece)
{
	static const struct h2_frame_head wanted[] = {
	    {5, 0, 1}, {0, 4, 1}, {4, 8, 0}, {2, 255, 7}};
	struct h2_scan s = {.skip = 6};
	struct slice all = {frames, sizeof(frames) - 1}, part;
	struct h2_frame_head head;
	size_t n = 0;

	for (; all.len > 0;
	     all = slice_from(all, slice_first(all, piece).len)) {
		part = slice_first(all, piece);
		part.at = test_guarded(part.at, part.len);
		while (h2_scan_next(&s, &part, &head)) {
			EXPECT(n < 4);
			EXPECT_INT(head.length, wanted[n].length);
			EXPECT_INT(head.type, wanted[n].type);
			EXPECT_INT(head.flags, wanted[n].flags);
			n++;
		}
		EXPECT_INT(part.len, 0);
	}
	EXPECT_INT(n, 4);
}

TEST(frames_are_seen_however_they_are_cut)
{
	for (size_t piece = 1; piece <= sizeof(frames); piece++)
		expect_frames(piece);
}
