/* compile_internal.h - shared by the files of the compiler (rules/compile*.c) */
#ifndef RULES_COMPILE_INTERNAL_H
#define RULES_COMPILE_INTERNAL_H

#include "rules/image_format.h"
#include "rules/policy.h"

#define TREE_TROUBLE                                                           \
	"its patterns with wildcards do not fit into a tree (4096 different "  \
	"classes such as [a-z] at one place, 4 GB in all)"

/* What will stand in the table: a pattern and what it leads to. */
struct pattern {
	const struct resource *resource; /* the policy's */
	uint32_t index, terms;
	uint32_t next;	/* of its run while it is gathered, or NO_INDEX */
	uint32_t place; /* of its entry */
	uint32_t hash;	/* of its key and scope */
	uint32_t root;	/* of a chain's first: the chain's tree, or NO_INDEX */
	uint8_t kind;	/* enum entry_kind */
	uint8_t key_len;
	bool follows; /* another one in its run */
	bool in_tree; /* and in no run */
};

struct section_data {
	uint8_t *at;
	size_t count, capacity; /* elements */
};

struct build {
	const struct policy *policy;
	struct image_header header;
	struct section_data sections[SECTION_COUNT];
	struct pattern *patterns;
	size_t pattern_count, pattern_capacity;
	const char **scopes; /* the policy's sandboxes, sorted */
	size_t default_at;   /* "default" among them; else their number */
	struct terms_table *terms;
	struct groups *groups;
	struct secret_host *secret_hosts; /* compile_secrets.c's own */
	struct glob_forest_build *forest;
	uint32_t *trees; /* entries whose index is a root */
	size_t tree_count, tree_capacity;
	const char *trouble; /* a limit that was met: what and how many */
};

/* Room for `count` elements more; zeroed. The pointer is good until the next
 * call for this section. */
void *section_add(struct build *b, enum image_section s, size_t count);
static inline uint32_t
section_count(const struct build *b, enum image_section s)
{
	return (uint32_t)b->sections[s].count;
}
/* The place of a text in SECTION_NAMES or SECTION_WORDS. */
uint32_t section_text(struct build *b, enum image_section s, const char *text);

/* SCOPE_ALL for NULL. */
uint32_t compile_scope(const struct build *b, const char *sandbox);
/* The index of these terms, which are put where none are equal. */
uint32_t compile_terms(struct build *b, const struct image_terms *t);
void compile_terms_done(struct build *b);
/* What a rule and its resource say. */
struct image_terms compile_terms_of(struct build *b,
    const struct policy_rule *rule);
struct image_terms compile_terms_for(const struct resource *r, uint32_t scope);

/* A pattern for the table; its index. */
uint32_t compile_pattern(struct build *b, const struct resource *r,
    enum entry_kind kind, uint32_t index, uint32_t terms);
/* An entry outside the table; its place. */
uint32_t compile_entry(struct build *b, const struct resource *r,
    enum entry_kind kind, uint32_t index, uint32_t terms);
struct image_entry *compile_entry_in(struct build *b, uint32_t place);
/* A link to an entry or HTTP rule, in front of what *first leads to. */
void compile_link(struct build *b, uint32_t *first, uint32_t to, bool is_http);
/* All patterns into runs, slots and trees; each pattern's place is set. */
void compile_table(struct build *b);
/* The trees of the chains that want one, which stand before all runs. A root is
 * kept with the first pattern of its chain. */
void compile_trees(struct build *b);
/* The trees' bytes, and where each begins. */
void compile_forest(struct build *b);

/* An HTTP rule: its index in SECTION_HTTP. *pattern: the one of its group, or
 * NO_INDEX when it is disabled. */
uint32_t compile_http(struct build *b, uint32_t rule, uint32_t terms,
    uint32_t *pattern);
void compile_http_done(struct build *b);

/* The secrets; where their hosts stand is known after compile_table(). */
void compile_secrets(struct build *b);
void compile_secret_hosts(struct build *b);
void compile_secrets_done(struct build *b);

#endif
