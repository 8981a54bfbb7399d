/* h1_fields.c - field lines, and what they say about the message (RFC 9112)
 *
 * One pass over every byte: a name runs over a table, a value over eight
 * bytes at a time, and the byte that ends the run decides. Nothing looks for
 * a line's end first, since that would be a second opinion about where lines
 * end. */
#include "gateway/http/h1_fields.h"

#include "base/check.h"
#include "gateway/http/field_names.h"

/* clang-format off */
const bool h1_token_bytes[256] = {
    ['!'] = true, ['#'] = true, ['$'] = true, ['%'] = true, ['&'] = true,
    ['\''] = true, ['*'] = true, ['+'] = true, ['-'] = true, ['.'] = true,
    ['^'] = true, ['_'] = true, ['`'] = true, ['|'] = true, ['~'] = true,
    ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true,
};
/* clang-format on */

bool
h1_is_token(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!h1_is_token_byte(s.at[i]))
			return false;
	return s.len > 0;
}

#define EACH_BYTE(b) (0x0101010101010101u * (uint64_t)(b))

/* The high bit of the first byte below `low` is set, and none before it
 * (what stands behind it may be wrong, by the borrow). */
static inline uint64_t
bytes_below(uint64_t word, uint8_t low)
{
	return (word - EACH_BYTE(low)) & ~word & EACH_BYTE(0x80);
}

/* Bytes from `at` on before the first that is below `low` or DEL, or, with
 * `ascii`, above it. Stops early, at a full word, only where such a byte is
 * in that word: the caller looks at the rest one by one. */
static inline const char *
skip_words(const char *at, const char *end, uint8_t low, bool ascii)
{
	while (end - at >= 8) {
		uint64_t word, wrong;

		memcpy(&word, at, sizeof(word));
		wrong = bytes_below(word, low) |
		    bytes_below(word ^ EACH_BYTE(0x7f), 1);
		if (ascii)
			wrong |= word & EACH_BYTE(0x80);
		if (wrong != 0)
			break;
		at += 8;
	}
	return at;
}

static inline bool
is_text(char c)
{
	return (unsigned char)c >= 0x20 ? c != 0x7f : c == '\t';
}

static inline bool
is_visible(char c)
{
	return c > 0x20 && c < 0x7f;
}

size_t
h1_text_span(const char *at, const char *end)
{
	const char *from = at;

	for (;;) {
		at = skip_words(at, end, 0x20, false);
		/* A tab stops the words but not the span. */
		for (int i = 0; i < 8; i++, at++)
			if (at == end || !is_text(*at))
				return (size_t)(at - from);
	}
}

size_t
h1_visible_span(const char *at, const char *end)
{
	const char *from = at;

	at = skip_words(at, end, 0x21, true);
	while (at < end && is_visible(*at))
		at++;
	return (size_t)(at - from);
}

static enum h1_result
bad(enum h1_error what, enum h1_error *error)
{
	*error = what;
	return H1_BAD;
}

/* CR, LF and NUL where they do not belong are told apart from the rest. */
static enum h1_result
bad_byte(char c, enum h1_error otherwise, enum h1_error *error)
{
	bool ends_lines = c == '\r' || c == '\n' || c == '\0';

	return bad(ends_lines ? H1_BAD_LINE_END : otherwise, error);
}

enum h1_result
h1_line_end(struct h1_cursor *c, enum h1_error *error)
{
	if (c->at == c->end)
		return H1_MORE;
	if (*c->at != '\r')
		return bad(H1_BAD_LINE_END, error);
	if (c->end - c->at < 2)
		return H1_MORE;
	if (c->at[1] != '\n')
		return bad(H1_BAD_LINE_END, error);
	c->at += 2;
	return H1_DONE;
}

static inline bool
is_space(char c)
{
	return c == ' ' || c == '\t';
}

static enum h1_result
field_name(struct h1_cursor *c, struct slice *name, enum h1_error *error)
{
	const char *at = c->at;

	while (at < c->end && h1_is_token_byte(*at))
		at++;
	if (at == c->end)
		return H1_MORE;
	if (*at != ':' || at == c->at)
		return bad_byte(*at, H1_BAD_FIELD, error);
	*name = (struct slice){c->at, (size_t)(at - c->at)};
	c->at = at + 1;
	return H1_DONE;
}

static enum h1_result
field_value(struct h1_cursor *c, struct slice *value, enum h1_error *error)
{
	const char *from = c->at, *to;

	while (from < c->end && is_space(*from))
		from++;
	c->at = from + h1_text_span(from, c->end);
	to = c->at;
	if (c->at < c->end && *c->at != '\r')
		return bad_byte(*c->at, H1_BAD_FIELD, error);
	while (to > from && is_space(to[-1]))
		to--;
	*value = (struct slice){from, (size_t)(to - from)};
	return h1_line_end(c, error);
}

enum h1_result
h1_fields_parse(struct h1_cursor *c, size_t max, struct fields *f,
    enum h1_error *error)
{
	if (max > f->capacity)
		max = f->capacity;
	for (;;) {
		struct field field;
		enum h1_result result;

		if (c->at == c->end)
			return H1_MORE;
		if (*c->at == '\r')
			return h1_line_end(c, error);
		if (f->count >= max)
			return bad(H1_HEADER_TOO_LARGE, error);
		result = field_name(c, &field.name, error);
		if (result == H1_DONE)
			result = field_value(c, &field.value, error);
		if (result != H1_DONE)
			return result;
		f->at[f->count++] = field;
	}
}

/* Naming these would have the next hop drop what this one was judged by
 * (threat 47). Transfer-Encoding ends here anyway, and some servers do name
 * it. */
static bool
may_be_named(struct slice name)
{
	static const char *const never[] = {"host", "authorization", "cookie"};

	for (size_t i = 0; i < ARRAY_SIZE(never); i++)
		if (slice_is_nocase(name, never[i]))
			return false;
	return !slice_is_nocase(slice_first(name, 8), "content-");
}

static bool
read_connection(struct slice list, struct h1_facts *facts)
{
	struct slice name;

	while (list_next(&list, &name)) {
		if (!h1_is_token(name) || !may_be_named(name))
			return false;
		facts->close |= slice_is_nocase(name, "close");
		facts->keep_alive |= slice_is_nocase(name, "keep-alive");
		facts->upgrade_named |= slice_is_nocase(name, "upgrade");
	}
	return true;
}

static bool
fail(enum h1_error what, enum h1_error *error)
{
	*error = what;
	return false;
}

bool
h1_facts_read(const struct fields *f, struct h1_facts *facts,
    enum h1_error *error)
{
	*facts = (struct h1_facts){0};
	for (size_t i = 0; i < f->count; i++) {
		struct slice value = f->at[i].value;

		switch ((int)field_id_of(f->at[i].name)) {
		case FIELD_HOST:
			facts->hosts++;
			facts->host = value;
			break;
		case FIELD_CONTENT_LENGTH:
			facts->lengths++;
			facts->length = value;
			break;
		case FIELD_TRANSFER_ENCODING:
			facts->codings++;
			facts->coding = value;
			break;
		case FIELD_UPGRADE:
			facts->upgrades++;
			facts->upgrade = value;
			break;
		case FIELD_EXPECT:
			facts->expects++;
			facts->expect = value;
			break;
		case FIELD_CONNECTION:
			facts->connection_bytes += value.len;
			if (facts->connection_bytes > H1_CONNECTION_MAX)
				return fail(H1_HEADER_TOO_LARGE, error);
			if (!read_connection(value, facts))
				return fail(H1_BAD_CONNECTION, error);
			break;
		case FIELD_OTHER:
			if (field_is_lookalike(f->at[i].name))
				return fail(H1_BAD_FIELD, error);
			break;
		}
	}
	return true;
}

bool
h1_facts_framing(const struct h1_facts *facts, struct head *h,
    enum h1_error *error)
{
	if (facts->lengths > 0 && facts->codings > 0)
		return fail(H1_TWO_FRAMINGS, error);
	if (facts->codings > 0) {
		if (facts->codings > 1 || h->minor == 0 ||
		    !slice_is_nocase(facts->coding, "chunked"))
			return fail(H1_BAD_TRANSFER_CODING, error);
		h->body = BODY_CHUNKED;
	}
	if (facts->lengths > 0) {
		/* Twice the same is refused, too: which of several readers
		 * looks at which is not for us to guess. */
		if (facts->lengths > 1 ||
		    !slice_number(facts->length, H1_SIZE_MAX,
			&h->content_length))
			return fail(H1_BAD_CONTENT_LENGTH, error);
		h->body = BODY_LENGTH;
	}
	return true;
}

/* One protocol, and none that is HTTP or TLS once more: what follows such a
 * switch would be exchanges that nobody judges (threat 54). A list leaves the
 * choice to the other end and is dropped as well. */
static bool
is_upgrade(struct slice value)
{
	struct slice name, version;
	bool has_version = slice_cut(value, '/', &name, &version);

	if (!h1_is_token(name) || (has_version && !h1_is_token(version)))
		return false;
	return !slice_is_nocase(name, "h2c") && !slice_is_nocase(name, "h2") &&
	    !slice_is_nocase(name, "http") && !slice_is_nocase(name, "tls");
}

void
h1_facts_connection(const struct h1_facts *facts, struct head *h)
{
	h->keep_alive = !facts->close && (h->minor == 1 || facts->keep_alive);
	h->has_upgrade = h->minor == 1 && facts->upgrade_named &&
	    facts->upgrades == 1 && is_upgrade(facts->upgrade);
	if (h->has_upgrade)
		h->upgrade = facts->upgrade;
}

struct slice
h1_bounded(struct slice in, const struct h1_limits *l)
{
	return slice_first(in, l->header_bytes);
}

enum h1_result
h1_unfinished(struct slice in, const struct h1_limits *l, enum h1_error *error)
{
	if (in.len >= l->header_bytes)
		return bad(H1_HEADER_TOO_LARGE, error);
	return H1_MORE;
}

enum h1_result
h1_version(struct h1_cursor *c, uint8_t *minor, enum h1_error malformed,
    enum h1_error *error)
{
	static const char shape[] = "HTTP/0.0";

	for (size_t i = 0; i < sizeof(shape) - 1; i++) {
		char got;

		if (c->at + i == c->end)
			return H1_MORE;
		got = c->at[i] >= '0' && c->at[i] <= '9' ? '0' : c->at[i];
		if (got != shape[i])
			return bad(malformed, error);
	}
	if (c->at[5] != '1' || c->at[7] > '1')
		return bad(H1_BAD_VERSION, error);
	*minor = (uint8_t)(c->at[7] - '0');
	c->at += sizeof(shape) - 1;
	return H1_DONE;
}

bool
h1_head_may_be_whole(struct slice in, const struct h1_limits *l, size_t *seen)
{
	bool first = *seen == 0;
	struct slice unseen;

	CHECK(*seen <= in.len);
	unseen = slice_from(in, *seen);
	*seen = in.len;
	return first || in.len >= l->header_bytes ||
	    slice_find(unseen, '\n') < unseen.len;
}
