/* h1_body.c - where a body ends (RFC 9112 sections 6 and 7)
 *
 * Chunk heads are read byte by byte, so that nothing of them waits in a
 * buffer; only a trailer section is consumed as a whole. What we read is
 * never passed on as framing: the writer makes chunks of its own, so that the
 * next hop cannot read another length than we did. */
#include "base/check.h"
#include "gateway/http/h1_fields.h"

/* 16 digits hold 2^53 with room for zeros that some servers pad with. */
#define SIZE_DIGITS_MAX 16

enum state {
	SIZE_FIRST, /* a digit must come */
	SIZE_MORE,  /* a digit, ';' or CR */
	NAME_FIRST, /* behind ';' */
	NAME,
	VALUE_FIRST, /* behind '=' */
	VALUE,
	QUOTED,
	ESCAPED,    /* behind a backslash */
	QUOTED_END, /* ';' or CR must come */
	HEAD_LF,
	DATA,
	DATA_CR,
	DATA_LF,
	TRAILERS,
};

void
h1_body_init(struct h1_body *b, const struct head *head)
{
	*b = (struct h1_body){.kind = head->body, .state = SIZE_FIRST};
	if (head->body == BODY_LENGTH)
		b->left = head->content_length;
}

static enum h1_result
bad(enum h1_error what, enum h1_error *error)
{
	*error = what;
	return H1_BAD;
}

static bool
size_digit(struct h1_body *b, char c)
{
	int digit = ascii_hex(c);

	if (digit < 0 || b->digits == SIZE_DIGITS_MAX)
		return false;
	b->left = b->left << 4 | (uint64_t)digit;
	b->digits++;
	return b->left <= H1_SIZE_MAX;
}

/* After a digit, a name, a value or a quoted string: what may come next. */
static bool
size_or_extension_end(struct h1_body *b, char c)
{
	if (c != ';' && c != '\r')
		return false;
	b->state = c == ';' ? NAME_FIRST : HEAD_LF;
	return true;
}

static bool
text_byte(char c)
{
	return h1_text_span(&c, &c + 1) == 1;
}

/* One byte between '"' and '"'. */
static bool
quoted_byte(struct h1_body *b, char c)
{
	if (b->state == ESCAPED || (c != '"' && c != '\\'))
		b->state = QUOTED;
	else
		b->state = c == '"' ? QUOTED_END : ESCAPED;
	return text_byte(c);
}

/* chunk-ext = *( ";" token [ "=" ( token / quoted-string ) ] ), without the
 * "bad" white space that RFC 9112 7.1.1 merely tolerates. */
static bool
extension_byte(struct h1_body *b, char c)
{
	switch ((enum state)b->state) {
	case NAME_FIRST:
		b->state = NAME;
		return h1_is_token_byte(c);
	case NAME:
		if (c == '=')
			b->state = VALUE_FIRST;
		return c == '=' || h1_is_token_byte(c) ||
		    size_or_extension_end(b, c);
	case VALUE_FIRST:
		b->state = c == '"' ? QUOTED : VALUE;
		return c == '"' || h1_is_token_byte(c);
	case VALUE:
		return h1_is_token_byte(c) || size_or_extension_end(b, c);
	case QUOTED:
	case ESCAPED:
		return quoted_byte(b, c);
	case QUOTED_END:
		return size_or_extension_end(b, c);
	case SIZE_FIRST:
	case SIZE_MORE:
	case HEAD_LF:
	case DATA:
	case DATA_CR:
	case DATA_LF:
	case TRAILERS:
		break;
	}
	check_failed("an extension's state", __FILE__, __LINE__);
}

/* One byte of the lines round the data; false where it is wrong. */
static bool
framing_byte(struct h1_body *b, char c)
{
	switch ((enum state)b->state) {
	case SIZE_FIRST:
		b->left = 0;
		b->digits = 0;
		b->state = SIZE_MORE;
		return size_digit(b, c);
	case SIZE_MORE:
		return size_or_extension_end(b, c) || size_digit(b, c);
	case HEAD_LF:
		b->state = b->left > 0 ? DATA : TRAILERS;
		return c == '\n';
	case DATA_CR:
		b->state = DATA_LF;
		return c == '\r';
	case DATA_LF:
		b->state = SIZE_FIRST;
		return c == '\n';
	case NAME_FIRST:
	case NAME:
	case VALUE_FIRST:
	case VALUE:
	case QUOTED:
	case ESCAPED:
	case QUOTED_END:
		b->extension_bytes++;
		return extension_byte(b, c);
	case DATA:
	case TRAILERS:
		break;
	}
	check_failed("a chunk head's state", __FILE__, __LINE__);
}

/* As much of what is left as `in` has. */
static struct slice
take_data(struct h1_body *b, struct slice in)
{
	struct slice data = in;

	if (data.len > b->left)
		data.len = (size_t)b->left;
	b->left -= data.len;
	return data;
}

static enum h1_result
take_trailers(struct h1_body *b, struct slice in, const struct h1_limits *l,
    size_t *used, struct fields *trailers, enum h1_error *error)
{
	struct slice bounded = slice_first(in, l->trailer_bytes);
	struct h1_cursor c = {bounded.at, bounded.at + bounded.len};
	enum h1_result result = h1_fields_parse(&c, l->header_count, trailers,
	    error);

	if (result != H1_DONE)
		trailers->count = 0;
	if (result == H1_MORE && in.len < l->trailer_bytes)
		return H1_MORE;
	if (result == H1_MORE ||
	    (result == H1_BAD && *error == H1_HEADER_TOO_LARGE))
		return bad(H1_TRAILER_TOO_LARGE, error);
	if (result == H1_BAD)
		return bad(H1_BAD_TRAILER, error);
	b->trailer_bytes = (size_t)(c.at - in.at);
	*used += b->trailer_bytes;
	return H1_DONE;
}

static enum h1_result
parse_chunked(struct h1_body *b, struct slice in, const struct h1_limits *l,
    struct slice *data, size_t *used, struct fields *trailers,
    enum h1_error *error)
{
	size_t at = 0;

	while (at < in.len && b->state != DATA && b->state != TRAILERS) {
		if (!framing_byte(b, in.at[at++]))
			return bad(H1_BAD_CHUNK, error);
		if (b->extension_bytes > l->chunk_extension_bytes)
			return bad(H1_EXTENSION_TOO_LARGE, error);
	}
	if (b->state == DATA) {
		*data = take_data(b, slice_from(in, at));
		at += data->len;
		if (b->left == 0)
			b->state = DATA_CR;
	}
	*used = at;
	if (b->state == TRAILERS)
		return take_trailers(b, slice_from(in, at), l, used, trailers,
		    error);
	return H1_MORE;
}

enum h1_result
h1_body_parse(struct h1_body *b, struct slice in, const struct h1_limits *l,
    struct slice *data, size_t *used, struct fields *trailers,
    enum h1_error *error)
{
	*data = (struct slice){in.at, 0};
	*used = 0;
	trailers->count = 0;
	switch (b->kind) {
	case BODY_NONE:
		return H1_DONE;
	case BODY_LENGTH:
		*data = take_data(b, in);
		*used = data->len;
		return b->left > 0 ? H1_MORE : H1_DONE;
	case BODY_CHUNKED:
		return parse_chunked(b, in, l, data, used, trailers, error);
	case BODY_UNTIL_CLOSE:
		*data = in;
		*used = in.len;
		return H1_MORE;
	}
	check_failed("a body's kind", __FILE__, __LINE__);
}
