/* secret_settle.c - what can only be seen of secrets when all files are read
 *
 * A request has room for one value in one header: where two secrets could both
 * be put there nobody can say which one a reader of the policy expects, so it
 * is an error that names both places (threat 74). Two things are no conflict: a
 * typed binding gives way to a reviewed file's of its name, and of services
 * that know one host the table says whose it is.
 *
 * Hosts are sorted, so that only what stands under one name is compared;
 * patterns with wildcards are compared with all.
 */
#include "conf/policy_reader.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "conf/services.h"
#include "rules/contain.h"

/* Each is compared with every host of every secret. */
#define WIDE_MAX 1000
#define HOSTS_MAX 100000 /* of all secrets together */

struct bound_host {
	uint32_t secret;
	uint32_t host; /* of the secret */
	const struct resource *r;
	bool is_lost; /* it is another service's */
};

struct settling {
	struct policy *p;
	struct bound_host *hosts; /* exact ones, sorted; then wide ones */
	size_t count, wide_at;
};

#define PLACE "%s:%u:%u"
#define PLACE_OF(s) (s)->binding.file, (s)->line, (s)->column

static const struct policy_secret *
secret_of(const struct settling *all, const struct bound_host *h)
{
	return &all->p->secrets[h->secret];
}

/* Names. */

static bool
is_one_entry(const struct policy_secret *a, const struct policy_secret *b)
{
	return a->origin == b->origin && a->line == b->line &&
	    a->column == b->column;
}

static bool
is_typed(const struct policy_secret *s)
{
	return strcmp(s->binding.source_kind, "local") == 0;
}

/* By name and sandbox, then in the order of the files. */
static int
by_name(const void *a, const void *b)
{
	const struct policy_secret *x = *(struct policy_secret *const *)a;
	const struct policy_secret *y = *(struct policy_secret *const *)b;
	int order = strcmp(x->binding.name, y->binding.name);

	if (order == 0)
		order = strcmp(x->binding.sandbox, y->binding.sandbox);
	if (order != 0)
		return order;
	return x < y ? -1 : x > y;
}

static bool
settle_names(struct policy *p, struct err *err)
{
	struct policy_secret **all = memory_array(p->secret_count,
	    sizeof(struct policy_secret *));
	struct policy_secret *first = NULL;
	bool fine = true;

	for (size_t i = 0; i < p->secret_count; i++)
		all[i] = &p->secrets[i];
	qsort(all, p->secret_count, sizeof(struct policy_secret *), by_name);
	for (size_t i = 0; i < p->secret_count && fine; i++) {
		struct policy_secret *s = all[i];

		if (!first ||
		    strcmp(first->binding.name, s->binding.name) != 0 ||
		    first->sandbox != s->sandbox)
			first = s;
		else if (is_one_entry(first, s))
			continue;
		else if (is_typed(s) && !is_typed(first))
			s->binding.disabled = true;
		else
			fine = err_set(err, ERR_CONF,
			    PLACE ": the secret %s stands already at " PLACE,
			    PLACE_OF(s), s->binding.name, PLACE_OF(first));
	}
	free(all);
	return fine;
}

/* Scopes. */

static bool
replaces(const struct policy_secret *s, const char *sandbox, const char *name)
{
	return s->sandbox == sandbox && strcmp(s->binding.name, name) == 0 &&
	    (!s->binding.disabled || s->binding.withheld);
}

static bool
is_replaced(const struct policy *p, const struct policy_secret *for_all,
    const struct policy_secret *own)
{
	if (replaces(own, own->sandbox, for_all->binding.name))
		return true;
	for (size_t i = 0; i < p->secret_count; i++)
		if (replaces(&p->secrets[i], own->sandbox,
			for_all->binding.name))
			return true;
	return false;
}

/* Do both hold for some sandbox? The policy keeps each sandbox's name once. */
static bool
scopes_meet(const struct policy *p, const struct policy_secret *a,
    const struct policy_secret *b)
{
	if (a->sandbox == b->sandbox)
		return true;
	if (!a->sandbox)
		return !is_replaced(p, a, b);
	return !b->sandbox && !is_replaced(p, b, a);
}

/* Hosts. */

static bool
is_wide(const struct resource *r)
{
	return r->kind == RESOURCE_NAME &&
	    (r->depth != DEPTH_EXACT || r->has_globs);
}

static int
compare_hosts(const struct resource *a, const struct resource *b)
{
	int order = (int)is_wide(a) - (int)is_wide(b);

	if (order == 0)
		order = (int)a->kind - (int)b->kind;
	if (order == 0)
		order = strcmp(a->host, b->host);
	if (order == 0 && a->kind == RESOURCE_NETWORK)
		order = (int)a->network.family - (int)b->network.family;
	if (order == 0 && a->kind == RESOURCE_NETWORK)
		order = memcmp(a->network.bytes, b->network.bytes,
		    sizeof(a->network.bytes));
	return order;
}

static int
by_host(const void *a, const void *b)
{
	const struct bound_host *x = a, *y = b;
	int order = compare_hosts(x->r, y->r);

	if (order != 0)
		return order;
	return x->secret < y->secret ? -1 : x->secret > y->secret;
}

/* What the table says of a host; -1 where it says nothing. */
static int
rank_of(const struct policy_secret *s, const struct resource *r)
{
	const struct service *service =
	    service_find(slice_of(s->binding.service));
	const struct service_way *w;
	struct slice rest, host;
	size_t at = 0;

	if (!service)
		return -1;
	while ((w = service_next_way(service, &at)) != NULL) {
		rest = slice_of(w->hosts);
		while (service_next_host(&rest, &host))
			if (slice_is(host, r->host))
				return w->rank;
	}
	return -1;
}

/* One of them gives way, in all sandboxes that it is for. */
static bool
gives_way(const struct settling *all, struct bound_host *a,
    struct bound_host *b)
{
	int a_rank = rank_of(secret_of(all, a), a->r);
	int b_rank = rank_of(secret_of(all, b), b->r);
	struct bound_host *loser = a_rank < b_rank ? a : b;
	const struct bound_host *winner = a_rank < b_rank ? b : a;

	if (a_rank < 0 || b_rank < 0 || a_rank == b_rank ||
	    (!secret_of(all, loser)->sandbox &&
		secret_of(all, winner)->sandbox))
		return false;
	loser->is_lost = true;
	return true;
}

/* What two secrets both want of a request. */
struct collision {
	const char *verb, *what; /* "set the header", its name */
};

static bool
tell_collision(const struct policy_secret *a, const struct policy_secret *b,
    const struct resource *r, const struct collision *c, struct err *err)
{
	char host[RESOURCE_TEXT];

	resource_format(r, host);
	return err_set(err, ERR_CONF,
	    PLACE ": the secrets %s and %s (" PLACE ") both %s %s at %s",
	    PLACE_OF(b), b->binding.name, a->binding.name, PLACE_OF(a), c->verb,
	    c->what, host);
}

/* Fixed placeholders, one of them in the other: whose value is meant? Random
 * ones differ. */
static bool
swaps_alike(const struct secret_binding *a, const struct secret_binding *b)
{
	struct placeholder_shape x, y;

	return a->swap && b->swap && strcmp(a->name, b->name) != 0 &&
	    placeholder_shape_parse(slice_of(a->placeholder), &x, NULL) &&
	    placeholder_shape_parse(slice_of(b->placeholder), &y, NULL) &&
	    x.count == 0 && y.count == 0 &&
	    (strstr(a->placeholder, b->placeholder) ||
		strstr(b->placeholder, a->placeholder));
}

static bool
collide(const struct secret_binding *a, const struct secret_binding *b,
    struct collision *c)
{
	if (secret_bindings_collide(a, b, &c->what)) {
		c->verb = b->way == SECRET_CLIENT_CERTIFICATE ? "are"
		    : b->way == SECRET_QUERY ? "set the parameter"
					     : "set the header";
		return true;
	}
	c->verb = "swap the placeholder";
	c->what = b->placeholder;
	return swaps_alike(a, b);
}

/* False: a conflict. */
static bool
compare_pair(const struct settling *all, struct bound_host *a,
    struct bound_host *b, struct err *err)
{
	const struct policy_secret *x = secret_of(all, a);
	const struct policy_secret *y = secret_of(all, b);
	struct collision c;

	if (a->is_lost || b->is_lost || a->secret == b->secret ||
	    (x->sandbox && y->sandbox && x->sandbox != y->sandbox) ||
	    !ports_meet(a->r, b->r) || !patterns_may_meet(a->r, b->r) ||
	    !collide(&x->binding, &y->binding, &c) ||
	    !scopes_meet(all->p, x, y))
		return true;
	if (gives_way(all, a, b))
		return true;
	/* The narrower pattern, as it is read more easily. */
	return a->secret < b->secret
	    ? tell_collision(x, y, is_wide(b->r) ? a->r : b->r, &c, err)
	    : tell_collision(y, x, is_wide(a->r) ? b->r : a->r, &c, err);
}

static bool
compare_exact(const struct settling *all, struct err *err)
{
	for (size_t i = 0; i < all->wide_at; i++)
		for (size_t j = i + 1; j < all->wide_at &&
		     compare_hosts(all->hosts[i].r, all->hosts[j].r) == 0;
		     j++)
			if (!compare_pair(all, &all->hosts[i], &all->hosts[j],
				err))
				return false;
	return true;
}

static bool
compare_wide(const struct settling *all, struct err *err)
{
	for (size_t i = all->wide_at; i < all->count; i++)
		for (size_t j = 0; j < i; j++)
			if (!compare_pair(all, &all->hosts[j], &all->hosts[i],
				err))
				return false;
	return true;
}

static void
gather_hosts(struct settling *all)
{
	for (size_t i = 0; i < all->p->secret_count; i++) {
		const struct policy_secret *s = &all->p->secrets[i];

		if (s->binding.disabled)
			continue;
		for (size_t n = 0; n < s->host_count; n++)
			all->hosts[all->count++] = (struct bound_host){
			    (uint32_t)i, (uint32_t)n, &s->hosts[n], false};
	}
	qsort(all->hosts, all->count, sizeof(*all->hosts), by_host);
	while (all->wide_at < all->count &&
	    !is_wide(all->hosts[all->wide_at].r))
		all->wide_at++;
}

/* What is left of a secret that lost hosts. */
static void
keep_hosts(struct settling *all, uint32_t secret)
{
	const struct policy_secret *s = &all->p->secrets[secret];
	struct resource *kept = memory_array(s->host_count, sizeof(*kept));
	bool *is_lost = memory_array(s->host_count, sizeof(*is_lost));
	size_t count = 0;

	for (size_t i = 0; i < all->count; i++)
		if (all->hosts[i].secret == secret) {
			is_lost[all->hosts[i].host] = all->hosts[i].is_lost;
			all->hosts[i].is_lost = false;
		}
	for (size_t n = 0; n < s->host_count; n++)
		if (!is_lost[n])
			kept[count++] = s->hosts[n];
	policy_set_secret_hosts(all->p, secret, kept, count);
	free(kept);
	free(is_lost);
}

static void
drop_lost(struct settling *all)
{
	for (size_t i = 0; i < all->count; i++)
		if (all->hosts[i].is_lost)
			keep_hosts(all, all->hosts[i].secret);
}

static bool
settle_hosts(struct policy *p, size_t count, struct err *err)
{
	struct settling all = {.p = p};
	bool fine;

	all.hosts = memory_array(count + 1, sizeof(*all.hosts));
	gather_hosts(&all);
	fine = (all.count - all.wide_at <= WIDE_MAX ||
		   err_set(err, ERR_CONF,
		       "%s: the secrets of a policy have at most %d hosts with "
		       "wildcards, not %zu",
		       p->secrets[p->secret_count - 1].binding.file, WIDE_MAX,
		       all.count - all.wide_at)) &&
	    compare_exact(&all, err) && compare_wide(&all, err);
	if (fine)
		drop_lost(&all);
	free(all.hosts);
	return fine;
}

/* Variables. */

struct variable {
	struct slice name;
	uint32_t secret;
};

static int
by_variable(const void *a, const void *b)
{
	const struct variable *x = a, *y = b;
	size_t shared = x->name.len < y->name.len ? x->name.len : y->name.len;
	int order = memcmp(x->name.at, y->name.at, shared);

	if (order == 0 && x->name.len != y->name.len)
		return x->name.len < y->name.len ? -1 : 1;
	if (order != 0)
		return order;
	return x->secret < y->secret ? -1 : x->secret > y->secret;
}

static size_t
gather_variables(const struct policy *p, struct variable *all)
{
	size_t count = 0;

	for (size_t i = 0; i < p->secret_count; i++) {
		const struct policy_secret *s = &p->secrets[i];
		struct slice rest = slice_of(s->binding.env), name;

		/* The ways of one entry share its variables. */
		if (s->binding.disabled || (i > 0 && is_one_entry(s, s - 1)))
			continue;
		while (rest.len > 0) {
			slice_cut(rest, ',', &name, &rest);
			all[count++] = (struct variable){name, (uint32_t)i};
		}
	}
	return count;
}

static bool
variables_are_apart(const struct policy *p, const struct variable *a,
    const struct variable *b, struct err *err)
{
	const struct policy_secret *x = &p->secrets[a->secret];
	const struct policy_secret *y = &p->secrets[b->secret];

	if (strcmp(x->binding.name, y->binding.name) == 0 ||
	    !scopes_meet(p, x, y))
		return true;
	return err_set(err, ERR_CONF,
	    PLACE ": the secrets %s and %s (" PLACE
		  ") both set the variable %.*s",
	    PLACE_OF(y), y->binding.name, x->binding.name, PLACE_OF(x),
	    SLICE_ARG(b->name));
}

static bool
settle_variables(const struct policy *p, struct err *err)
{
	struct variable *all = memory_array(p->secret_count * SECRET_ENV_MAX,
	    sizeof(*all));
	size_t count = gather_variables(p, all);
	bool fine = true;

	qsort(all, count, sizeof(*all), by_variable);
	for (size_t i = 0; i < count && fine; i++)
		for (size_t j = i + 1;
		     j < count && fine && slice_equal(all[i].name, all[j].name);
		     j++)
			fine = variables_are_apart(p, &all[i], &all[j], err);
	free(all);
	return fine;
}

bool
policy_settle_secrets(struct policy *p, struct err *err)
{
	size_t hosts = 0;

	if (p->secret_count == 0)
		return true;
	for (size_t i = 0; i < p->secret_count; i++)
		hosts += p->secrets[i].host_count;
	if (hosts > HOSTS_MAX)
		return err_set(err, ERR_CONF,
		    "%s: the secrets of a policy have at most %d hosts, not "
		    "%zu",
		    p->secrets[p->secret_count - 1].binding.file, HOSTS_MAX,
		    hosts);
	return settle_names(p, err) && settle_hosts(p, hosts, err) &&
	    settle_variables(p, err);
}
