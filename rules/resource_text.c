/* resource_text.c - a resource as text: as it is compared, and for people
 *
 * The canonical text reads back to the very same resource; it is what ids are
 * made of, so it never changes. People see the letters of internationalized
 * names beside it.
 */
#include "rules/resource.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <idn2.h>

#include "base/check.h"

/* One host is written without its bits, but 127.0.0.1 without bits would be
 * localhost. */
static size_t
format_network(const struct resource *r, char out[RESOURCE_TEXT])
{
	char address[ADDRESS_TEXT];
	bool six = r->network.family == 6;
	bool brackets = six && !r->any_port;
	struct target t;
	int len;

	address_format(&r->network, address);
	target_of_address(&r->network, &t);
	len = snprintf(out, RESOURCE_TEXT, "%s%s", brackets ? "[" : "",
	    address);
	if (r->bits != (six ? 128 : 32) || t.kind == TARGET_LOCALHOST)
		len += snprintf(out + len, RESOURCE_TEXT - (size_t)len, "/%u",
		    (unsigned)r->bits);
	if (brackets)
		len += snprintf(out + len, RESOURCE_TEXT - (size_t)len, "]");
	return (size_t)len;
}

/* snprintf() would be most of the time that reading a rule takes. */

static char *
append(char *at, const char *text, size_t len)
{
	memcpy(at, text, len);
	at[len] = '\0';
	return at + len;
}

static char *
append_port(char *at, char before, uint16_t port)
{
	char digits[6];
	size_t first = sizeof(digits);
	unsigned left = port;

	do
		digits[--first] = (char)('0' + left % 10);
	while ((left /= 10) > 0);
	digits[--first] = before;
	return append(at, digits + first, sizeof(digits) - first);
}

static char *
append_depth(char *at, enum host_depth depth)
{
	switch (depth) {
	case DEPTH_EXACT:
		return at;
	case DEPTH_ONE:
		return append(at, "*.", 2);
	case DEPTH_DEEP:
		return append(at, "**.", 3);
	case DEPTH_EVERY:
		return append(at, "**", 2);
	}
	return at;
}

static void
append_ports(const struct resource *r, char *at)
{
	if (r->any_port)
		return;
	at = append_port(at, ':', r->port_from);
	if (r->port_from != r->port_to)
		append_port(at, '-', r->port_to);
}

void
resource_format(const struct resource *r, char out[RESOURCE_TEXT])
{
	char *at;

	if (r->kind == RESOURCE_NETWORK) {
		at = out + format_network(r, out);
	} else {
		at = append_depth(out, r->depth);
		at = append(at, r->host, r->host_len);
	}
	append_ports(r, at);
}

/* The letters of an A-label, to idn2_free(); NULL unless a rule written with
 * them is about this very label. */
static char *
letters_of(const char *label)
{
	uint8_t *back = NULL;
	char *letters = NULL;
	bool same = idn2_to_unicode_8z8z(label, &letters, 0) == IDN2_OK &&
	    idn2_lookup_u8((const uint8_t *)letters, &back,
		IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT) == IDN2_OK &&
	    strcmp((const char *)back, label) == 0 &&
	    strcmp(letters, label) != 0;

	idn2_free(back);
	if (same)
		return letters;
	idn2_free(letters);
	return NULL;
}

/* Label by label, since others may hold globs. False: none has letters. */
static bool
host_letters(const struct resource *r, char out[RESOURCE_UNICODE])
{
	struct slice rest = {r->host, r->host_len}, label;
	char text[TARGET_HOST_MAX + 1], *letters;
	size_t len = 0;
	bool more = true, found = false;

	while (more) {
		more = slice_cut(rest, '.', &label, &rest);
		snprintf(text, sizeof(text), "%.*s", SLICE_ARG(label));
		letters = slice_starts(label, "xn--") ? letters_of(text) : NULL;
		found = found || letters;
		len += (size_t)snprintf(out + len, RESOURCE_UNICODE - len,
		    "%s%s", letters ? letters : text, more ? "." : "");
		idn2_free(letters);
		CHECK(len < RESOURCE_UNICODE);
	}
	return found;
}

bool
resource_format_unicode(const struct resource *r, char out[RESOURCE_UNICODE])
{
	char host[RESOURCE_UNICODE], *at;

	if (r->kind != RESOURCE_NAME || !host_letters(r, host))
		return false;
	/* Without room for a depth and ports it would not be shown whole. */
	CHECK(strlen(host) + RESOURCE_TEXT - TARGET_HOST_MAX <
	    RESOURCE_UNICODE);
	at = append_depth(out, r->depth);
	at = append(at, host, strlen(host));
	append_ports(r, at);
	return true;
}
