/* token_endpoints.c - where the tokens of a policy's oauth2 secrets are given
 *
 * Sorted by "host:port", so that a look-up costs nothing where a policy has no
 * such secret and a few comparisons where it has. */
#include "gateway/token_endpoints.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "gateway/oauth2.h"
#include "rules/secret_binding.h"

struct place {
	char host[TARGET_TEXT];
	uint32_t secret;
};

struct token_endpoints {
	const struct image *image;
	struct place *at;
	size_t count, capacity;
};

static int
compare(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int order = strcmp(x->host, y->host);

	if (order != 0)
		return order;
	return x->secret < y->secret ? -1 : x->secret > y->secret;
}

/* What is no URL of an endpoint is told when a token is to be fetched. */
static void
add(struct token_endpoints *t, uint32_t secret)
{
	struct oauth2_endpoint endpoint;
	struct secret_binding b;
	const char *why;

	image_secret_binding(t->image, secret, &b);
	if (b.way != SECRET_OAUTH2 || b.disabled ||
	    !oauth2_endpoint_parse(b.token_url, &endpoint, &why))
		return;
	t->at = memory_room(t->at, t->count, &t->capacity, sizeof(*t->at));
	target_format(&endpoint.target, t->at[t->count].host);
	t->at[t->count++].secret = secret;
}

struct token_endpoints *
token_endpoints_new(const struct image *image)
{
	struct token_endpoints *t = memory_new(sizeof(*t));

	t->image = image;
	for (uint32_t n = 0; n < image_secret_count(image); n++)
		add(t, n);
	if (t->count == 0) {
		token_endpoints_free(t);
		return NULL;
	}
	qsort(t->at, t->count, sizeof(*t->at), compare);
	return t;
}

void
token_endpoints_free(struct token_endpoints *t)
{
	if (t == NULL)
		return;
	free(t->at);
	free(t);
}

/* The first that does not stand before `host`. */
static size_t
place_of(const struct token_endpoints *t, const char *host)
{
	size_t from = 0, to = t->count;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (strcmp(t->at[middle].host, host) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

bool
token_endpoints_next(const struct token_endpoints *t, uint32_t sandbox,
    const struct target *target, size_t *at, uint32_t *secret)
{
	char host[TARGET_TEXT];

	if (t == NULL)
		return false;
	target_format(target, host);
	if (*at == 0)
		*at = place_of(t, host) + 1;
	for (; *at <= t->count && strcmp(t->at[*at - 1].host, host) == 0;) {
		*secret = t->at[(*at)++ - 1].secret;
		if (image_secret_holds(t->image, *secret, sandbox))
			return true;
	}
	return false;
}

bool
token_endpoints_have(const struct token_endpoints *t, uint32_t sandbox,
    const struct target *target)
{
	uint32_t secret;
	size_t at = 0;

	return token_endpoints_next(t, sandbox, target, &at, &secret);
}
