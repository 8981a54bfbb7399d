/* exchange_ways.c - a key that may go into either of two headers
 *
 * Some services take their key in one header from one client and in another
 * from the next (ALSO of conf/services.def): two bindings of one name hold for
 * the request. To send it in both is no answer, since a service may refuse that
 * or look at the wrong one. So it goes where the client has written its
 * placeholder, and into the first where it has written it nowhere; the other
 * header is taken out, whatever the client wrote there.
 */
#include "gateway/exchange_secrets.h"

#include <string.h>

#include "gateway/placeholder.h"
#include "rules/image.h"

static bool
has_placeholder(const struct exchange *x, const struct secret_binding *b)
{
	const struct fields *f = &x->forwarded.head->fields;
	char made[PLACEHOLDER_MAX];

	placeholder_make(x->service->o.placeholder_seed, x->tuple.sandbox->name,
	    b, made);
	for (size_t i = 0; i < f->count; i++)
		if (slice_is_nocase(f->at[i].name, b->header) &&
		    memmem(f->at[i].value.at, f->at[i].value.len, made,
			strlen(made)) != NULL)
			return true;
	return false;
}

static bool
is_way_of(const struct secret_binding *a, const struct secret_binding *b)
{
	return a->way == SECRET_HEADER && b->way == SECRET_HEADER &&
	    strcmp(a->name, b->name) == 0;
}

bool
exchange_secrets_gives_way(const struct exchange *x, uint32_t n)
{
	const struct decision_made *d = &x->verdict;
	struct secret_binding b, other;

	image_secret_binding(x->service->image, d->secrets[n], &b);
	for (uint32_t i = 0; i < d->secret_count; i++) {
		if (i == n)
			continue;
		image_secret_binding(x->service->image, d->secrets[i], &other);
		if (!is_way_of(&b, &other) || has_placeholder(x, &b))
			continue;
		if (i < n || has_placeholder(x, &other))
			return true;
	}
	return false;
}
