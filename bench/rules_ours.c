/* rules_ours.c - our engine, as live traffic calls it
 *
 * "penstock": a target, port 443, that target_parse() has read is judged by
 * rules_decide(): it is read once, whatever is asked about it. "filling": a
 * canonical name is made a target in the measured time (its labels are found
 * and hashed, as peers do in theirs). "parsing": target_parse() from a client's bytes as
 * well. The report tells the parts: what reading a pattern's text costs, adding
 * it to a policy, building the image; what validating it costs and what merely
 * mapping a validated one; and how much of it is the source map, which no
 * look-up reads. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/rules_engine.h"
#include "rules/image.h"
#include "rules/image_format.h"
#include "rules/match.h"

struct ours {
	struct image *image;
	uint8_t *bytes;
	size_t len, patterns;
	double parse, add, build, validate;
};

static void
must(bool done, const struct err *err)
{
	if (!done)
		engine_fail(err->text);
}

static struct resource
parse(const struct names *patterns, size_t i, char room[RESOURCE_ROOM])
{
	struct slice text = {name_at(patterns, i), name_len(patterns, i)};
	struct resource r;
	struct err err;

	must(resource_parse(text, room, &r, &err), &err);
	return r;
}

static void
add_all(struct policy *p, const struct names *patterns, uint32_t origin)
{
	struct policy_rule rule = {
	    .decision = DECISION_ALLOW, .origin = origin, .column = 7};
	char room[RESOURCE_ROOM];

	for (size_t i = 0; i < patterns->count; i++) {
		rule.resource = parse(patterns, i, room);
		rule.line = (uint32_t)i + 4;
		policy_add_rule(p, &rule);
	}
}

static int
sealed(const struct ours *o)
{
	int fd = memfd_create("bench-rules", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd == -1 || write(fd, o->bytes, o->len) != (ssize_t)o->len ||
	    fcntl(fd, F_ADD_SEALS,
		F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == -1)
		engine_fail("memfd_create");
	return fd;
}

/* The best of some: others use this machine, too. */
static void *
build(const struct names *patterns)
{
	struct ours *o = calloc(1, sizeof(*o));
	double start = seconds_now(), parsed, added, built;
	volatile uint8_t sum = 0;
	char room[RESOURCE_ROOM];
	struct policy p;
	struct err err;

	if (!o)
		engine_fail("out of memory");
	for (size_t i = 0; i < patterns->count; i++)
		sum = (uint8_t)(sum + parse(patterns, i, room).host_len);
	parsed = seconds_now();
	policy_init(&p);
	add_all(&p, patterns, policy_add_origin(&p, "policy.yaml", "file"));
	added = seconds_now();
	must(image_build(&p, &o->bytes, &o->len, &err), &err);
	built = seconds_now();
	policy_done(&p);
	o->patterns = patterns->count;
	o->parse = parsed - start;
	o->add = added - parsed - o->parse;
	o->build = built - added;
	start = seconds_now();
	o->image = image_map(sealed(o), &err);
	must(o->image != NULL, &err);
	o->validate = seconds_now() - start;
	return o;
}

static bool
decide(const struct ours *o, const struct target *t)
{
	struct facts f = {
	    .sandbox = SANDBOX_DEFAULT, .now = 1800000000, .target = t};
	struct decision_made d;

	rules_decide(o->image, &f, &d);
	return d.decision == DECISION_ALLOW;
}

static void
read_target(void *room, const char *name, size_t len)
{
	struct target *t = room;

	if (!target_parse((struct slice){name, len}, 443, t, NULL))
		engine_fail("a query is malformed");
}

static bool
judge(void *built, const void *room)
{
	return decide(built, room);
}

static bool
lookup_filling(void *built, const char *name, size_t len)
{
	struct target t;

	target_of_name((struct slice){name, len}, 443, &t);
	return decide(built, &t);
}

static bool
lookup_parsing(void *built, const char *name, size_t len)
{
	struct target t;

	if (!target_parse((struct slice){name, len}, 443, &t, NULL))
		engine_fail("a query is malformed");
	return decide(built, &t);
}

static size_t
bytes(void *built)
{
	const struct ours *o = built;

	return o->len;
}

/* Without what only people read: those sections are the last. */
static size_t
bytes_to_match(const struct ours *o)
{
	return o->image->header->sections[FIRST_SECTION_FOR_PEOPLE].at;
}

static double
best_of(int rounds, const struct ours *o,
    struct image *(*open_it)(int fd, struct err *err))
{
	double best = 1e9;
	int fd = sealed(o);

	for (int i = 0; i < rounds; i++) {
		struct err err;
		double began = seconds_now(), took;
		struct image *image = open_it(fd, &err);

		took = seconds_now() - began;
		must(image != NULL, &err);
		image_close(image);
		best = took < best ? took : best;
	}
	close(fd);
	return best;
}

static void
report(void *built)
{
	const struct ours *o = built;

	printf("extra parse %.6f\n", o->parse);
	printf("extra add %.6f\n", o->add);
	printf("extra build %.6f\n", o->build);
	printf("extra image %zu\n", o->len);
	printf("extra to_match %zu\n", bytes_to_match(o));
	printf("extra validate %.6f\n", best_of(5, o, image_map));
	printf("extra map %.6f\n", best_of(50, o, image_map_validated));
}

const struct engine engines[] = {
    {.name = "penstock",
	.build = build,
	.room = sizeof(struct target),
	.read = read_target,
	.judge = judge,
	.bytes = bytes,
	.report = report},
    {.name = "filling",
	.build = build,
	.lookup = lookup_filling,
	.bytes = bytes},
    {.name = "parsing",
	.build = build,
	.lookup = lookup_parsing,
	.bytes = bytes},
    {.name = NULL},
};
