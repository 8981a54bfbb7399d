/* image_format.h - the bytes of a compiled policy (rules/ only)
 *
 * Everything is found by offset and index, never by pointer, in the byte order
 * of this machine (another one's mark does not fit). The sections up to NAMES
 * are what rules mean: they are what a look-up touches and what the digest
 * covers. The others (sources, words, ..) are read by people only.
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
 * together with the sandbox the rule is for (or SCOPE_ALL). What has one key
 * is one run of entries in file order, the last of them marked. A name of n
 * labels costs at most n+1 look-ups for all and n+1 for its sandbox, however
 * many rules there are; lengths that no key has are left out.
 *
 * Two things stand in the place of many rules: patterns with wildcards inside
 * labels that share a key are one entry with a tree (glob_tree.h), and HTTP
 * rules of one host and scope are one entry with a group.
 */
#ifndef RULES_IMAGE_FORMAT_H
#define RULES_IMAGE_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/slice.h"
#include "rules/glob_tree.h"
#include "rules/image.h"
#include "rules/resource.h"

#define IMAGE_MAGIC "PENSTOCK"
#define IMAGE_VERSION 4u
#define IMAGE_BYTE_ORDER 0x01020304u
#define IMAGE_ALIGN 8
#define IMAGE_LINE 64 /* where slots begin in an image at such a place */
#define IMAGE_HASH_BYTES 32

#define SCOPE_ALL UINT32_MAX
#define NO_ENTRY UINT32_MAX
#define NO_INDEX UINT32_MAX

#define NETWORK_KEY_BYTES 18 /* family, bits, 16 bytes */

enum image_section {
	SECTION_SLOTS,	      /* struct image_slot, and one behind the last */
	SECTION_ENTRIES,      /* uint32_t words: struct image_entry and texts */
	SECTION_TERMS,	      /* struct image_terms */
	SECTION_EXCEPTS,      /* uint32_t: places of entries */
	SECTION_GROUPS,	      /* struct image_group */
	SECTION_HTTP,	      /* struct image_http, one per HTTP rule */
	SECTION_CONDITIONS,   /* struct image_condition */
	SECTION_LINKS,	      /* struct image_link */
	SECTION_NODES,	      /* struct glob_node */
	SECTION_LITERALS,     /* bytes of the nodes */
	SECTION_METHODS,      /* uint32_t names; a method's bit is its index */
	SECTION_SECRETS,      /* struct image_secret */
	SECTION_SECRET_HOSTS, /* uint32_t: places of the secrets' entries */
	SECTION_REPLACED,     /* uint32_t sandboxes, see struct image_secret */
	SECTION_SANDBOXES,    /* struct image_scope, "default" first, then
			     * sorted */
	SECTION_NAMES,	      /* NUL-ended texts; the first is "" */
	SECTION_SOURCES,      /* struct image_source, one per rule */
	SECTION_REMARKS,      /* struct image_remark */
	SECTION_SECRET_PLACES, /* struct image_secret_place, one per secret */
	SECTION_FILES,	       /* struct image_file */
	SECTION_WORDS,	       /* NUL-ended texts; the first is "" */
	SECTION_COUNT
};

#define FIRST_SECTION_FOR_PEOPLE SECTION_SOURCES

struct image_section_place {
	uint32_t at, count; /* bytes from the start; elements */
};

enum image_flag {
	IMAGE_NO_POLICY = 1,
};

struct image_header {
	char magic[8];
	uint32_t version, byte_order;
	uint64_t length; /* of all, in bytes */
	/* XXH3: damage is found by it, malice by the checks of every index and
	 * by a signature. */
	uint64_t header_sum;		  /* of what follows in the header */
	uint64_t body_sum;		  /* of what follows the header */
	uint8_t digest[IMAGE_HASH_BYTES]; /* SHA-256 of what rules mean */
	uint32_t flags, preset;		  /* a name */
	/* Bit n: some key has n labels; some network has n bits. */
	uint64_t depths[2], bits_of_ipv4[1], bits_of_ipv6[3];
	uint32_t tree_nodes, tree_levels; /* of the largest tree */
	struct image_section_place sections[SECTION_COUNT];
};

#define SLOT_RUNS 2 /* on average */

/* Where the runs stand whose hashes lead to this slot, two as a rule: one after
 * the other, up to where the next slot's begin. The marks of all of them are
 * in `marks`, so that most keys that are not here are told by these eight bytes
 * alone: a table of millions has its slots in the processor's cache, and what
 * they lead to in memory. */
struct image_slot {
	uint32_t first; /* entry */
	uint32_t marks;
};

enum entry_kind {
	ENTRY_RULE,   /* `index` is a rule */
	ENTRY_TREE,   /* .. the root of a tree over what stands before the
		       * key; its values are links to entries */
	ENTRY_GROUP,  /* .. a group of HTTP rules */
	ENTRY_SECRET, /* .. a secret */
};

enum entry_flag {
	ENTRY_LAST = 1,	   /* of its run */
	ENTRY_SPECIAL = 2, /* a network inside a special range */
	ENTRY_FOR_ALL = 4, /* its scope is SCOPE_ALL */
};

/* A pattern. Its text follows, NUL-ended, padded to four bytes; entries are
 * named by the place of their first word. */
struct image_entry {
	uint32_t index; /* see kind */
	uint32_t terms;
	uint8_t host_len;   /* of the text: a host, or a network's key */
	uint8_t key_len;    /* of the host's end; shorter: has globs */
	uint8_t kind_depth; /* entry_kind << 6 | resource_kind << 2 | depth */
	uint8_t flags;
};

enum terms_flag {
	TERMS_ALLOW = 1,
	TERMS_ANY_PORT = 2,
	TERMS_RAW = 4,	    /* `raw: allow` */
	TERMS_DISABLED = 8, /* in no run */
};

/* What a rule says beside its pattern; equal terms stand here once. */
struct image_terms {
	int64_t expires;
	uint32_t scope; /* a sandbox, or SCOPE_ALL */
	uint32_t except, except_count;
	uint16_t port_from, port_to;
	uint8_t flags;
	uint8_t tls_sni;    /* enum rule_tls << 4 | enum rule_sni */
	uint8_t ech_refuse; /* enum rule_ech << 4 | enum rule_refuse */
	uint8_t reserved[5];
};

struct image_scope {
	uint32_t name;
	uint32_t patterns; /* how many are for it alone */
};

/* HTTP rules of one host, ports and scope. */
struct image_group {
	uint32_t root;	     /* of the tree of their paths; NO_INDEX: none */
	uint32_t first;	     /* link to those that take any path, or NO_INDEX */
	uint32_t rule;	     /* the first of its rules */
	uint32_t allow;	     /* the first allowing rule that lasts longest */
	int64_t allow_until; /* when that expires; INT64_MAX: never */
	uint8_t has_allow;
	uint8_t judges_methods;
	uint8_t reserved[6];
};

struct image_http {
	uint64_t methods; /* bits; 0: any */
	uint32_t rule;
	uint32_t terms;
	uint32_t conditions; /* query first, then headers */
	uint8_t query_count, header_count;
	uint8_t reserved[2];
};

struct image_condition {
	uint32_t name, glob; /* names */
};

enum secret_text {
#define TEXT(member) SECRET_TEXT_##member,
#include "rules/secret_texts.def"
#undef TEXT
	SECRET_TEXTS
};

enum secret_flag {
	SECRET_DISABLED = 1, /* its hosts are in no run */
	SECRET_WITHHELD = 2,
	SECRET_PLAINTEXT = 4,
};

/* A secret's binding. One that is for all is not for the sandboxes that have
 * bindings of its name: their list is sorted. */
struct image_secret {
	uint32_t texts[SECRET_TEXTS]; /* names */
	uint32_t sandbox;	      /* or SCOPE_ALL */
	uint32_t hosts, host_count;
	uint32_t replaced, replaced_count;
	uint32_t refresh_s, calls_per_minute;
	uint16_t from_minute, to_minute;
	uint8_t way, swap, source, grant, client_by, flags;
	uint8_t reserved[2];
};

/* A list of entries or HTTP rules that one text of a tree stands for. */
struct image_link {
	uint32_t to;
	uint32_t next; /* a smaller index, or NO_INDEX */
	uint32_t is_http;
};

/* What only people read. */
struct image_source {
	uint32_t hash_high, hash_low, repetition; /* the rule's id */
	uint32_t entry;
	uint32_t http; /* NO_INDEX: a network rule */
	uint32_t line;
	uint32_t remark;
	uint16_t column;
	uint16_t reserved;
};

/* Words of neighbours are often the same. */
struct image_remark {
	uint32_t name, comment;
	uint32_t methods, paths; /* "GET,HEAD"; "/a /b"; "" any */
	uint32_t file;		 /* index of SECTION_FILES */
};

struct image_secret_place {
	uint32_t file; /* index of SECTION_FILES */
	uint32_t line, column;
	uint32_t comment;
};

struct image_file {
	uint32_t path, source; /* words */
};

_Static_assert(sizeof(struct image_header) == 304, "no hidden padding");
_Static_assert(sizeof(struct image_slot) == 8, "no hidden padding");
_Static_assert(sizeof(struct image_entry) == 12, "no hidden padding");
_Static_assert(sizeof(struct image_terms) == 32, "no hidden padding");
_Static_assert(sizeof(struct image_group) == 32, "no hidden padding");
_Static_assert(sizeof(struct image_http) == 24, "no hidden padding");
_Static_assert(sizeof(struct image_secret) == 108, "no hidden padding");
_Static_assert(sizeof(struct image_source) == 32, "no hidden padding");
_Static_assert(sizeof(struct image_remark) == 20, "no hidden padding");

/* An opened image: the sections as arrays. */
struct image {
	const struct image_header *header;
	const struct image_slot *slots;
	const uint32_t *entries;
	const struct image_terms *terms;
	const uint32_t *excepts;
	const struct image_group *groups;
	const struct image_http *http;
	const struct image_condition *conditions;
	const struct image_link *links;
	struct glob_forest forest;
	const uint32_t *methods;
	const struct image_secret *secrets;
	const uint32_t *secret_hosts, *replaced;
	const struct image_scope *sandboxes;
	const char *names;
	const struct image_source *sources;
	const struct image_remark *remarks;
	const struct image_secret_place *secret_places;
	const struct image_file *files;
	const char *words;
	uint32_t counts[SECTION_COUNT];
	char digest[IMAGE_DIGEST_TEXT];
	/* This process's: a path may be matched while a host is. */
	struct glob_scratch *host_scratch, *path_scratch;
	void *owned;   /* a mapping, undone by image_close(); or NULL */
	size_t mapped; /* its bytes */
};

static inline const struct image_entry *
entry_at(const struct image *i, uint32_t place)
{
	return (const struct image_entry *)(const void *)&i->entries[place];
}

static inline const char *
entry_host(const struct image_entry *e)
{
	return (const char *)(e + 1);
}

/* In words: the entry, its text, a NUL. */
static inline size_t
entry_words(size_t host_len)
{
	return sizeof(struct image_entry) / 4 + host_len / 4 + 1;
}

static inline enum entry_kind
entry_kind(const struct image_entry *e)
{
	return (enum entry_kind)(e->kind_depth >> 6);
}

static inline enum resource_kind
entry_resource(const struct image_entry *e)
{
	return (enum resource_kind)(e->kind_depth >> 2 & 3);
}

static inline enum host_depth
entry_depth(const struct image_entry *e)
{
	return (enum host_depth)(e->kind_depth & 3);
}

/* The entry after this one in its run. */
static inline const struct image_entry *
entry_next(const struct image_entry *e)
{
	return (const struct image_entry *)(const void
		*)((const uint32_t *)(const void *)e +
	    entry_words(e->host_len));
}

/* An entry as a resource; its host is the image's. */
void image_resource(const struct image *i, const struct image_entry *e,
    struct resource *r);

/* The key of a network, as hashed and compared. */
static inline void
network_key(const struct address *network, unsigned bits,
    char key[NETWORK_KEY_BYTES])
{
	key[0] = (char)network->family;
	key[1] = (char)bits;
	memcpy(key + 2, network->bytes, 16);
}

/* Its index among so many. */
static inline uint32_t
slot_of(uint32_t hash, uint32_t slots)
{
	return (uint32_t)((uint64_t)hash * slots >> 32);
}

/* Two of 32, by the bits that say least about the slot. */
static inline uint32_t
marks_of(uint32_t hash)
{
	return (uint32_t)1 << (hash & 31) | (uint32_t)1 << (hash >> 5 & 31);
}

#endif
