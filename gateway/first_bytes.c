/* first_bytes.c - TLS, HTTP or neither
 *
 * A text protocol's greeting ("EHLO x", "USER x") looks like a method and a
 * target until its line ends, so known methods decide at once and everything
 * else that is text waits for the end of its line, where "HTTP/" tells. */
#include "gateway/first_bytes.h"

#define TLS_HANDSHAKE 0x16

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "DELETE",
    "OPTIONS", "PATCH", "TRACE", "CONNECT", "PROPFIND", "PROPPATCH", "MKCOL",
    "COPY", "MOVE", "LOCK", "UNLOCK", "SEARCH", "REPORT", "QUERY", "PURGE",
    "MERGE", "CHECKOUT", "MKACTIVITY", NULL};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* What some origin takes for white space before a request: isspace() in C, and
 * Python's http.server splits at Latin-1's as well. */
static bool
is_space(char byte)
{
	unsigned char c = (unsigned char)byte;

	return c == ' ' || (c >= 0x09 && c <= 0x0d) ||
	    (c >= 0x1c && c <= 0x1f) || c == 0x85 || c == 0xa0;
}

static bool
starts_with_method(struct slice line)
{
	for (size_t i = 0; methods[i] != NULL; i++) {
		size_t len = strlen(methods[i]);

		if (line.len > len && slice_starts(line, methods[i]) &&
		    is_blank(line.at[len]))
			return true;
	}
	return false;
}

static bool
names_http(struct slice line)
{
	for (; line.len >= 5; line = slice_from(line, 1))
		if (slice_is_nocase(slice_first(line, 5), "HTTP/"))
			return true;
	return false;
}

/* How many bytes at the front may belong to a line of HTTP, as lenient as an
 * origin may be. A control byte in its middle may; as the first byte, as in
 * most binary protocols, it may not, and a NUL ends a line everywhere. */
static size_t
line_span(struct slice s)
{
	unsigned char first = (unsigned char)s.at[0];
	size_t i = 0;

	if ((first < 0x20 && first != '\t') || first >= 0x7f)
		return 0;
	while (i < s.len && s.at[i] != '\n' && s.at[i] != '\0')
		i++;
	return i;
}

/* What comes first decides: a method, "HTTP/", or what ends the line. So the
 * answer does not depend on how the bytes were cut. */
static enum inside
tell_text(struct slice in)
{
	struct slice line = slice_first(in, FIRST_LINE_MAX);

	line = slice_first(line, line_span(line));
	if (starts_with_method(line) || names_http(line))
		return INSIDE_HTTP1;
	/* A line without end could still say HTTP: the strict parser refuses
	 * what is too long for it. */
	if (line.len == FIRST_LINE_MAX)
		return INSIDE_HTTP1;
	return line.len < in.len ? INSIDE_RAW : INSIDE_UNKNOWN;
}

bool
first_bytes_greet_as_h2(struct slice in)
{
	/* A length below 256, SETTINGS, no flags, stream 0 (RFC 9113 4.1). */
	static const char head[] = {0, 0, 0, 4, 0, 0, 0, 0, 0};

	for (size_t i = 0; i < in.len && i < sizeof(head); i++)
		if (i != 2 && in.at[i] != head[i])
			return false;
	return in.len > 0;
}

enum inside
first_bytes_tell(struct slice in)
{
	size_t wanted = sizeof(preface) - 1;
	size_t common = in.len < wanted ? in.len : wanted;

	if (in.at[0] == TLS_HANDSHAKE)
		return INSIDE_TLS;
	if (memcmp(in.at, preface, common) == 0)
		return common == wanted ? INSIDE_HTTP2 : INSIDE_UNKNOWN;
	/* An empty line may stand before a request (RFC 9112 2.2); any number
	 * of them is for the parser to refuse, not for us to relay. */
	while (in.len > 0 && is_space(in.at[0]))
		in = slice_from(in, 1);
	return in.len == 0 ? INSIDE_UNKNOWN : tell_text(in);
}
