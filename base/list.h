/* list.h - a doubly linked list whose links are in the members */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/check.h"

struct list {
	struct list *next, *prev;
};

static inline void
list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool
list_is_empty(const struct list *l)
{
	return l->next == l;
}

/* Adds at the end. `link` must be in no list. */
static inline void
list_add(struct list *l, struct list *link)
{
	link->prev = l->prev;
	link->next = l;
	l->prev->next = link;
	l->prev = link;
}

static inline void
list_add_first(struct list *l, struct list *link)
{
	list_add(l->next, link);
}

/* The link is in no list afterwards, and may be removed again. */
static inline void
list_remove(struct list *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	list_init(link);
}

#define list_entry(link, type, member) CONTAINER_OF(link, type, member)
#define list_each(link, l)                                                     \
	for (struct list *link = (l)->next; link != (l); link = link->next)
/* The loop's body may remove `link`. */
#define list_each_safe(link, l)                                                \
	for (struct list *link = (l)->next, *link##_next = link->next;         \
	     link != (l); link = link##_next, link##_next = link->next)

#endif
