/* fmt_print.c - a policy's tree with its comments becomes text
 *
 * Entries are tidied first: keys get their order, and a comment that will have
 * no room where it stood goes above its entry, before it is decided what fits on
 * a line. So the text that is printed would be printed again from itself.
 */
#include "conf/fmt_tree.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"
#include "conf/yaml_edit.h"
#include "rules/resource.h"

#define LINE_MAX_BYTES 80
#define INDENT 2
#define LETTERS_MAX 65536

struct printer {
	struct text out;
	const struct comments *comments;
	const char *newline;
	struct text letters; /* U-labels of this line, for its comment */
	size_t added;	     /* comments of letters alone */
	bool is_first;	     /* nothing printed yet in this list or map */
};

/* The order of entries, and comments that have no place where they stood. */

/* Stable; entries with keys are few. */
static void
sort_children(struct fmt_entry *e)
{
	if (!e->layout->keys)
		return;
	for (size_t i = 1; i < e->count; i++) {
		struct fmt_entry moved = e->children[i];
		size_t to = i;

		for (; to > 0 && e->children[to - 1].rank > moved.rank; to--)
			e->children[to] = e->children[to - 1];
		e->children[to] = moved;
	}
}

/* The comment of an entry's last line goes above its first. */
static void
lift_trailing(struct fmt_entry *e)
{
	if (!e->has_trailing)
		return;
	e->has_trailing = false;
	e->above = (struct comment_run){e->trailing, e->trailing + 1};
}

/* A rule with a host alone is the host. */
static void
make_short(struct fmt_entry *e)
{
	struct fmt_entry *only = e->children;

	if (!e->layout->short_key || e->count != 1 ||
	    e->tail.from < e->tail.to ||
	    !slice_is(only->key->text, e->layout->short_key))
		return;
	if (only->has_trailing) {
		lift_trailing(e);
		e->has_trailing = true;
		e->trailing = only->trailing;
	}
	e->value = only->value;
	e->count = 0;
}

/* The first member of an item stands behind the dash: what is above it is
 * above the item. */
static void
lift_first(struct fmt_entry *e)
{
	struct fmt_entry *first = e->children;

	if (e->key || e->count == 0)
		return;
	e->inside = first->leading;
	first->leading.to = first->leading.from;
	first->below_blank = false;
}

/* "[]" has no room for a comment, and must not become nothing. */
static void
lift_tail(struct fmt_entry *e)
{
	if (e->value->kind == YAML_SCALAR || e->count > 0 ||
	    e->layout->kind != LAYOUT_FIT)
		return;
	e->leading.to = e->tail.to;
	e->tail.to = e->tail.from;
}

static void
tidy(struct fmt_entry *e)
{
	sort_children(e);
	for (size_t i = 0; i < e->count; i++)
		tidy(&e->children[i]);
	lift_first(e);
	lift_tail(e);
	make_short(e);
}

/* Scalars. */

/* Words and spaces that every reader takes for this text; in flow style a
 * comma or bracket would end it. */
static bool
is_plain_text(struct slice s, bool in_flow)
{
	static const char marks[] = " ._/-()'+@=&;!";
	char last = s.len ? s.at[s.len - 1] : ' ';
	char first = s.len ? ascii_lower(s.at[0]) : ' ';
	struct text word;
	bool is_word;

	if (first < 'a' || first > 'z' || last == ' ')
		return false;
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.at[i];
		bool fine = (c >= '0' && c <= '9') ||
		    (ascii_lower((char)c) >= 'a' &&
			ascii_lower((char)c) <= 'z') ||
		    c >= 0x80 || (c && strchr(marks, c)) ||
		    (c == ',' && !in_flow);

		if (!fine)
			return false;
	}
	/* "true", "no" and their likes are quoted as elsewhere. */
	text_init(&word, LETTERS_MAX);
	yaml_edit_quote(&word, s);
	is_word = word.at[0] == '"' && s.len <= 5 && !memchr(s.at, ' ', s.len);
	text_done(&word);
	return !is_word;
}

static void
print_text(struct text *t, struct slice s, bool in_flow)
{
	if (is_plain_text(s, in_flow))
		text_add_slice(t, s);
	else
		yaml_edit_quote(t, s);
}

static void
print_method(struct text *t, struct slice s)
{
	struct text upper;

	text_init(&upper, LETTERS_MAX);
	for (size_t i = 0; i < s.len; i++) {
		char c = s.at[i];

		text_add_char(&upper,
		    c >= 'a' && c <= 'z' ? (char)(c - ('a' - 'A')) : c);
	}
	yaml_edit_quote(t, text_slice(&upper));
	text_done(&upper);
}

static void
print_resource(struct printer *p, struct text *t, struct slice s)
{
	char room[RESOURCE_ROOM], text[RESOURCE_TEXT];
	char letters[RESOURCE_UNICODE];
	struct resource r;

	CHECK(resource_parse(s, room, &r, NULL));
	resource_format(&r, text);
	yaml_edit_quote(t, slice_of(text));
	if (slice_is_ascii(s) || !resource_format_unicode(&r, letters))
		return;
	text_add_format(&p->letters, "%s%s", p->letters.len ? ", " : "",
	    letters);
}

static void
print_scalar(struct printer *p, struct text *t, const struct fmt_entry *e,
    bool in_flow)
{
	const struct layout *l = e->layout->text ? e->layout->text : e->layout;
	struct slice s = e->value->text;

	switch (l->kind) {
	case LAYOUT_WORD:
		text_add_slice(t, s);
		return;
	case LAYOUT_URL:
		json_quote(t, s);
		return;
	case LAYOUT_METHOD:
		print_method(t, s);
		return;
	case LAYOUT_RESOURCE:
		print_resource(p, t, s);
		return;
	case LAYOUT_TEXT:
	case LAYOUT_BLOCK:
	case LAYOUT_FIT:
		print_text(t, s, in_flow);
		return;
	}
}

static void
print_key(struct text *t, const struct fmt_entry *e, bool in_flow)
{
	print_text(t, e->key->text, in_flow);
	text_add_char(t, ':');
}

/* Flow style: "{ host: a.com, except: [b.a.com] }". */

static void
print_flow(struct printer *p, struct text *t, struct fmt_entry *e)
{
	bool is_map = e->value->kind == YAML_MAP;

	if (e->value->kind == YAML_SCALAR) {
		print_scalar(p, t, e, true);
		return;
	}
	if (e->count == 0) {
		text_add(t, is_map ? "{}" : "[]");
		return;
	}
	text_add(t, is_map ? "{ " : "[");
	for (size_t i = 0; i < e->count; i++) {
		struct fmt_entry *child = &e->children[i];

		text_add(t, i ? ", " : "");
		if (child->key) {
			print_key(t, child, true);
			text_add_char(t, ' ');
		}
		print_flow(p, t, child);
	}
	text_add(t, is_map ? " }" : "]");
}

/* What stands behind a key or a dash that ends at `column`; false when it wants
 * lines of its own. */
static bool
print_on_line(struct printer *p, struct fmt_entry *e, size_t column,
    struct text *t)
{
	size_t letters = p->letters.len;

	if (e->value->kind == YAML_SCALAR) {
		print_scalar(p, t, e, false);
		return true;
	}
	if (e->count > 0 &&
	    (e->layout->kind == LAYOUT_BLOCK || fmt_has_comments(e)))
		return false;
	print_flow(p, t, e);
	if (e->count == 0 || column + t->len <= LINE_MAX_BYTES)
		return true;
	p->letters.len = letters;
	p->letters.at[letters] = '\0';
	return false;
}

/* Lines and comments. */

static void
print_indent(struct printer *p, size_t columns)
{
	while (columns--)
		text_add_char(&p->out, ' ');
}

static void
print_blank(struct printer *p, bool wanted)
{
	if (wanted && !p->is_first)
		text_add(&p->out, p->newline);
	p->is_first = false;
}

static void
print_comments(struct printer *p, struct comment_run run, size_t indent)
{
	for (size_t i = run.from; i < run.to; i++) {
		const struct comment *c = &p->comments->at[i];

		print_blank(p, c->below_blank);
		print_indent(p, indent);
		text_add_slice(&p->out, c->text);
		text_add(&p->out, p->newline);
	}
}

/* What is a line's comment without its mark: "# was there" */
static struct slice
words_of(struct slice comment)
{
	while (comment.len && (comment.at[0] == '#' || comment.at[0] == ' '))
		comment = slice_from(comment, 1);
	return comment;
}

static void
end_line(struct printer *p, const struct fmt_entry *e)
{
	const struct comment *c = e->has_trailing
	    ? &p->comments->at[e->trailing]
	    : NULL;

	if (p->letters.len) {
		text_add_format(&p->out, " # %s", p->letters.at);
		p->added += !c;
		if (c)
			text_add_format(&p->out, "; %.*s",
			    SLICE_ARG(words_of(c->text)));
		text_clear(&p->letters);
	} else if (c) {
		text_add_format(&p->out, " %.*s", SLICE_ARG(c->text));
	}
	text_add(&p->out, p->newline);
}

/* Block style. */

static void print_entry(struct printer *p, struct fmt_entry *e, size_t indent);

static void
print_tail(struct printer *p, const struct fmt_entry *e, size_t indent)
{
	p->is_first = e->count == 0;
	print_comments(p, e->tail, indent);
	p->is_first = false;
}

static void
print_children(struct printer *p, struct fmt_entry *e, size_t indent)
{
	p->is_first = true;
	for (size_t i = 0; i < e->count; i++) {
		print_entry(p, &e->children[i], indent);
		p->is_first = false;
	}
	print_tail(p, e, indent);
}

/* Behind "key:". */
static void
print_value(struct printer *p, struct fmt_entry *e, size_t indent)
{
	bool is_empty = e->value->kind == YAML_SCALAR
	    ? yaml_is_null(e->value)
	    : e->count == 0 && e->tail.from < e->tail.to;
	struct text line;

	text_init(&line, YAML_FILE_MAX);
	if (!is_empty &&
	    print_on_line(p, e, indent + e->key->text.len + 2, &line)) {
		text_add_char(&p->out, ' ');
		text_add_slice(&p->out, text_slice(&line));
		end_line(p, e);
		print_tail(p, e, indent + INDENT);
	} else {
		end_line(p, e);
		print_children(p, e, indent + INDENT);
	}
	text_done(&line);
}

static void
print_member(struct printer *p, struct fmt_entry *e, size_t indent)
{
	print_key(&p->out, e, false);
	print_value(p, e, indent);
}

/* A map behind a dash: its first member stands on the dash's line, and the
 * comments above that member stand above the dash. */
static void
print_map_item(struct printer *p, struct fmt_entry *e, size_t indent)
{
	struct fmt_entry *first = &e->children[0];

	if (e->has_trailing)
		print_comments(p,
		    (struct comment_run){e->trailing, e->trailing + 1}, indent);
	print_blank(p, e->below_blank);
	print_indent(p, indent);
	text_add(&p->out, "- ");
	print_member(p, first, indent + INDENT);
	p->is_first = false;
	for (size_t i = 1; i < e->count; i++)
		print_entry(p, &e->children[i], indent + INDENT);
	print_tail(p, e, indent + INDENT);
}

static void
print_item(struct printer *p, struct fmt_entry *e, size_t indent)
{
	struct text line;

	text_init(&line, YAML_FILE_MAX);
	if (print_on_line(p, e, indent + INDENT, &line)) {
		print_blank(p, e->below_blank);
		print_indent(p, indent);
		text_add_format(&p->out, "- %s", line.at);
		end_line(p, e);
	} else {
		print_map_item(p, e, indent);
	}
	text_done(&line);
}

static void
print_entry(struct printer *p, struct fmt_entry *e, size_t indent)
{
	print_comments(p, e->leading, indent);
	print_comments(p, e->inside, indent);
	print_comments(p, e->above, indent);
	if (!e->key) {
		print_item(p, e, indent);
		return;
	}
	print_blank(p, e->below_blank);
	print_indent(p, indent);
	print_member(p, e, indent);
}

/* The file. */

/* Comments at the top that a blank line parts from the first entry are about
 * the file, and stay there. */
static void
print_head(struct printer *p, struct fmt_entry *root)
{
	struct fmt_entry *first = root->children;
	struct comment_run head = first->leading;

	if (!first->below_blank)
		while (head.to > head.from &&
		    !p->comments->at[head.to - 1].below_blank)
			head.to--;
	/* Its own blank line is above, not below it. */
	if (!first->below_blank && head.to > head.from)
		head.to--;
	if (head.from == head.to)
		return;
	print_comments(p, head, 0);
	text_add(&p->out, p->newline);
	p->is_first = true;
	first->leading.from = head.to;
	first->below_blank = first->below_blank &&
	    first->leading.from < first->leading.to;
}

static void
print_file(struct printer *p, struct fmt_entry *root)
{
	p->is_first = true;
	if (root->count > 0)
		print_head(p, root);
	sort_children(root);
	for (size_t i = 0; i < root->count; i++) {
		tidy(&root->children[i]);
		print_entry(p, &root->children[i], 0);
		p->is_first = false;
	}
	print_comments(p, root->leading, 0);
	if (root->value && root->count == 0) {
		text_add_format(&p->out, "{}%s", p->newline);
		p->is_first = false;
	}
	print_comments(p, root->tail, 0);
}

char *
fmt_print(struct fmt_entry *root, const struct comments *comments,
    const char *newline, size_t *added)
{
	struct printer p = {.comments = comments, .newline = newline};

	text_init(&p.out, YAML_FILE_MAX);
	text_init(&p.letters, LETTERS_MAX);
	print_file(&p, root);
	text_done(&p.letters);
	*added = p.added;
	return p.out.at;
}
