/* fmt_tree.h - a policy's tree with its comments, as `policy fmt` prints it
 *
 * Included by conf/fmt_tree.c, fmt_print.c and policy_fmt.c only. */
#ifndef CONF_FMT_TREE_H
#define CONF_FMT_TREE_H

#include "base/arena.h"
#include "conf/comments.h"
#include "conf/policy_layout.h"
#include "conf/yaml.h"

/* Comments from..to of the document. */
struct comment_run {
	size_t from, to;
};

/* An entry of a map or a list. */
struct fmt_entry {
	const struct yaml_node *key; /* NULL in a list */
	const struct yaml_node *value;
	const struct layout *layout;
	int rank;
	bool below_blank;
	bool has_trailing;
	size_t trailing;	    /* the comment on its own line */
	struct comment_run leading; /* on the lines above */
	struct comment_run inside;  /* and of its first member, */
	struct comment_run above;   /* and one that had no room on its line */
	struct comment_run tail;    /* inside it, behind its last entry */
	struct fmt_entry *children;
	size_t count;
};

/* The root's children hang below an entry without a key. */
struct fmt_entry *fmt_tree(struct arena *a, const struct yaml_document *d,
    const struct comments *comments);
/* Is there a comment that belongs to one of its children? */
bool fmt_has_comments(const struct fmt_entry *e);

/* The text, to free(); *added counts comments that were not there before. The
 * tree is used up. */
char *fmt_print(struct fmt_entry *root, const struct comments *comments,
    const char *newline, size_t *added);

#endif
