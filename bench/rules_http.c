/* rules_http.c - what an HTTP rule costs a request, alone and among 10,000
 *
 * Prints two tables. In the first, all rules are allowing ones of one host
 * with one path glob each, and half of the paths match one of them; "mixed"
 * has a quarter of its rules of each shape. In the second, paths are made to
 * be hard for their patterns, and grow: nanoseconds per byte must not.
 * CPU time, the best of some rounds.
 *
 * Its exit status is 1 where 10,000 rules cost more than 3 times one, or where
 * a byte of the longest hard path costs more than 3 times one of the shortest.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rules/image.h"
#include "rules/match.h"

#define RULES 10000
#define PATHS 1024
#define PATH_BYTES 65536
#define ROUNDS 15
#define RUNS 40
#define LIMIT 3.0

struct shape {
	const char *pattern, *hit, *miss;
};

static const struct shape shapes[] = {
    {"/api/resource%u/**", "/api/resource%u/items/42", "/api/resourceX%u/i/42"},
    {"/repos/*/name%u/**", "/repos/acme/name%u/pulls/7", "/repos/acme/nameX%u"},
    {"/**/name%u", "/projects/a/b/name%u", "/projects/a/b/nameX%u"},
    {"/files/*%u.json", "/files/report-%u.json", "/files/report-%uX.json"},
};

#define SHAPES (sizeof(shapes) / sizeof(shapes[0]))
#define MIXED SHAPES

static bool exceeded;

static void
fail(const char *what)
{
	fprintf(stderr, "bench/rules: http: %s\n", what);
	exit(1);
}

static double
cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* snprintf() of a pattern from the table above. */
static void
put(char *out, size_t room, const char *format, unsigned n)
{
	const char *mark = strstr(format, "%u");

	snprintf(out, room, "%.*s%u%s", (int)(mark - format), format, n,
	    mark + 2);
}

static const struct shape *
shape_of(size_t wanted, unsigned n)
{
	return &shapes[wanted == MIXED ? n % SHAPES : wanted];
}

static void
add_rule(struct policy *p, const char *path)
{
	static const char *const methods[] = {"GET"};
	const char *const paths[] = {path};
	const struct http_terms terms = {.methods = methods,
	    .method_count = 1,
	    .paths = paths,
	    .path_count = 1};
	struct policy_rule rule = {.decision = DECISION_ALLOW, .http = &terms};
	char room[RESOURCE_ROOM];
	struct err err;

	if (!resource_parse(slice_of("api.example.com"), room, &rule.resource,
		&err))
		fail(err.text);
	policy_add_rule(p, &rule);
}

static struct image *
build(struct policy *p)
{
	struct image *image;
	uint8_t *bytes;
	size_t len;
	struct err err;

	if (!image_build(p, &bytes, &len, &err))
		fail(err.text);
	policy_done(p);
	image = image_open(bytes, len, &err);
	if (!image)
		fail(err.text);
	return image; /* it borrows `bytes`, which the program's end frees */
}

/* One rule: the one in the middle, so that its text is of usual length. */
static struct image *
image_of(size_t shape, unsigned count)
{
	char path[128];
	struct policy p;

	policy_init(&p);
	policy_add_origin(&p, "policy.yaml", "file");
	for (unsigned i = 0; i < count; i++) {
		unsigned n = count == 1 ? RULES / 2 : i;

		put(path, sizeof(path), shape_of(shape, n)->pattern, n);
		add_rule(&p, path);
	}
	return build(&p);
}

static bool
no_value(const void *owner, const char *name, size_t *at, struct slice *value)
{
	(void)owner;
	(void)name;
	(void)at;
	(void)value;
	return false;
}

static bool
passes(const struct image *i, struct slice path)
{
	static struct target t;
	struct facts f = {
	    .sandbox = SANDBOX_DEFAULT, .now = 1800000000, .target = &t};
	struct request_facts r = {.method = SLICE_LITERAL("GET"),
	    .path = path,
	    .next_value = no_value};
	struct decision_made d;

	if (t.labels == 0)
		target_of_name(SLICE_LITERAL("api.example.com"), 443, &t);
	rules_decide_request(i, &f, &r, &d);
	return d.decision == DECISION_ALLOW;
}

/* Nanoseconds per decision; half of the paths must pass. */
static double
time_paths(const struct image *i, char paths[PATHS][128])
{
	double best = 1e9;

	for (int round = 0; round < ROUNDS; round++) {
		double began = cpu_seconds(), took;
		unsigned passed = 0;

		for (unsigned n = 0; n < RUNS * PATHS; n++)
			passed += passes(i, slice_of(paths[n % PATHS]));
		took = cpu_seconds() - began;
		if (passed != RUNS * PATHS / 2)
			fail("half of the paths should pass");
		best = took < best ? took : best;
	}
	return best * 1e9 / (RUNS * PATHS);
}

static double
time_shape(size_t shape, unsigned count)
{
	static char paths[PATHS][128];
	struct image *i = image_of(shape, count);
	double ns;

	for (unsigned n = 0; n < PATHS; n++) {
		unsigned number = count == 1 ? RULES / 2 : n * 7919 % RULES;
		const struct shape *s = shape_of(shape, number);

		put(paths[n], sizeof(paths[n]), n % 2 ? s->hit : s->miss,
		    number);
	}
	ns = time_paths(i, paths);
	image_close(i);
	return ns;
}

/* "/name%u" as a person would write it: "/nameN". */
static const char *
spelt(const char *pattern)
{
	static char out[64];
	char *mark;

	snprintf(out, sizeof(out), "%s", pattern);
	mark = strstr(out, "%u");
	if (mark) {
		*mark = 'N';
		memmove(mark + 1, mark + 2, strlen(mark + 2) + 1);
	}
	return out;
}

/* One rule of the mixed ones is each shape in turn. */
static void
print_shapes(void)
{
	double sum = 0;

	printf("| paths of the rules | 1 rule, ns | %u rules, ns | ratio |\n"
	       "| --- | --- | --- | --- |\n",
	    RULES);
	for (size_t s = 0; s <= SHAPES; s++) {
		double one = s == MIXED ? sum / SHAPES : time_shape(s, 1);
		double many = time_shape(s, RULES);

		sum += one;
		printf("| `%s` | %.0f | %.0f | %.2f |\n",
		    s == MIXED ? "mixed" : spelt(shapes[s].pattern), one, many,
		    many / one);
		exceeded |= many > LIMIT * one;
	}
}

/* Patterns for which a matcher that goes back takes more than linear time, and
 * the piece that their path is made of. */
static const struct hard {
	const char *pattern, *piece;
} hard[] = {
    {"/*a*a*a*a*b", "a"},
    {"/**/a/**/a/**/b", "/a"},
    {"/**/*a*a*b/**/c", "/aa"},
    {"/**/name%u", "/name77"},
    {"/files/*%u.json", "1"},
};

static struct image *
hard_image(const struct hard *h)
{
	struct policy p;
	char path[128];
	bool is_many = strstr(h->pattern, "%u") != NULL;

	policy_init(&p);
	policy_add_origin(&p, "policy.yaml", "file");
	for (unsigned n = 0; n < (is_many ? RULES : 1); n++) {
		if (is_many)
			put(path, sizeof(path), h->pattern, n);
		add_rule(&p, is_many ? path : h->pattern);
	}
	return build(&p);
}

static double
time_hard(const struct image *i, const struct hard *h, size_t len)
{
	static char path[PATH_BYTES + 1];
	size_t piece = strlen(h->piece), used = 1;
	double best = 1e9;
	static volatile bool sink;

	path[0] = '/';
	if (strncmp(h->pattern, "/files/", 7) == 0)
		used = (size_t)snprintf(path, sizeof(path), "/files/");
	for (size_t k = h->piece[0] == '/' ? 0 : used; k < len; k++)
		path[k] = h->piece[k % piece];
	for (int round = 0; round < ROUNDS; round++) {
		double began = cpu_seconds(), took;

		for (size_t n = 0; n < PATH_BYTES; n += len)
			sink = passes(i, (struct slice){path, len});
		took = cpu_seconds() - began;
		best = took < best ? took : best;
	}
	(void)sink;
	return best * 1e9 / PATH_BYTES;
}

static void
print_hard(void)
{
	static const size_t lengths[] = {256, 4096, PATH_BYTES};

	printf("\n| hard paths | rules | ns per byte: 256 | 4,096 | 65,536 |\n"
	       "| --- | --- | --- | --- | --- |\n");
	for (size_t n = 0; n < sizeof(hard) / sizeof(hard[0]); n++) {
		struct image *i = hard_image(&hard[n]);
		double ns[3];

		for (size_t k = 0; k < 3; k++)
			ns[k] = time_hard(i, &hard[n], lengths[k]);
		printf("| `%s` on `%s..` | %u | %.1f | %.1f | %.1f |\n",
		    spelt(hard[n].pattern), hard[n].piece, image_rule_count(i),
		    ns[0], ns[1], ns[2]);
		exceeded |= ns[2] > LIMIT * ns[0];
		image_close(i);
	}
}

int
main(void)
{
	print_shapes();
	print_hard();
	return exceeded;
}
