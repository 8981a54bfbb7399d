/* comments.c - the comments of a YAML document, which its tree does not have
 *
 * One walk over the text, from value to value in the order of the tree: inside
 * a value '#' is part of it, between two values it begins a comment. The line
 * on which a block scalar (| or >) begins may hold one too.
 */
#include "conf/comments.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

struct finder {
	struct comments *found;
	struct slice text;
	size_t at;
	uint32_t line, column; /* of the byte at `at` */
	bool is_fresh;	       /* only blanks on this line so far */
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool
is_before(const struct finder *f, uint32_t line, uint32_t column)
{
	return f->at < f->text.len &&
	    (f->line < line || (f->line == line && f->column < column));
}

static void
step(struct finder *f)
{
	char c = f->text.at[f->at++];

	if (c == '\n') {
		f->line++;
		f->column = 1;
		f->is_fresh = true;
		return;
	}
	/* All bytes of a character have the column of its first. */
	if (f->at == f->text.len || (f->text.at[f->at] & '\xc0') != '\x80')
		f->column++;
	if (!is_blank(c))
		f->is_fresh = false;
}

static void
take_comment(struct finder *f)
{
	struct slice rest = slice_from(f->text, f->at);
	struct comments *c = f->found;
	size_t len = slice_find(rest, '\n');
	struct comment *new;

	c->at = memory_room(c->at, c->count, &c->capacity, sizeof(*c->at));
	new = &c->at[c->count++];
	*new = (struct comment){
	    .line = f->line,
	    .column = f->column,
	    .alone = f->is_fresh,
	    .below_blank = f->is_fresh && comments_blank_above(c, f->line),
	};
	f->at += len;
	while (len > 0 && is_blank(rest.at[len - 1]))
		len--;
	new->text = slice_first(rest, len);
}

/* Over what stands between two values. */
static void
cross_gap(struct finder *f, uint32_t line, uint32_t column)
{
	while (is_before(f, line, column))
		if (f->text.at[f->at] == '#')
			take_comment(f);
		else
			step(f);
}

/* The line of a block scalar's mark is like a gap. */
static void
cross_scalar(struct finder *f, const struct yaml_node *n)
{
	char first = f->at < f->text.len ? f->text.at[f->at] : '\0';

	if (!n->plain && (first == '|' || first == '>')) {
		cross_gap(f, f->line + 1, 1);
		if (f->line > n->line)
			f->is_fresh = true;
	}
	while (is_before(f, n->end_line, n->end_column))
		step(f);
}

static void
cross(struct finder *f, const struct yaml_node *n)
{
	if (n->kind == YAML_SCALAR) {
		cross_gap(f, n->line, n->column);
		cross_scalar(f, n);
		return;
	}
	for (size_t i = 0; i < n->count; i++) {
		if (n->kind == YAML_MAP)
			cross(f, n->keys[i]);
		cross(f, n->items[i]);
	}
}

static void
find_blank_lines(struct comments *c, struct slice text)
{
	size_t line = 1;

	c->lines = 2;
	for (size_t i = 0; i < text.len; i++)
		c->lines += text.at[i] == '\n';
	c->blank_lines = memory_array(c->lines, sizeof(*c->blank_lines));
	c->blank_lines[line] = true;
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] == '\n')
			c->blank_lines[++line] = true;
		else if (!is_blank(text.at[i]))
			c->blank_lines[line] = false;
}

void
comments_find(struct comments *c, const struct yaml_document *d,
    struct slice text)
{
	struct finder f = {
	    .found = c,
	    .text = text,
	    .line = 1,
	    .column = 1,
	    .is_fresh = true,
	};

	*c = (struct comments){.count = 0};
	find_blank_lines(c, text);
	if (d->root)
		cross(&f, d->root);
	cross_gap(&f, UINT32_MAX, 1);
}

void
comments_done(struct comments *c)
{
	free(c->at);
	free(c->blank_lines);
	*c = (struct comments){.count = 0};
}

bool
comments_blank_above(const struct comments *c, uint32_t line)
{
	return line > 1 && line <= c->lines && c->blank_lines[line - 1];
}
