/* diff_internal.h - shared by the files of the comparison (rules/diff*.c)
 *
 * In this order: which rules differ, and which others can matter where those
 * match (diff_rules.c); into which classes their patterns divide all names and
 * addresses (diff_names.c, diff_networks.c); what both policies say about one
 * target of each class, for every sandbox, port and time that can matter
 * (diff_cells.c), and about requests (diff_requests.h); and all of that in few
 * words (diff_hosts.c, cover.h). */
#ifndef RULES_DIFF_INTERNAL_H
#define RULES_DIFF_INTERNAL_H

#include "base/arena.h"
#include "base/map.h"
#include "rules/cover.h"
#include "rules/diff.h"
#include "rules/resource.h"

enum { SIDE_OLD, SIDE_NEW };

struct diff_rule;

/* What rules match targets by, without ports; each once. */
struct diff_pattern {
	uint32_t id;
	bool differs; /* a rule with it does */
	struct resource what;
	const char *text;
	struct diff_rule *rules; /* a list; none where it is an exception */
};

struct diff_rule {
	struct diff_rule *next; /* of this pattern */
	uint32_t side, rule;	/* its number in that image */
	uint16_t port_from, port_to;
	bool differs, is_allow, is_http;
	uint32_t except_count;
	int64_t expires;
	const char *sandbox; /* NULL: all */
	const struct diff_except *excepts;
};

struct diff_except {
	const struct diff_pattern *pattern;
	uint16_t port_from, port_to;
};

/* One way in which verdicts differ. Equal ones are one object. */
struct diff_outcome {
	enum diff_change change;
	uint32_t rules[2];
	struct diff_manner manners[2];
	const struct diff_requests *requests;
};

/* An outcome with when and for whom. Equal ones are one object. */
struct diff_item {
	const struct diff_outcome *outcome;
	const struct diff_ports *ports;
	const struct diff_times *times;
	const char *const *sandboxes;
	uint32_t port_count, time_count, sandbox_count;
	bool other_sandboxes;
};

struct diff {
	const struct image *images[2];
	struct diff_options options;
	struct arena arena;
	struct map *interned; /* see diff_intern() */
	struct map *examples; /* struct diff_request, by diff_requests */
	struct map *pattern_by_text;
	struct diff_pattern **patterns;
	size_t pattern_count, pattern_capacity;
	struct diff_region *regions;
	size_t region_count, region_capacity;
	struct diff_secret *secrets; /* owned */
	size_t secret_count;
	/* diff_resolved.c: rules that allow names, per side. */
	struct diff_allowed *allowed[2];
	size_t allowed_count[2];
};

/* Zeroed; lives as long as the diff. */
void *diff_room(struct diff *d, size_t size);
char *diff_text(struct diff *d, const char *text);
/* The one copy of these bytes (of this kind). */
const void *diff_intern(struct diff *d, const void *bytes, size_t size);
struct diff_region *diff_add(struct diff *d);

/* diff_rules.c: fills `patterns`. */
void diff_read_rules(struct diff *d);

/* diff_cells.c: what can matter for one class of targets, and its verdicts. */
struct diff_class {
	const struct diff_pattern *const *patterns; /* that match */
	size_t pattern_count;
	struct target target;	       /* one of it; the port is set anew */
	const struct address *address; /* DIFF_RESOLVED: what it leads to */
};
/* Calls `each` for every way in which the class is judged differently. */
void diff_judge(struct diff *d, const struct diff_class *c,
    void (*each)(void *owner, const struct diff_item *item), void *owner);

/* diff_requests.c: one class, sandbox, time and port, governed by HTTP rules.
 * Calls `each` for every way in which requests are judged differently. */
struct diff_cell {
	const struct diff_class *class;
	const char *sandbox; /* NULL: one without rules of its own */
	int64_t time;
	struct facts facts[2];
};
bool diff_rule_is_for(const struct diff_rule *r, const struct diff_cell *cell);
void diff_judge_requests(struct diff *d, const struct diff_cell *cell,
    void (*each)(void *owner, const struct diff_outcome *o), void *owner);
const struct diff_outcome *diff_verdicts(struct diff *d,
    const struct decision_made made[2]);

/* diff_resolved.c: does a rule allow any name there? Else nothing leads to the
 * addresses that the item is about. */
bool diff_allows_names(struct diff *d, const struct diff_item *item);

/* diff_names.c: every class of names that the wanted patterns touch. */
struct diff_names_question {
	const struct diff_pattern *const *patterns; /* RESOURCE_NAME */
	size_t count;
	bool all; /* also what none of them matches; all are wanted */
};
/* `patterns` ascend by id. */
struct diff_name_class {
	const struct diff_pattern *const *patterns;
	size_t count;
	const struct target *target;
};
/* `cut` is called with a pattern like "**.com" for what was not gone through. */
void diff_name_classes(struct diff *d, const struct diff_names_question *q,
    void (*each)(void *owner, const struct diff_name_class *c),
    void (*cut)(void *owner, const char *pattern), void *owner);

/* diff_hosts.c: regions of names, and localhost. */
void diff_hosts(struct diff *d);
/* Calls `each` with "all of these, none of those" for some of the classes. */
struct diff_word {
	struct diff_texts in, but;
	size_t class; /* one that is inside */
};
struct diff_words;
struct diff_words *diff_words_new(struct diff *d, bool all,
    const struct signature *signatures, size_t count);
void diff_words_free(struct diff_words *w);
void diff_words_find(struct diff_words *w, uint32_t *on, size_t count,
    void (*each)(void *owner, const struct diff_word *word), void *owner);

/* diff_networks.c: regions of addresses; `resolved`: of what names lead to. */
void diff_networks(struct diff *d, bool resolved);
/* diff_resolved.c: by which names an address is looked at there, because
 * network rules except them. `each` is called for one name of each class and
 * what to call the class. */
void diff_judge_resolved(struct diff *d, const struct diff_class *c,
    void (*each)(void *owner, const struct diff_item *item,
	const struct diff_word *names),
    void *owner);

/* diff_secrets.c: fills `secrets`. */
void diff_secrets(struct diff *d);

/* diff.c: an item as a region. */
void diff_describe(struct diff *d, const struct diff_item *item,
    struct diff_region *r);

#endif
