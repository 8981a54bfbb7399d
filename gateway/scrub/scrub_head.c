/* scrub_head.c - heads and trailers, each text of them as a whole
 *
 * Nothing of a head has gone out yet, so what is found is masked from its
 * first byte. Texts without a hit are not copied. */
#include "gateway/scrub/scrub.h"

#include "gateway/scrub/mask.h"
#include "gateway/scrub/needles_internal.h"

struct text_scrub {
	struct needles *needles;
	struct search *search; /* NULL until a text is long enough */
	struct arena *arena;   /* NULL: look only */
	struct scrub_found *found;
	struct slice *text; /* being searched */
	char *copy;	    /* of it, once something was found */
	bool is_full;
};

static void
on_hit(void *owner, const struct search_hit *hit)
{
	struct text_scrub *t = owner;

	if (t->found->count++ == 0) {
		t->found->id = hit->id;
		t->found->form = hit->form;
	}
	if (t->arena == NULL || t->is_full)
		return;
	if (t->copy == NULL) {
		t->copy = arena_alloc(t->arena, t->text->len);
		t->is_full = t->copy == NULL;
		if (t->is_full)
			return;
		memcpy(t->copy, t->text->at, t->text->len);
	}
	mask_write(hit, 0, t->copy + hit->start, hit->end - hit->start);
}

/* False: the arena is full. */
static bool
scrub_text(struct text_scrub *t, struct slice *text)
{
	if (text->len < t->needles->shortest)
		return true;
	t->text = text;
	t->copy = NULL;
	if (t->search == NULL)
		t->search = search_new(t->needles);
	search_reset(t->search);
	search_feed(t->search, *text, on_hit, t);
	if (t->copy != NULL)
		text->at = t->copy;
	return !t->is_full;
}

static bool
scrub_each_field(struct text_scrub *t, struct fields *f)
{
	for (size_t i = 0; i < f->count; i++)
		if (!scrub_text(t, &f->at[i].name) ||
		    !scrub_text(t, &f->at[i].value))
			return false;
	return true;
}

bool
scrub_fields(struct needles *n, struct arena *a, struct fields *f,
    struct scrub_found *found)
{
	struct text_scrub t = {.needles = n, .arena = a, .found = found};
	bool fits = scrub_each_field(&t, f);

	search_free(t.search);
	return fits;
}

bool
scrub_head(struct needles *n, struct arena *a, struct head *h,
    struct scrub_found *found)
{
	struct text_scrub t = {.needles = n, .arena = a, .found = found};
	bool fits = scrub_each_field(&t, &h->fields) &&
	    scrub_text(&t, h->is_request ? &h->target : &h->phrase);

	search_free(t.search);
	return fits;
}

/* --- looking only --- */

static void
look(struct text_scrub *t, struct slice text)
{
	(void)scrub_text(t, &text);
}

static void
look_at_fields(struct text_scrub *t, const struct fields *f)
{
	for (size_t i = 0; i < f->count; i++) {
		look(t, f->at[i].name);
		look(t, f->at[i].value);
	}
}

bool
scrub_look_text(struct needles *n, struct slice text, struct scrub_found *found)
{
	struct text_scrub t = {.needles = n, .found = found};
	size_t before = found->count;

	look(&t, text);
	search_free(t.search);
	return found->count > before;
}

bool
scrub_look_fields(struct needles *n, const struct fields *f,
    struct scrub_found *found)
{
	struct text_scrub t = {.needles = n, .found = found};
	size_t before = found->count;

	look_at_fields(&t, f);
	search_free(t.search);
	return found->count > before;
}

bool
scrub_look_head(struct needles *n, const struct head *h,
    struct scrub_found *found)
{
	struct text_scrub t = {.needles = n, .found = found};
	size_t before = found->count;

	look_at_fields(&t, &h->fields);
	look(&t, h->is_request ? h->method : h->phrase);
	look(&t, h->target);
	search_free(t.search);
	return found->count > before;
}
