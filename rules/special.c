/* special.c - addresses that are not public (RFC 6890 and what it forgot)
 *
 * What carries an IPv4 address inside by its prefix (6to4, Teredo, NAT64, the
 * compatible and translated forms) is special as a whole: nobody needs it to
 * reach a public host, and deciding by the inside would trust a relay to read
 * it as we do. Only ISATAP has no prefix of its own; there the inside decides.
 *
 * A linear walk: a few dozen comparisons are nothing beside the look-up that
 * brought the address.
 */
#include "rules/special.h"

#include <string.h>

#include "base/check.h"

struct special_range {
	struct address first;
	uint8_t bits;
	const char *text; /* "private 10.0.0.0/8" */
};

#define TWO_BYTES(group) ((group) >> 8), ((group)&0xff)

static const struct special_range ranges[] = {
#define SPECIAL_V4(a, b, c, d, range_bits, words)                              \
	{{.family = 4, .bytes = {a, b, c, d}}, range_bits, words},
#define SPECIAL_V6(a, b, c, d, e, f, g, h, range_bits, words)                  \
	{{.family = 6,                                                         \
	     .bytes = {TWO_BYTES(a), TWO_BYTES(b), TWO_BYTES(c), TWO_BYTES(d), \
		 TWO_BYTES(e), TWO_BYTES(f), TWO_BYTES(g), TWO_BYTES(h)}},     \
	    range_bits, words},
#include "rules/special.def"
#undef SPECIAL_V4
#undef SPECIAL_V6
};

/* RFC 5214: the last 64 bits are 0000:5efe or 0200:5efe and an IPv4 address. */
static bool
address_from_isatap(const struct address *a, struct address *inside)
{
	const uint8_t *b = a->bytes;

	if (a->family != 6 || (b[8] & ~2) != 0 || b[9] != 0 || b[10] != 0x5e ||
	    b[11] != 0xfe)
		return false;
	*inside = (struct address){.family = 4, .port = a->port};
	memcpy(inside->bytes, b + 12, 4);
	return true;
}

bool
address_from_nat64(const struct address *a, struct address *inside)
{
	static const uint8_t prefix[12] = {0, 0x64, 0xff, 0x9b};

	if (a->family != 6 || memcmp(a->bytes, prefix, sizeof(prefix)) != 0)
		return false;
	*inside = (struct address){.family = 4, .port = a->port};
	memcpy(inside->bytes, a->bytes + 12, 4);
	return true;
}

static const struct special_range *
range_around(const struct address *network, unsigned bits)
{
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		if (ranges[i].bits <= bits &&
		    address_in(network, &ranges[i].first, ranges[i].bits))
			return &ranges[i];
	return NULL;
}

const char *
address_special_range(const struct address *a)
{
	const struct special_range *range;
	struct address inside;

	if (a->family != 4 && a->family != 6)
		return "no address";
	range = range_around(a, a->family == 4 ? 32 : 128);
	if (!range && address_from_isatap(a, &inside))
		range = range_around(&inside, 32);
	return range ? range->text : NULL;
}

bool
address_is_special(const struct address *a)
{
	return address_special_range(a) != NULL;
}

bool
network_is_special(const struct address *network, unsigned bits)
{
	struct address inside;

	if (range_around(network, bits))
		return true;
	return bits >= 96 && address_from_isatap(network, &inside) &&
	    range_around(&inside, bits - 96);
}

bool
address_is_never_openable(const struct address *a)
{
	static const struct address any_v6 = {.family = 6};
	struct address inside = *a;

	address_from_nat64(a, &inside);
	if (inside.family == 6)
		return address_same_host(&inside, &any_v6);
	return inside.bytes[0] == 127 || memcmp(inside.bytes, "\0\0\0", 4) == 0;
}
