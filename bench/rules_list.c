/* rules_list.c - a list of patterns and the names that are asked for
 *
 *	rules_list PATTERNS QUERIES SEED PATTERN-FILE QUERY-FILE
 *
 * 70 % exact names, 20 % "*.", 9 % "**.", 1 % globs inside a label, over up to
 * some thousand registrable domains; no pattern twice. Queries are patterns
 * drawn by Zipf's law (s = 1; a pattern's rank has nothing to do with its place)
 * and turned into a name that matches, and as many misses: half of those an
 * unknown first label in the place of a known one, half an unknown domain.
 * Whether a name is a hit or a miss is asked of the table engine; that all
 * engines agree is for bench/rules to check. The same seed gives the same bytes
 * on every machine. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/rules_table.h"

#define DOMAINS_MAX 4000
#define NAME_ROOM 256
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static uint64_t seed;
static char domains[DOMAINS_MAX][64];
static size_t domain_count;

/* The commoner ones several times. */
static const char *const tlds[] = {"com", "com", "com", "com", "com", "com",
    "com", "net", "net", "org", "org", "io", "io", "dev", "app", "de", "fr",
    "nl", "co.uk", "com.au", "ai", "cloud", "co.jp", "eu", "it", "es", "ch",
    "se", "pl", "ca", "com.br", "us", "in", "xyz", "tech", "info", "sh", "gov",
    "edu", "me"};

static const char *const services[] = {"www", "api", "cdn", "static", "img",
    "mail", "auth", "login", "docs", "git", "registry", "packages", "pypi",
    "npm", "assets", "media", "blob", "storage", "queue", "search", "events",
    "metrics", "logs", "ws", "push", "crl", "ocsp", "dl", "files", "proxy",
    "edge", "internal", "beta", "eu-west-1", "us-east-1", "s3", "db", "app"};

static const char *const syllables[] = {"ba", "co", "da", "el", "fi", "go",
    "hu", "in", "ka", "lo", "mi", "no", "or", "pa", "qui", "ra", "so", "ta",
    "un", "ve", "wi", "xa", "yo", "zen", "net", "data", "soft", "web", "lab",
    "hub", "ly", "er"};

double
seconds_now(void)
{
	return 0;
}

void
engine_fail(const char *what)
{
	fprintf(stderr, "rules_list: %s\n", what);
	exit(1);
}

/* splitmix64 */
static uint64_t
draw(void)
{
	uint64_t z = seed += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static size_t
below(size_t n)
{
	return (size_t)(draw() % n);
}

static double
fraction(void)
{
	return (double)(draw() >> 11) / (double)((uint64_t)1 << 53);
}

static void
put_word(char *out, size_t least, size_t most)
{
	size_t parts = least + below(most - least + 1);

	*out = '\0';
	for (size_t i = 0; i < parts; i++)
		strcat(out, syllables[below(ARRAY_SIZE(syllables))]);
}

static void
put_label(char *out)
{
	size_t kind = below(10);

	if (kind < 4)
		put_word(out, 2, 3);
	else if (kind < 7)
		sprintf(out, "%s%zu", services[below(ARRAY_SIZE(services))],
		    below(1000));
	else if (kind < 9)
		strcpy(out, services[below(ARRAY_SIZE(services))]);
	else
		sprintf(out, "%c%zu", (int)('a' + below(26)), below(100000));
}

static void
put_domain(char *out)
{
	put_word(out, 3, 4);
	strcat(out, ".");
	strcat(out, tlds[below(ARRAY_SIZE(tlds))]);
}

/* A known domain with some labels before it. Few wildcards stand right on a
 * registrable domain. */
static void
put_host(char *out, size_t labels)
{
	*out = '\0';
	for (; labels > 0; labels--) {
		put_label(out + strlen(out));
		strcat(out, ".");
	}
	strcat(out, domains[below(domain_count)]);
}

static size_t
wildcard_labels(size_t patterns)
{
	size_t kind = below(20);

	if (kind == 0 || patterns < 1000)
		return kind % 2;
	return kind < 15 ? 1 : 2;
}

static void
put_pattern(char *out, size_t patterns)
{
	static const char *const globs[] = {"%s*.", "%s?.", "%s[12].", "%s-*."};
	size_t kind = below(100), deep = below(20);

	if (kind < 70) {
		put_host(out, deep < 2 ? 0 : deep < 14 ? 1 : deep < 19 ? 2 : 3);
		return;
	}
	if (kind < 90)
		strcpy(out, "*.");
	else if (kind < 99)
		strcpy(out, "**.");
	else
		sprintf(out, globs[below(ARRAY_SIZE(globs))],
		    services[below(ARRAY_SIZE(services))]);
	put_host(out + strlen(out), wildcard_labels(patterns));
}

static void
add_name(struct names *n, size_t *room, const char *name)
{
	size_t len = strlen(name), at = n->starts[n->count];

	if (at + len + 1 > *room)
		engine_fail("names are longer than expected");
	memcpy(n->text + at, name, len);
	n->text[at + len] = '\n';
	n->starts[++n->count] = (uint32_t)(at + len + 1);
}

static struct names
names_for(size_t count, size_t *room)
{
	struct names n = {0};

	*room = count * 64 + 4096;
	n.text = malloc(*room);
	n.starts = calloc(count + 1, sizeof(*n.starts));
	if (!n.text || !n.starts)
		engine_fail("out of memory");
	return n;
}

static void
write_names(const struct names *n, const char *path)
{
	FILE *f = fopen(path, "wb");

	if (!f ||
	    fwrite(n->text, 1, n->starts[n->count], f) != n->starts[n->count] ||
	    fclose(f) != 0)
		engine_fail(path);
}

/* Texts that are already there: a set by open addressing. */
static bool
is_new(uint32_t *set, size_t size, const struct names *n, const char *text)
{
	uint64_t hash = 0xcbf29ce484222325u;
	size_t len = strlen(text), i;

	for (size_t k = 0; k < len; k++)
		hash = (hash ^ (uint8_t)text[k]) * 0x100000001b3u;
	for (i = (hash ^ hash >> 29) % size; set[i]; i = (i + 1) % size)
		if (name_len(n, set[i] - 1) == len &&
		    memcmp(name_at(n, set[i] - 1), text, len) == 0)
			return false;
	set[i] = (uint32_t)n->count + 1;
	return true;
}

static struct names
make_patterns(size_t count)
{
	size_t room, size = 2 * count + 7;
	uint32_t *set = calloc(size, sizeof(*set));
	struct names n = names_for(count, &room);
	char text[NAME_ROOM];

	domain_count = count / 20 < 20 ? 20 : count / 20;
	if (domain_count > DOMAINS_MAX)
		domain_count = DOMAINS_MAX;
	for (size_t i = 0; i < domain_count; i++)
		put_domain(domains[i]);
	while (set && n.count < count) {
		put_pattern(text, count);
		if (is_new(set, size, &n, text))
			add_name(&n, &room, text);
	}
	free(set);
	return n;
}

/* Ranks are 1 .. count; weights 1 / rank. */
static double *
make_zipf(size_t count)
{
	double *sums = malloc(count * sizeof(*sums)), total = 0;

	if (!sums)
		engine_fail("out of memory");
	for (size_t i = 0; i < count; i++)
		sums[i] = total += 1.0 / (double)(i + 1);
	return sums;
}

static size_t
draw_rank(const double *sums, size_t count)
{
	double wanted = fraction() * sums[count - 1];
	size_t low = 0, high = count - 1;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (sums[middle] < wanted)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* "*.x", "**.x", "crl*.x", "api?.x", "api[12].x": one that matches. */
static void
fill_pattern(const char *pattern, char *out)
{
	*out = '\0';
	if (strncmp(pattern, "**.", 3) == 0) {
		for (size_t more = below(3); more > 0; more--) {
			put_label(out + strlen(out));
			strcat(out, ".");
		}
		put_label(out + strlen(out));
		strcat(out, pattern + 2);
		return;
	}
	for (; *pattern; pattern++) {
		out += strlen(out);
		if (*pattern == '*') {
			put_label(out);
		} else if (*pattern == '?') {
			sprintf(out, "%zu", below(10));
		} else if (*pattern == '[') {
			sprintf(out, "%c", pattern[1 + below(2)]);
			pattern = strchr(pattern, ']');
		} else {
			out[0] = *pattern;
			out[1] = '\0';
		}
	}
}

static void
put_unknown(const char *known, bool near, char *out)
{
	char label[64];

	if (near) {
		put_label(label);
		sprintf(out, "%s-%zu%s", label, below(100), strchr(known, '.'));
		return;
	}
	put_label(label);
	sprintf(out, "%s.", label);
	if (below(2))
		*out = '\0';
	put_domain(out + strlen(out));
}

static void
copy_name(const struct names *n, size_t i, char *out)
{
	memcpy(out, name_at(n, i), name_len(n, i));
	out[name_len(n, i)] = '\0';
}

static struct names
make_queries(const struct names *patterns, size_t count)
{
	double *sums = make_zipf(patterns->count);
	void *table = table_build(patterns);
	size_t room, *places = malloc(patterns->count * sizeof(*places));
	struct names n = names_for(count, &room);
	char pattern[NAME_ROOM], hit[NAME_ROOM], miss[NAME_ROOM];

	if (!places)
		engine_fail("out of memory");
	for (size_t i = 0; i < patterns->count; i++) {
		size_t other = below(i + 1);

		places[i] = places[other];
		places[other] = i;
	}
	while (n.count < count) {
		size_t rank = draw_rank(sums, patterns->count);
		bool wanted = below(2);

		copy_name(patterns, places[rank], pattern);
		fill_pattern(pattern, hit);
		if (!table_lookup(table, hit, strlen(hit)))
			engine_fail("a filled pattern does not match");
		if (wanted) {
			add_name(&n, &room, hit);
			continue;
		}
		do
			put_unknown(hit, below(2), miss);
		while (table_lookup(table, miss, strlen(miss)));
		add_name(&n, &room, miss);
	}
	free(places);
	free(sums);
	return n;
}

int
main(int argc, char **argv)
{
	struct names patterns, queries;

	if (argc != 6)
		engine_fail("usage: rules_list PATTERNS QUERIES SEED "
			    "PATTERN-FILE QUERY-FILE");
	seed = strtoull(argv[3], NULL, 10);
	patterns = make_patterns(strtoul(argv[1], NULL, 10));
	write_names(&patterns, argv[4]);
	queries = make_queries(&patterns, strtoul(argv[2], NULL, 10));
	write_names(&queries, argv[5]);
	return 0;
}
