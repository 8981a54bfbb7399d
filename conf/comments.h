/* comments.h - the comments of a YAML document, which its tree does not have
 *
 * The tree (conf/yaml.h) says where values stand; what begins with '#' between
 * them is a comment. */
#ifndef CONF_COMMENTS_H
#define CONF_COMMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "conf/yaml.h"

struct comment {
	uint32_t line, column; /* 1.., in characters */
	struct slice text;     /* from '#' on, without blanks at its end */
	bool alone;	       /* nothing but blanks before it on its line */
	bool below_blank;      /* and nothing at all on the line above */
};

struct comments {
	struct comment *at; /* in the document's order */
	size_t count, capacity;
	bool *blank_lines; /* by line, from 1 */
	size_t lines;
};

/* `text` is what `d` was made of, without a byte order mark; comments_done()
 * it afterwards. Texts are borrowed from it. */
void comments_find(struct comments *c, const struct yaml_document *d,
    struct slice text);
void comments_done(struct comments *c);
/* Is the line above this one blank? */
bool comments_blank_above(const struct comments *c, uint32_t line);

#endif
