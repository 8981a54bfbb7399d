/* frames.c - heads are told from payloads, however they are cut */
#include "gateway/scrub/frames.c"

#include <stdlib.h>

#include "tests/unit/test.h"

/* What came, as a text: h head, t text, c control, | an end. */
struct seen {
	size_t len;
	char at[512];
	enum frames_part last;
};

static void
note(struct seen *s, char c)
{
	EXPECT(s->len < sizeof(s->at) - 1);
	s->at[s->len++] = c;
	s->at[s->len] = '\0';
}

static void
feed(struct frames *f, struct slice in, struct seen *s)
{
	while (in.len > 0 && s->last < FRAMES_PACKED) {
		struct slice stretch;
		bool ends;

		s->last = frames_next(f, &in, &stretch, &ends);
		if (s->last >= FRAMES_PACKED)
			break;
		for (size_t i = 0; i < stretch.len; i++)
			note(s, "htc"[s->last]);
		if (ends)
			note(s, '|');
	}
}

static void
expect_parts(enum frames_kind kind, struct slice in, const char *wanted)
{
	for (size_t piece = 1; piece <= in.len; piece++) {
		struct frames f = {.kind = kind};
		struct seen s = {.len = 0};

		for (size_t at = 0; at < in.len; at += piece) {
			struct slice part = slice_first(slice_from(in, at),
			    piece);

			feed(&f,
			    (struct slice){
				test_guarded(part.at, part.len), part.len},
			    &s);
		}
		EXPECT_TEXT(s.at, wanted);
		EXPECT(s.last < FRAMES_PACKED);
	}
}

static void
expect_end(enum frames_kind kind, struct slice in, enum frames_part wanted)
{
	struct frames f = {.kind = kind};
	struct seen s = {.len = 0};

	feed(&f, in, &s);
	EXPECT_INT(s.last, wanted);
}

TEST(websocket_frames)
{
	expect_parts(FRAMES_WEBSOCKET,
	    SLICE_LITERAL("\x81\x03"
			  "abc"
			  "\x01\x01"
			  "a"
			  "\x89\x02"
			  "??"
			  "\x80\x00"
			  "\x82\x01"
			  "x"),
	    "hhttt|hht|hhcc|hh|hht|");
	expect_parts(FRAMES_WEBSOCKET,
	    SLICE_LITERAL("\x82\x7e\x00\x02"
			  "ab"
			  "\x82\x7f\0\0\0\0\0\0\0\x01"
			  "x\x88\0"),
	    "hhhhtt|hhhhhhhhhht|hh|");
	expect_parts(FRAMES_WEBSOCKET_CLIENT,
	    SLICE_LITERAL("\x82\xfe\x00\x02"
			  "MASKab"
			  "\x81\x80"
			  "MASK"
			  "\x88\x82"
			  "MASKxy"),
	    "hhhhhhhhtt|hhhhhh|hhhhhhcc|");
}

TEST(grpc_messages)
{
	expect_parts(FRAMES_GRPC,
	    SLICE_LITERAL("\0\0\0\0\x03"
			  "abc"
			  "\0\0\0\0\0"
			  "\x80\0\0\0\x01"
			  "t"),
	    "hhhhhttt|hhhhh|hhhhht|");
	expect_end(FRAMES_GRPC, SLICE_LITERAL("\x01\0\0\0\x03"), FRAMES_PACKED);
	expect_end(FRAMES_GRPC, SLICE_LITERAL("\x02\0\0\0\x03"), FRAMES_BAD);
}

TEST(what_cannot_be_read)
{
	/* permessage-deflate, and other extensions. */
	expect_end(FRAMES_WEBSOCKET, SLICE_LITERAL("\xc1\x01"), FRAMES_PACKED);
	expect_end(FRAMES_WEBSOCKET, SLICE_LITERAL("\x91\x01"), FRAMES_PACKED);
	/* Masked by a server, not masked by a client. */
	expect_end(FRAMES_WEBSOCKET, SLICE_LITERAL("\x81\x81MASK"), FRAMES_BAD);
	expect_end(FRAMES_WEBSOCKET_CLIENT, SLICE_LITERAL("\x81\x01"),
	    FRAMES_BAD);
	/* Opcodes that nobody knows. */
	expect_end(FRAMES_WEBSOCKET, SLICE_LITERAL("\x83\x01"), FRAMES_BAD);
	expect_end(FRAMES_WEBSOCKET, SLICE_LITERAL("\x8b\x01"), FRAMES_BAD);
	/* A control frame that is long, or in parts. */
	expect_end(FRAMES_WEBSOCKET, SLICE_LITERAL("\x89\x7e\0\x7e"),
	    FRAMES_BAD);
	expect_end(FRAMES_WEBSOCKET, SLICE_LITERAL("\x09\x01"), FRAMES_BAD);
	/* Longer than there are numbers for (RFC 6455 5.2). */
	expect_end(FRAMES_WEBSOCKET,
	    SLICE_LITERAL("\x82\x7f\x80\0\0\0\0\0\0\0"), FRAMES_BAD);
}

TEST(masks_go_round)
{
	for (size_t piece = 1; piece < 8; piece++) {
		struct frames f = {.kind = FRAMES_WEBSOCKET_CLIENT};
		struct slice in = SLICE_LITERAL("\x81\x87"
						"\1\2\3\4"
						"idofdpl"),
			     stretch;
		char all[8] = "";
		size_t len = 0;
		bool ends;

		EXPECT_INT(frames_next(&f, &in, &stretch, &ends), FRAMES_HEAD);
		while (in.len > 0) {
			struct slice part = slice_first(in, piece);

			in = slice_from(in, part.len);
			EXPECT_INT(frames_next(&f, &part, &stretch, &ends),
			    FRAMES_TEXT);
			frames_unmask(&f, stretch, all + len);
			len += stretch.len;
		}
		EXPECT(ends);
		EXPECT_TEXT(all, "hflbero");
	}
}

TEST(kinds)
{
	static const struct {
		const char *type;
		enum frames_kind kind;
	} rows[] = {
	    {"application/grpc", FRAMES_GRPC},
	    {"application/grpc+proto", FRAMES_GRPC},
	    {"Application/GRPC; charset=utf-8", FRAMES_GRPC},
	    {"application/grpc-web+proto", FRAMES_GRPC},
	    {"application/grpc-web", FRAMES_GRPC},
	    {"application/grpc-web-text", FRAMES_NONE},
	    {"application/grpcx", FRAMES_NONE},
	    {"application/json", FRAMES_NONE},
	    {"", FRAMES_NONE},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		EXPECT_INT(frames_kind_of(slice_of(rows[i].type)),
		    rows[i].kind);
}
