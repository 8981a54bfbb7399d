/* secret_limits.c - may this request have this secret?
 *
 * Path globs are compiled when they are first asked for and kept by their text,
 * so that a reload of the policy needs no word: other globs are other texts.
 *
 * Calls: each moves the time that is paid for on by 1/rate, and it may be one
 * minute ahead of the clock, so a minute's calls may come at once. The slots are
 * a hash table without locks. A slot whose time lies behind the clock says the
 * same as none, so whoever finds no free one takes such a one over. */
#include "gateway/secret_limits.h"

#include <stdlib.h>
#include <xxhash.h>

#include "base/check.h"
#include "base/map.h"
#include "base/memory.h"
#include "rules/glob_tree.h"
#include "rules/path_pattern.h"
#include "rules/secret_binding.h"

#define MINUTE_US 60000000u
#define DAY_MINUTES 1440
/* Slots that a key may stand in, from its own on. */
#define PROBES 64
/* Texts of path globs kept; a policy has fewer, and what an older one had goes
 * with all the others when there is no room. */
#define PATH_SETS_MAX 1024

struct path_set {
	struct slice text; /* behind the structure */
	struct glob_forest_build *build;
	struct glob_forest forest;
	uint32_t root;
	struct glob_scratch scratch;
	bool is_broken; /* matches nothing */
};

struct secret_limits {
	struct secret_calls *calls;
	struct map *path_sets;
};

/* --- paths --- */

static bool
add_glob(struct path_set *set, uint32_t root, struct slice text)
{
	char canonical[PATH_PATTERN_MAX + 1];
	struct glob_pattern *pattern = memory_new(sizeof(*pattern));
	uint32_t *value = NULL;
	size_t len;

	if (path_pattern_canonical(text, canonical, &len, NULL) &&
	    glob_pattern_of_path((struct slice){canonical, len}, pattern))
		value = glob_tree_add(set->build, root, pattern);
	if (value != NULL)
		*value = 0;
	free(pattern);
	return value != NULL;
}

static void
compile(struct path_set *set)
{
	struct slice rest = set->text, one;
	uint32_t root;

	set->build = glob_forest_build_new();
	root = glob_tree_new_root(set->build, '/');
	while (rest.len > 0) {
		slice_cut(rest, ' ', &one, &rest);
		if (one.len > 0 && !add_glob(set, root, one))
			set->is_broken = true;
	}
	set->is_broken |= !glob_forest_finish(set->build, &set->forest);
	if (set->is_broken)
		return;
	set->root = glob_forest_root(set->build, root);
	glob_scratch_init(&set->scratch, set->forest.tree_nodes,
	    set->forest.levels);
}

static struct path_set *
path_set_new(const char *text)
{
	size_t len = strlen(text);
	struct path_set *set = memory_new(sizeof(*set) + len + 1);
	char *copy = (char *)(set + 1);

	memcpy(copy, text, len + 1);
	set->text = (struct slice){copy, len};
	compile(set);
	return set;
}

static void
path_set_free(struct path_set *set)
{
	glob_scratch_done(&set->scratch);
	glob_forest_build_free(set->build);
	free(set);
}

static void
forget_paths(struct secret_limits *l)
{
	struct slice key;
	size_t at = 0;
	void *set;

	while (map_next(l->path_sets, &at, &key, &set))
		path_set_free(set);
	map_free(l->path_sets);
	l->path_sets = map_new();
}

static struct path_set *
path_set_of(struct secret_limits *l, const char *text)
{
	struct path_set *set = map_get(l->path_sets, slice_of(text));

	if (set != NULL)
		return set;
	if (map_count(l->path_sets) == PATH_SETS_MAX)
		forget_paths(l);
	set = path_set_new(text);
	map_put(l->path_sets, set->text, set);
	return set;
}

static void
on_match(void *owner, uint32_t value)
{
	(void)value;
	*(bool *)owner = true;
}

/* A path that two readers could take for different ones fits no limit. */
static bool
path_fits(struct secret_limits *l, const char *paths, struct slice path)
{
	struct path_set *set = path_set_of(l, paths);
	char small[1024], *room = small;
	struct slice canonical;
	bool fits = false;

	if (set->is_broken)
		return false;
	if (PATH_ROOM(path.len) > sizeof(small))
		room = memory_new(PATH_ROOM(path.len));
	if (path_canonical(path, room, &canonical) == NULL)
		glob_tree_match(&set->forest, set->root, canonical,
		    &set->scratch, on_match, &fits);
	if (room != small)
		free(room);
	return fits;
}

/* --- methods and hours --- */

static bool
method_fits(const char *methods, struct slice method)
{
	struct slice rest = slice_of(methods), one;

	while (rest.len > 0) {
		slice_cut(rest, ',', &one, &rest);
		if (slice_equal(slice_trim(one), method))
			return true;
	}
	return false;
}

static bool
hour_fits(uint16_t from, uint16_t to, int64_t now_s)
{
	int64_t minute = (now_s / 60) % DAY_MINUTES;

	if (from <= to)
		return from == to || (minute >= from && minute < to);
	return minute >= from || minute < to; /* past midnight */
}

enum secret_limit
secret_limits_judge(struct secret_limits *l, const struct secret_use *u)
{
	const struct secret_binding *b = u->binding;

	if (b->methods[0] != '\0' && !method_fits(b->methods, u->method))
		return SECRET_LIMIT_METHOD;
	if (b->paths[0] != '\0' && !path_fits(l, b->paths, u->path))
		return SECRET_LIMIT_PATH;
	if (!hour_fits(b->from_minute, b->to_minute, u->now_s))
		return SECRET_LIMIT_HOURS;
	return SECRET_LIMIT_NONE;
}

/* --- calls --- */

/* Of the sandbox and the secret; 0 is a free slot's. */
static uint64_t
key_of(const struct secret_use *u)
{
	uint64_t seed = XXH3_64bits(u->sandbox, strlen(u->sandbox));
	uint64_t key = XXH3_64bits_withSeed(u->binding->name,
	    strlen(u->binding->name), seed);

	return key != 0 ? key : 1;
}

/* The key's slot, or one that can be taken over: the first free one, else the
 * first whose time has passed. All workers look in the same order, so two that
 * come at once with one key want the same slot. */
static size_t
find_slot(struct secret_calls *c, uint64_t key, uint64_t now, uint64_t *holds)
{
	size_t found = SECRET_CALLS_SLOTS, idle = SECRET_CALLS_SLOTS;

	for (size_t i = 0; i < PROBES; i++) {
		size_t n = (key + i) % SECRET_CALLS_SLOTS;
		uint64_t is = atomic_load(&c->slots[n].key);

		if (is == key || (is == 0 && found == SECRET_CALLS_SLOTS)) {
			found = n;
			*holds = is;
			if (is == key)
				break;
		}
		if (idle == SECRET_CALLS_SLOTS &&
		    atomic_load(&c->slots[n].paid_us) <= now) {
			idle = n;
			if (found == SECRET_CALLS_SLOTS)
				*holds = is;
		}
	}
	return found < SECRET_CALLS_SLOTS ? found : idle;
}

static _Atomic uint64_t *
paid_of(struct secret_calls *c, uint64_t key, uint64_t now)
{
	for (int tries = 0; tries < PROBES; tries++) {
		uint64_t holds = 0;
		size_t n = find_slot(c, key, now, &holds);

		if (n == SECRET_CALLS_SLOTS)
			return NULL;
		if (holds == key ||
		    atomic_compare_exchange_strong(&c->slots[n].key, &holds,
			key) ||
		    holds == key)
			return &c->slots[n].paid_us;
	}
	return NULL;
}

bool
secret_limits_take(struct secret_limits *l, const struct secret_use *u)
{
	uint64_t rate = u->binding->calls_per_minute, before, after;
	_Atomic uint64_t *paid;

	if (rate == 0)
		return true;
	paid = paid_of(l->calls, key_of(u), u->now_us);
	if (paid == NULL)
		return false;
	before = atomic_load(paid);
	do {
		after = (before > u->now_us ? before : u->now_us) +
		    MINUTE_US / rate;
		if (after > u->now_us + MINUTE_US)
			return false;
	} while (!atomic_compare_exchange_weak(paid, &before, after));
	return true;
}

/* --- all together --- */

struct secret_limits *
secret_limits_new(struct secret_calls *calls)
{
	struct secret_limits *l = memory_new(sizeof(*l));

	l->calls = calls;
	l->path_sets = map_new();
	return l;
}

void
secret_limits_free(struct secret_limits *l)
{
	if (l == NULL)
		return;
	forget_paths(l);
	map_free(l->path_sets);
	free(l);
}

const char *
secret_limit_clause(enum secret_limit limit)
{
	switch (limit) {
	case SECRET_LIMIT_NONE:
		break;
	case SECRET_LIMIT_METHOD:
		return "the secret of this host is for other methods";
	case SECRET_LIMIT_PATH:
		return "the secret of this host is for other paths";
	case SECRET_LIMIT_HOURS:
		return "the secret of this host is for other hours of the day";
	case SECRET_LIMIT_CALLS:
		return "the secret of this host has had its calls of this "
		       "minute";
	}
	return NULL;
}

int
secret_limit_status(enum secret_limit limit)
{
	return limit == SECRET_LIMIT_CALLS ? 429 : 403;
}
