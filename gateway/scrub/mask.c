/* mask.c - the same length, and the same kind of text
 *
 * A decoder further on must not stumble: base64 stays base64 (of '*'), hex
 * stays hex (of '*'), line breaks and separators stay where they are. Where
 * symbols of base64 or hex were escaped as well, the mask is not: the text
 * behind it may then be decoded askew. */
#include "gateway/scrub/mask.h"

#include "base/check.h"

/* "Kioq" is "***"; it repeats every four characters. */
static const char base64_stars[] = "Kioq";
static const char hex_star[] = "2a";

static bool
stays(enum needle_form form, char c)
{
	switch (form) {
	case NEEDLE_BASE64:
		return c == '\r' || c == '\n';
	case NEEDLE_BYTES:
		return c == ' ' || c == ':';
	case NEEDLE_RAW:
	case NEEDLE_HEX:
	case NEEDLE_FORM_COUNT:
		break;
	}
	return false;
}

/* Of the n-th symbol, what stays not counted. */
static char
mask_symbol(const struct search_hit *hit, size_t n)
{
	switch (hit->form) {
	case NEEDLE_BASE64:
		return base64_stars[(hit->phase + n) % 4];
	case NEEDLE_HEX:
	case NEEDLE_BYTES:
		return hex_star[n % 2];
	case NEEDLE_RAW:
	case NEEDLE_FORM_COUNT:
		break;
	}
	return n < hit->mask.len ? hit->mask.at[n] : '*';
}

void
mask_write(const struct search_hit *hit, size_t from, char *at, size_t len)
{
	/* What has gone out before: of bytes apart, two of three are digits. */
	size_t n = hit->form == NEEDLE_BYTES ? from - from / 3 : from;

	CHECK(from + len <= hit->end - hit->start);
	for (size_t i = 0; i < len; i++)
		if (!stays(hit->form, at[i]))
			at[i] = mask_symbol(hit, n++);
}
