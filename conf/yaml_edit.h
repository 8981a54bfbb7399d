/* yaml_edit.h - change the text of a YAML file and nothing else in it
 *
 * A tree that is written out again loses comments, order, quotes and blank
 * lines; people's files are under version control, and a diff must show what
 * was meant and no more. So the tree (conf/yaml.h) only says where to cut.
 * Both styles are kept: a list in brackets grows inside its brackets.
 *
 * These functions trust that the tree is of this very text. They know YAML's
 * usual shapes, not all of them: who calls them reads the result again and
 * compares it with what he wanted. */
#ifndef CONF_YAML_EDIT_H
#define CONF_YAML_EDIT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "conf/yaml.h"

/* Append an item, written in flow style on one line, to the list that `path`
 * leads to from the root; maps and list are made where they are missing. */
void yaml_edit_append(const struct yaml_document *d, struct slice before,
    const char *const *path, size_t depth, const char *item,
    struct text *after);
/* The same for an entry, "key: value" with the value in flow style on one line,
 * of the map that `path` leads to, which has no such key. */
void yaml_edit_append_entry(const struct yaml_document *d, struct slice before,
    const char *const *path, size_t depth, const char *entry,
    struct text *after);
/* Remove one item of a list. */
void yaml_edit_remove(struct slice before, const struct yaml_node *list,
    size_t index, struct text *after);
/* Remove one entry of a map. */
void yaml_edit_remove_entry(struct slice before, const struct yaml_node *map,
    size_t index, struct text *after);
/* Put another text in the place of a scalar, a flow list or a flow map. */
void yaml_edit_replace(struct slice before, const struct yaml_node *n,
    const char *with, struct text *after);
/* Put "key: value" into a map behind the entry `index`. */
void yaml_edit_insert(struct slice before, const struct yaml_node *map,
    size_t index, const char *entry, struct text *after);
/* As a scalar: plain where every reader takes it for this text, else in double
 * quotes. */
void yaml_edit_quote(struct text *t, struct slice value);

#endif
