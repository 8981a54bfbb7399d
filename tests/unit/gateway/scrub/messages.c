/* messages.c - no message waits, and no key passes in several */
#include "gateway/scrub/messages.c"

#include "tests/unit/gateway/scrub/help.h"

#define KEY "sk-proj-Zm9vYmFyQmF6T3JhbmdlQXBwbGU"
#define KEY_LEN (sizeof(KEY) - 1)

static struct inflate_budget budget = {.limit = 64 << 20};

struct out {
	struct help_text text;
	bool is_over;
};

static void
collect(void *owner, struct slice bytes, bool last)
{
	struct out *o = owner;

	EXPECT(!o->is_over);
	EXPECT(bytes.len > 0 || last);
	help_add(&o->text, bytes.at, bytes.len);
	o->is_over = last;
}

static struct messages *
messages_of(enum frames_kind kind, bool look_only, struct out *out)
{
	struct needles *n = needles_new(&(struct needle){.value = slice_of(KEY),
					    .id = 3},
	    1);
	struct fields none = {.count = 0};
	enum scrub_result result;
	struct messages *m = messages_new(&(struct scrub_options){.needles = n,
					      .head = &none,
					      .budget = &budget,
					      .look_only = look_only,
					      .emit = collect,
					      .owner = out},
	    kind, &result);

	needles_drop(n);
	out->text.len = 0;
	out->is_over = false;
	EXPECT(m != NULL);
	return m;
}

/* --- writing messages --- */

static void
add_websocket(struct help_text *t, uint8_t first, struct slice payload,
    const char *mask)
{
	help_addf(t, "%c%c", first, (int)payload.len | (mask ? 0x80 : 0));
	if (mask != NULL)
		help_add(t, mask, 4);
	for (size_t i = 0; i < payload.len; i++)
		help_addf(t, "%c",
		    payload.at[i] ^ (mask != NULL ? mask[i % 4] : 0));
}

static void
add_message(struct help_text *t, enum frames_kind kind, struct slice payload)
{
	if (kind == FRAMES_GRPC)
		help_addf(t, "%c%c%c%c%c", 0, 0, 0, 0, (int)payload.len);
	if (kind == FRAMES_GRPC)
		help_add(t, payload.at, payload.len);
	else
		add_websocket(t, 0x82, payload, NULL);
}

/* --- answers --- */

/* In pieces; at the end nothing is held. */
static void
pass(struct messages *m, struct slice in, size_t piece, struct out *out)
{
	size_t before = out->text.len;

	for (size_t at = 0; at < in.len; at += piece)
		EXPECT_INT(messages_data(m,
			       slice_first(slice_from(in, at), piece), false),
		    SCRUB_OK);
	EXPECT_INT(out->text.len, before + in.len);
}

TEST(a_message_that_ends_like_a_key_begins_is_there_at_once)
{
	static const char *const texts[] = {"{\"a\": \"sk-proj-", "sk-proj-Zm9",
	    "c2stcHJvai1abTl", "%73%6b%2d%70", "\\u0073\\u006b\\", "", "end"};
	static const enum frames_kind kinds[] = {FRAMES_WEBSOCKET, FRAMES_GRPC};
	static struct out out;
	static struct help_text in;

	for (size_t k = 0; k < 2; k++)
		for (size_t piece = 1; piece < 20; piece++) {
			struct messages *m = messages_of(kinds[k], false, &out);

			for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
				in.len = 0;
				add_message(&in, kinds[k], slice_of(texts[i]));
				pass(m, help_slice(&in), piece, &out);
				EXPECT(memcmp(out.text.at + out.text.len -
					       in.len,
					   in.at, in.len) == 0);
			}
			EXPECT_INT(messages_found(m)->count, 0);
			EXPECT_INT(messages_data(m, (struct slice){"", 0},
				       true),
			    SCRUB_OK);
			EXPECT(out.is_over);
			messages_free(m);
		}
}

/* What a guest makes of it: payloads alone, those of control frames apart. */
static void
expect_no_key(enum frames_kind kind, const struct out *out)
{
	static struct help_text texts[2];
	struct frames f = {.kind = kind};
	struct slice in = help_slice(&out->text), stretch;
	bool ends;

	texts[0].len = texts[1].len = 0;
	while (in.len > 0) {
		enum frames_part part = frames_next(&f, &in, &stretch, &ends);

		EXPECT(part <= FRAMES_CONTROL);
		if (part != FRAMES_HEAD)
			help_add(&texts[part == FRAMES_CONTROL], stretch.at,
			    stretch.len);
	}
	for (int i = 0; i < 2; i++)
		EXPECT(memmem(texts[i].at, texts[i].len, &KEY[KEY_LEN / 3 + 1],
			   6) == NULL);
}

static void
expect_hidden(enum frames_kind kind, const struct help_text *in)
{
	static struct out out;

	for (size_t piece = 1; piece <= in->len; piece += 1 + piece / 8) {
		struct messages *m = messages_of(kind, false, &out);

		pass(m, help_slice(in), piece, &out);
		EXPECT(messages_found(m)->count > 0);
		expect_no_key(kind, &out);
		messages_free(m);
	}
}

TEST(a_key_in_two_messages)
{
	static const enum frames_kind kinds[] = {FRAMES_WEBSOCKET, FRAMES_GRPC};
	struct slice key = SLICE_LITERAL(KEY);
	static struct help_text in;

	for (size_t k = 0; k < 2; k++)
		for (size_t cut = 0; cut <= key.len; cut++) {
			in.len = 0;
			add_message(&in, kinds[k], slice_first(key, cut));
			add_message(&in, kinds[k], slice_from(key, cut));
			add_message(&in, kinds[k], slice_of("more"));
			expect_hidden(kinds[k], &in);
		}
}

TEST(a_key_in_messages_of_a_byte)
{
	struct slice key = SLICE_LITERAL(KEY);
	static struct help_text in;

	in.len = 0;
	for (size_t i = 0; i < key.len; i++)
		add_message(&in, FRAMES_GRPC,
		    slice_first(slice_from(key, i), 1));
	expect_hidden(FRAMES_GRPC, &in);
}

/* fragment, ping, the rest: one text. */
TEST(a_ping_does_not_hide_a_key)
{
	struct slice key = SLICE_LITERAL(KEY);
	static struct help_text in;

	for (size_t cut = 0; cut <= key.len; cut++) {
		in.len = 0;
		add_websocket(&in, 0x01, slice_first(key, cut), NULL);
		add_websocket(&in, 0x89, slice_of("ping"), NULL);
		add_websocket(&in, 0x80, slice_from(key, cut), NULL);
		expect_hidden(FRAMES_WEBSOCKET, &in);
		/* Or in pings itself. */
		in.len = 0;
		add_websocket(&in, 0x89, slice_first(key, cut), NULL);
		add_websocket(&in, 0x01, slice_of("text"), NULL);
		add_websocket(&in, 0x8a, slice_from(key, cut), NULL);
		expect_hidden(FRAMES_WEBSOCKET, &in);
	}
}

TEST(pieces_of_an_unknown_protocol)
{
	static struct out out;
	struct messages *m = messages_of(FRAMES_PIECES, false, &out);

	pass(m, slice_of("hello sk-proj-"), SIZE_MAX / 2, &out);
	EXPECT_INT(messages_found(m)->count, 0);
	pass(m, slice_from(slice_of(KEY), 8), SIZE_MAX / 2, &out);
	EXPECT_INT(messages_found(m)->count, 1);
	EXPECT(memmem(out.text.at, out.text.len, "Zm9v", 4) == NULL);
	messages_free(m);
}

TEST(a_frame_that_is_cut_off)
{
	static struct out out;
	static struct help_text in;

	for (uint8_t first = 0x89;; first = 0x81) {
		struct messages *m = messages_of(FRAMES_WEBSOCKET, false, &out);

		in.len = 0;
		add_websocket(&in, first, slice_of(KEY), NULL);
		EXPECT_INT(messages_data(m, slice_first(help_slice(&in), 10),
			       true),
		    SCRUB_OK);
		EXPECT_INT(out.text.len, 10);
		EXPECT(out.is_over);
		messages_free(m);
		if (first == 0x81)
			break;
	}
}

TEST(what_cannot_be_read_does_not_pass)
{
	static struct out out;
	struct messages *m = messages_of(FRAMES_WEBSOCKET, false, &out);

	EXPECT_INT(messages_data(m, slice_of("\xc1\x05hello"), false),
	    SCRUB_UNKNOWN);
	EXPECT_INT(messages_data(m, slice_of("\x81\x05hello"), false),
	    SCRUB_UNKNOWN);
	messages_free(m);
	m = messages_of(FRAMES_WEBSOCKET, false, &out);
	EXPECT_INT(messages_data(m, slice_of("\x81\x85MASKhello"), false),
	    SCRUB_BAD);
	messages_free(m);
	EXPECT_INT(out.text.len, 0);
}

/* A third at most goes out before trailers, too. */
TEST(before_trailers)
{
	static struct out out;
	static struct help_text in;
	struct messages *m = messages_of(FRAMES_GRPC, false, &out);

	in.len = 0;
	add_message(&in, FRAMES_GRPC, slice_of("sk-proj-"));
	pass(m, help_slice(&in), 3, &out);
	EXPECT_INT(messages_before_trailers(m), SCRUB_OK);
	EXPECT(!out.is_over);
	messages_free(m);
}

/* --- requests: looked through only --- */

TEST(a_clients_masks_hide_nothing)
{
	static struct out out;
	static struct help_text in;
	struct slice key = SLICE_LITERAL(KEY);

	for (size_t cut = 0; cut <= key.len; cut += 5)
		for (size_t piece = 1; piece < 40; piece++) {
			struct messages *m =
			    messages_of(FRAMES_WEBSOCKET_CLIENT, true, &out);
			enum scrub_result result = SCRUB_OK;

			in.len = 0;
			add_websocket(&in, 0x01, slice_first(key, cut), "MASK");
			add_websocket(&in, 0x89, slice_of("ping"), "mask");
			add_websocket(&in, 0x80, slice_from(key, cut),
			    "\1\2\3");
			for (size_t at = 0; at < in.len && result == SCRUB_OK;
			     at += piece)
				result = messages_data(m,
				    slice_first(slice_from(help_slice(&in), at),
					piece),
				    false);
			EXPECT_INT(result, SCRUB_LEAK);
			EXPECT_INT(messages_found(m)->id, 3);
			messages_free(m);
		}
}

TEST(other_messages_of_clients_pass)
{
	static struct out out;
	static struct help_text in;
	struct messages *m = messages_of(FRAMES_WEBSOCKET_CLIENT, true, &out);

	in.len = 0;
	for (int i = 0; i < 3; i++)
		add_websocket(&in, 0x82, slice_first(slice_of(KEY), 30),
		    "MASK");
	EXPECT_INT(messages_data(m, help_slice(&in), false), SCRUB_OK);
	EXPECT_INT(messages_found(m)->count, 0);
	messages_free(m);
}
