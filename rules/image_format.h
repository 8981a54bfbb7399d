/* image_format.h - the bytes of a compiled policy (rules/ only)
 *
 *	header | entries | sources | sides | excepts | slots | sandboxes | files
 *	       | strings
 *
 * Everything is found by offset and index, never by pointer, in the byte order
 * of this machine (another one's mark does not fit). What a look-up touches
 * (slots, entries, strings) is apart from what only people read (sources).
 *
 * One hash table answers every question. A rule's key is what must be equal
 * for it to match at all:
 *
 *	names	the part of the host behind its last wildcard, in whole labels:
 *		"*.example.com" and "crl*.example.com" stand under
 *		"example.com", "**" under ""
 *	localhost	"localhost"
 *	networks	family, bits and the masked bytes
 *
 * together with the sandbox the rule is for (or SCOPE_ALL). Rules of one key
 * are a chain in file order. A name of n labels costs n+1 look-ups for all and
 * n+1 for its sandbox, however many rules there are.
 */
#ifndef RULES_IMAGE_FORMAT_H
#define RULES_IMAGE_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/slice.h"
#include "rules/image.h"
#include "rules/resource.h"

#define IMAGE_MAGIC "PENSTOCK"
#define IMAGE_VERSION 1u
#define IMAGE_BYTE_ORDER 0x01020304u
#define IMAGE_ALIGN 8
#define IMAGE_HASH_BYTES 32

#define SCOPE_ALL UINT32_MAX
#define NO_ENTRY UINT32_MAX
#define NO_SIDE UINT32_MAX

/* Two bits family-and-kind first, so that no name is ever a network's key. */
#define NETWORK_KEY_BYTES 18 /* family, bits, 16 bytes */

enum image_section {
	SECTION_ENTRIES,   /* struct image_entry, one per rule */
	SECTION_SOURCES,   /* struct image_source, one per rule */
	SECTION_SIDES,	   /* struct image_side */
	SECTION_EXCEPTS,   /* struct image_except */
	SECTION_SLOTS,	   /* struct image_slot, a power of two */
	SECTION_SANDBOXES, /* uint32_t names, "default" first, then sorted */
	SECTION_FILES,	   /* struct image_file */
	SECTION_STRINGS,   /* NUL-ended texts; the first is "" */
	SECTION_COUNT
};

struct image_section_place {
	uint32_t at, count; /* bytes from the start; elements */
};

enum image_flag {
	IMAGE_NO_POLICY = 1,
};

struct image_header {
	char magic[8];
	uint32_t version, byte_order;
	uint64_t length;		    /* of all, in bytes */
	uint8_t checksum[IMAGE_HASH_BYTES]; /* SHA-256 of what follows */
	uint8_t digest[IMAGE_HASH_BYTES];   /* of what the rules say */
	uint32_t flags, preset;		    /* a string */
	/* Bit n: some network has n bits. A look-up tries those only. */
	uint64_t bits_of_ipv4[1], bits_of_ipv6[3];
	struct image_section_place sections[SECTION_COUNT];
};

enum entry_flag {
	ENTRY_ALLOW = 1,
	ENTRY_ANY_PORT = 2,
	ENTRY_RAW = 4,	    /* `raw: allow` */
	ENTRY_DISABLED = 8, /* in no chain */
	ENTRY_SPECIAL = 16, /* a network inside a special range */
};

/* What the matcher reads of a rule. */
struct image_entry {
	uint32_t host; /* a string, not NUL-ended: the host, or a
			* network's key */
	uint8_t host_len;
	uint8_t key_len; /* of the host's end; shorter: has globs */
	uint8_t flags;
	uint8_t kind_depth; /* enum resource_kind << 4 | enum host_depth */
	uint16_t port_from, port_to;
	uint32_t scope; /* a sandbox, or SCOPE_ALL */
	uint32_t next;	/* of the chain; NO_ENTRY ends it */
	uint32_t side;	/* or NO_SIDE */
};

/* What few rules have. */
struct image_side {
	int64_t expires;
	uint32_t except, except_count;
};

struct image_except {
	struct image_entry entry; /* scope, next and side mean nothing */
	uint32_t text;
};

/* What only people read. Strings, unless said otherwise. */
struct image_source {
	uint32_t id, name, comment, resource;
	uint32_t file; /* index of SECTION_FILES */
	uint32_t line;
	uint16_t column;
	uint8_t tls_sni;    /* enum rule_tls << 4 | enum rule_sni */
	uint8_t ech_refuse; /* enum rule_ech << 4 | enum rule_refuse */
};

struct image_file {
	uint32_t path, source;
};

struct image_slot {
	uint32_t hash;
	uint32_t first; /* entry; NO_ENTRY: a free slot */
};

_Static_assert(sizeof(struct image_header) == 192, "no hidden padding");
_Static_assert(sizeof(struct image_entry) == 24, "no hidden padding");
_Static_assert(sizeof(struct image_side) == 16, "no hidden padding");
_Static_assert(sizeof(struct image_except) == 28, "no hidden padding");
_Static_assert(sizeof(struct image_source) == 28, "no hidden padding");
_Static_assert(sizeof(struct image_file) == 8, "no hidden padding");
_Static_assert(sizeof(struct image_slot) == 8, "no hidden padding");

/* An opened image: the sections as arrays. */
struct image {
	const struct image_header *header;
	const struct image_entry *entries;
	const struct image_source *sources;
	const struct image_side *sides;
	const struct image_except *excepts;
	const struct image_slot *slots;
	const uint32_t *sandboxes;
	const struct image_file *files;
	const char *strings;
	uint32_t entry_count, side_count, except_count, slot_count,
	    sandbox_count, file_count, string_bytes;
	char digest[IMAGE_DIGEST_TEXT];
	void *owned;   /* a mapping, undone by image_close(); or NULL */
	size_t mapped; /* its bytes */
};

static inline enum resource_kind
entry_kind(const struct image_entry *e)
{
	return (enum resource_kind)(e->kind_depth >> 4);
}

static inline enum host_depth
entry_depth(const struct image_entry *e)
{
	return (enum host_depth)(e->kind_depth & 15);
}

/* Hash of a key, from its last byte to its first: the matcher goes through a
 * name once and has the hash of each of its suffixes on the way. FNV-1a; its
 * keys come from the policy's author, so it needs no secret. */
#define HASH_START 0xcbf29ce484222325u

static inline uint64_t
hash_byte(uint64_t hash, uint8_t byte)
{
	return (hash ^ byte) * 0x100000001b3u;
}

static inline uint64_t
hash_before(uint64_t hash, struct slice s)
{
	for (size_t i = s.len; i > 0; i--)
		hash = hash_byte(hash, (uint8_t)s.at[i - 1]);
	return hash;
}

/* FNV's low bits are weak where few bytes were hashed: mixed once at last. */
static inline uint32_t
hash_with_scope(uint64_t hash, uint32_t scope)
{
	hash ^= (uint64_t)scope * 0x9e3779b97f4a7c15u;
	hash ^= hash >> 32;
	hash *= 0xd6e8feb86659fd93u;
	return (uint32_t)(hash >> 32);
}

/* The key of a network, as hashed and compared. */
static inline void
network_key(const struct address *network, unsigned bits,
    char key[NETWORK_KEY_BYTES])
{
	key[0] = (char)network->family;
	key[1] = (char)bits;
	memcpy(key + 2, network->bytes, 16);
}

#endif
