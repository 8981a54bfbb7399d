/* rules_nginx.c - nginx's own hash of server names, in nginx's own program
 *
 * The nginx that is installed exports its functions to its modules. This file
 * is a shared object that is preloaded into it: engine_main() runs before
 * nginx's main() and never returns, and ngx_hash_init(), ngx_hash_add_key() and
 * ngx_hash_find_combined() are the very code that serves names there. Declared
 * here is just what those take (src/core/ngx_hash.h of 1.22; unchanged
 * since 0.8).
 *
 * nginx knows exact names and "*.x" for any depth, and finds only the longest
 * wildcard. So a wildcard's value says what stands before the suffix ("*.x" of
 * ours: one label; globs) and, where that does not fit, names the next shorter
 * wildcard: a few instructions more than nginx itself would need.
 *
 * Sizes as an operator would set them after nginx's own warnings: buckets of 128
 * bytes, twice as many as there are names. */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "bench/rules_suffix.h"

typedef struct ngx_pool_s ngx_pool_t;

typedef struct {
	size_t len;
	unsigned char *data;
} ngx_str_t;

typedef struct {
	void *elts;
	uintptr_t nelts;
	size_t size;
	uintptr_t nalloc;
	ngx_pool_t *pool;
} ngx_array_t;

typedef struct {
	void **buckets;
	uintptr_t size;
} ngx_hash_t;

typedef struct {
	ngx_hash_t hash;
	void *value;
} ngx_hash_wildcard_t;

typedef struct {
	ngx_str_t key;
	uintptr_t key_hash;
	void *value;
} ngx_hash_key_t;

typedef uintptr_t (*ngx_hash_key_pt)(unsigned char *data, size_t len);

typedef struct {
	ngx_hash_t hash;
	ngx_hash_wildcard_t *wc_head, *wc_tail;
} ngx_hash_combined_t;

typedef struct {
	ngx_hash_t *hash;
	ngx_hash_key_pt key;
	uintptr_t max_size, bucket_size;
	char *name;
	ngx_pool_t *pool, *temp_pool;
} ngx_hash_init_t;

typedef struct {
	uintptr_t hsize;
	ngx_pool_t *pool, *temp_pool;
	ngx_array_t keys, *keys_hash;
	ngx_array_t dns_wc_head, *dns_wc_head_hash;
	ngx_array_t dns_wc_tail, *dns_wc_tail_hash;
} ngx_hash_keys_arrays_t;

#define NGX_HASH_LARGE 2
#define NGX_HASH_WILDCARD_KEY 1
#define NGX_BUSY (-3)

extern uintptr_t ngx_pagesize, ngx_cacheline_size;
ngx_pool_t *ngx_create_pool(size_t size, void *log);
void ngx_destroy_pool(ngx_pool_t *pool);
void *ngx_pcalloc(ngx_pool_t *pool, size_t size);
uintptr_t ngx_hash_key(unsigned char *data, size_t len);
uintptr_t ngx_hash_key_lc(unsigned char *data, size_t len);
intptr_t ngx_hash_keys_array_init(ngx_hash_keys_arrays_t *ha, uintptr_t type);
intptr_t ngx_hash_add_key(ngx_hash_keys_arrays_t *ha, ngx_str_t *key,
    void *value, uintptr_t flags);
intptr_t ngx_hash_init(ngx_hash_init_t *init, ngx_hash_key_t *names,
    uintptr_t count);
intptr_t ngx_hash_wildcard_init(ngx_hash_init_t *init, ngx_hash_key_t *names,
    uintptr_t count);
void *ngx_hash_find_combined(ngx_hash_combined_t *hash, uintptr_t key,
    unsigned char *name, size_t len);
void *ngx_hash_find_wc_head(ngx_hash_wildcard_t *hash, unsigned char *name,
    size_t len);
intptr_t ngx_dns_strcmp(unsigned char *a, unsigned char *b);

struct wildcard {
	struct wildcard *shorter;
	const uint8_t *globs;
	uint8_t kinds, len; /* of the suffix */
};

struct built {
	ngx_hash_combined_t names;
	ngx_pool_t *pool;
	ngx_hash_keys_arrays_t keys;
	struct wildcard exact;
};

/* nginx sorts by this before it makes the tree of a wildcard hash. */
static int
compare_keys(const void *a, const void *b)
{
	const ngx_hash_key_t *x = a, *y = b;

	return (int)ngx_dns_strcmp(x->key.data, y->key.data);
}

static int
compare_patterns(const void *a, const void *b)
{
	const struct suffix_pattern *x = a, *y = b;

	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	return memcmp(x->at, y->at, x->len);
}

static void
add_exact(struct built *b, const struct suffix_pattern *p)
{
	unsigned char text[256];
	ngx_str_t key = {p->len, NULL};

	/* The key is kept until the hash is made. */
	memcpy(text, p->at, p->len);
	key.data = ngx_pcalloc(b->keys.temp_pool, p->len + 1);
	memcpy(key.data, text, p->len);
	if (ngx_hash_add_key(&b->keys, &key, &b->exact,
		NGX_HASH_WILDCARD_KEY) != 0)
		engine_fail("nginx does not take a name");
}

static void
keep_globs(struct built *b, struct wildcard *w,
    const struct suffix_pattern *same, size_t count)
{
	uint8_t *list;
	size_t used = 0;

	for (size_t i = 0; i < count; i++)
		used += same[i].glob ? same[i].glob_len + 1 : 0;
	list = ngx_pcalloc(b->pool, used + 1);
	w->globs = list;
	for (size_t i = 0; i < count; i++) {
		if (same[i].kind != SUFFIX_GLOB)
			continue;
		*list++ = (uint8_t)same[i].glob_len;
		memcpy(list, same[i].glob, same[i].glob_len);
		list += same[i].glob_len;
	}
}

/* All patterns of one suffix, as one "*.suffix". */
static void
add_wildcard(struct built *b, const struct suffix_pattern *same, size_t count)
{
	struct wildcard *w = ngx_pcalloc(b->pool, sizeof(*w));
	ngx_str_t key = {same->len + 2, NULL};

	w->len = (uint8_t)same->len;
	for (size_t i = 0; i < count; i++)
		w->kinds |= (uint8_t)same[i].kind;
	if (w->kinds & SUFFIX_GLOB)
		keep_globs(b, w, same, count);
	key.data = ngx_pcalloc(b->keys.temp_pool, key.len + 1);
	memcpy(key.data, "*.", 2);
	memcpy(key.data + 2, same->at, same->len);
	if (ngx_hash_add_key(&b->keys, &key, w, NGX_HASH_WILDCARD_KEY) != 0)
		engine_fail("nginx does not take a wildcard");
}

static void
add_all(struct built *b, const struct names *patterns)
{
	struct suffix_pattern *wild = calloc(patterns->count, sizeof(*wild));
	size_t count = 0, same;

	for (size_t i = 0; wild && i < patterns->count; i++) {
		struct suffix_pattern p = suffix_of(name_at(patterns, i),
		    name_len(patterns, i));

		if (p.kind == SUFFIX_EXACT)
			add_exact(b, &p);
		else
			wild[count++] = p;
	}
	qsort(wild, count, sizeof(*wild), compare_patterns);
	for (size_t i = 0; i < count; i += same) {
		for (same = 1; i + same < count; same++)
			if (compare_patterns(&wild[i], &wild[i + same]) != 0)
				break;
		add_wildcard(b, &wild[i], same);
	}
	free(wild);
}

/* The value of each wildcard learns which one nginx would have found without
 * it. nginx's own key of "*.a.b" is "b.a." by now. */
static void
link_shorter(struct built *b)
{
	ngx_hash_key_t *keys = b->keys.dns_wc_head.elts;

	for (size_t i = 0; i < b->keys.dns_wc_head.nelts; i++) {
		struct wildcard *w = keys[i].value;
		unsigned char name[256];
		size_t at = w->len, end = 0;

		for (size_t k = 0; k < w->len; k = end + 1) {
			for (end = k; end < w->len; end++)
				if (keys[i].key.data[end] == '.')
					break;
			at -= end - k;
			memcpy(name + at, keys[i].key.data + k, end - k);
			if (at > 0)
				name[--at] = '.';
		}
		w->shorter = ngx_hash_find_wc_head(b->names.wc_head, name,
		    w->len);
	}
}

static void
make(struct built *b)
{
	ngx_hash_init_t init = {
	    .key = ngx_hash_key_lc,
	    .max_size = 2 * b->keys.keys.nelts + 1024,
	    .bucket_size = 128,
	    .name = (char[]){"server_names_hash"},
	    .pool = b->pool,
	};
	ngx_hash_key_t *wild = b->keys.dns_wc_head.elts;
	ngx_hash_key_t *copy;
	size_t bytes = b->keys.dns_wc_head.nelts * sizeof(*wild);

	init.hash = &b->names.hash;
	if (b->keys.keys.nelts &&
	    ngx_hash_init(&init, b->keys.keys.elts, b->keys.keys.nelts) != 0)
		engine_fail("nginx builds no hash");
	if (b->keys.dns_wc_head.nelts == 0)
		return;
	qsort(wild, b->keys.dns_wc_head.nelts, sizeof(*wild), compare_keys);
	/* ngx_hash_wildcard_init() writes into what it is given. */
	copy = malloc(bytes);
	memcpy(copy, wild, bytes);
	init.hash = NULL;
	init.temp_pool = b->keys.temp_pool;
	if (ngx_hash_wildcard_init(&init, copy, b->keys.dns_wc_head.nelts) != 0)
		engine_fail("nginx builds no wildcard hash");
	free(copy);
	b->names.wc_head = (ngx_hash_wildcard_t *)(void *)init.hash;
	link_shorter(b);
}

static void *
build(const struct names *patterns)
{
	/* A log whose level is 0: it is never written to. */
	static uint64_t log[64];
	struct built *b = calloc(1, sizeof(*b));

	ngx_pagesize = 4096;
	ngx_cacheline_size = 64;
	b->pool = ngx_create_pool(16384, log);
	b->keys.pool = b->pool;
	b->keys.temp_pool = ngx_create_pool(16384, log);
	if (ngx_hash_keys_array_init(&b->keys, NGX_HASH_LARGE) != 0)
		engine_fail("nginx has no memory");
	add_all(b, patterns);
	make(b);
	ngx_destroy_pool(b->keys.temp_pool);
	return b;
}

static bool
lookup(void *state, const char *at, size_t len)
{
	struct built *b = state;
	unsigned char *name = (unsigned char *)(uintptr_t)at;
	const struct wildcard *w = ngx_hash_find_combined(&b->names,
	    ngx_hash_key(name, len), name, len);

	if (w == &b->exact)
		return true;
	for (; w; w = w->shorter)
		if (suffix_takes(w->kinds, w->globs, at, len - w->len - 1u))
			return true;
	return false;
}

const struct engine engines[] = {
    {.name = "nginx", .build = build, .lookup = lookup},
    {.name = NULL},
};

__attribute__((constructor)) static void
enter(int argc, char **argv)
{
	exit(engine_main(argc, argv));
}
