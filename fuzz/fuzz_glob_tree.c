/* fuzz_glob_tree.c - globs and texts, and forests from a hostile writer
 *
 * "/PATH", newline, path patterns, one a line; or ".HEAD", newline, host globs
 * likewise: what a tree of them answers is what a table of each glob's tokens
 * against the text's bytes says. Anything else is "F", three numbers, nodes and
 * bytes: a forest as it would lie in an image. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "rules/glob_tree.h"
#include "rules/path_pattern.h"

#define PATTERNS 24
#define TEXT_MAX 512

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static unsigned hits[PATTERNS];

static void
count_hit(void *owner, uint32_t value)
{
	(void)owner;
	hits[value % PATTERNS]++;
}

/* Which places of the text can be reached behind one more token: `now` from
 * `before`. */
static void
reach(const struct glob_pattern *p, const struct glob_token *t,
    struct slice text, const bool *before, bool *now)
{
	bool running = false;

	for (size_t i = 0; i <= text.len; i++) {
		char last = i > 0 ? text.at[i - 1] : '\0';
		bool at_end = i == text.len || text.at[i] == p->separator;

		now[i] = false;
		switch ((enum glob_kind)t->kind) {
		case GLOB_ROOT:
			abort();
		case GLOB_LITERAL:
			now[i] = i > 0 && before[i - 1] &&
			    last == (char)t->first;
			break;
		case GLOB_ONE:
			now[i] = i > 0 && before[i - 1] && last != p->separator;
			break;
		case GLOB_CLASS:
			now[i] = i > 0 && before[i - 1] &&
			    glob_set_holds(p->sets[t->set], (uint8_t)last);
			break;
		case GLOB_STAR:
			running &= i > 0 && last != p->separator;
			now[i] = running |= before[i];
			break;
		case GLOB_DEEP:
			now[i] = running |= before[i];
			break;
		case GLOB_SEGMENTS:
			now[i] = at_end && (running || before[i]);
			running |= before[i] && at_end;
			break;
		}
	}
}

static bool
matches(const struct glob_pattern *p, struct slice text)
{
	bool places[2][TEXT_MAX + 1] = {{true}};

	for (uint32_t i = 0; i < p->count; i++)
		reach(p, &p->tokens[i], text, places[i % 2],
		    places[(i + 1) % 2]);
	return places[p->count % 2][text.len];
}

static bool
read_pattern(struct slice line, bool is_path, struct glob_pattern *p)
{
	char path[PATH_PATTERN_MAX + 1], host[HOST_BYTES_MAX + 1];
	struct err err = {0};
	struct slice head;
	const char *why;
	size_t len;

	if (is_path) {
		if (path_pattern_canonical(line, path, &len, &err))
			return glob_pattern_of_path((struct slice){path, len},
			    p);
		CHECK(err.text[0]);
		return false;
	}
	head = (struct slice){host, host_pattern_canonical(line, host, &why)};
	if (!host_has_globs(head))
		return false;
	head.len -= host_literal_tail(head);
	return glob_pattern_of_host(line.len % 3, head, p);
}

static void
ask(const struct glob_forest *f, uint32_t root, struct slice text)
{
	struct glob_scratch s;

	glob_scratch_init(&s, f->tree_nodes, f->levels);
	for (int round = 0; round < 2; round++) {
		memset(hits, 0, sizeof(hits));
		glob_tree_match(f, root, text, &s, count_hit, NULL);
	}
	glob_scratch_done(&s);
}

static void
check_path(struct slice text)
{
	char *room = memory_new(PATH_ROOM(text.len) + 1);
	struct slice canonical;

	if (!path_canonical(text, room, &canonical))
		CHECK(!path_is_ambiguous(canonical));
	free(room);
}

static void
try_patterns(struct slice text, struct slice lines, bool is_path)
{
	static struct glob_pattern patterns[PATTERNS];
	struct glob_forest_build *b = glob_forest_build_new();
	uint32_t root = glob_tree_new_root(b, is_path ? '/' : '.'), count = 0;
	uint32_t slot[PATTERNS], *value;
	struct glob_forest f;
	struct slice line;

	while (count < PATTERNS && lines.len > 0) {
		slice_cut(lines, '\n', &line, &lines);
		if (!read_pattern(line, is_path, &patterns[count]))
			continue;
		value = glob_tree_add(b, root, &patterns[count]);
		CHECK(value);
		if (*value == GLOB_NO_VALUE)
			*value = count;
		slot[count++] = *value;
	}
	CHECK(glob_forest_finish(b, &f) && glob_forest_is_sound(&f));
	ask(&f, glob_forest_root(b, root), text);
	for (uint32_t i = 0; i < count; i++)
		CHECK(hits[slot[i]] == matches(&patterns[i], text));
	glob_forest_build_free(b);
}

static void
try_forest(const uint8_t *at, size_t len)
{
	static const char *const texts[] = {"/a/b/c.json", "/repos/x/y", "/",
	    "crl3.", "a.b.c.", "", "/aaaa/aa"};
	struct glob_forest f = {0};
	uint16_t numbers[3];
	uint8_t *copy;
	size_t nodes;

	if (len < sizeof(numbers))
		return;
	memcpy(numbers, at, sizeof(numbers));
	len -= sizeof(numbers);
	nodes = numbers[0] * sizeof(struct glob_node);
	if (nodes > len)
		return;
	copy = memory_new(len + 1);
	memcpy(copy, at + sizeof(numbers), len);
	f.nodes = (const struct glob_node *)(void *)copy;
	f.bytes = at + sizeof(numbers) + nodes;
	f.node_count = numbers[0];
	f.byte_count = (uint32_t)(len - nodes);
	f.tree_nodes = numbers[1];
	f.levels = numbers[2];
	if (glob_forest_is_sound(&f))
		for (uint32_t root = 0; root < f.node_count; root++)
			for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
				if (glob_root_is_sound(&f, root, '/') ||
				    glob_root_is_sound(&f, root, '.'))
					ask(&f, root, slice_of(texts[i]));
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct slice all = {(const char *)at, len}, text, lines;

	if (len == 0)
		return 0;
	if (at[0] == 'F') {
		try_forest(at + 1, len - 1);
		return 0;
	}
	slice_cut(all, '\n', &text, &lines);
	text = slice_first(text, TEXT_MAX);
	if (at[0] == '/') {
		check_path(text);
		try_patterns(text, lines, true);
	} else {
		try_patterns(slice_from(text, text.len > 0), lines, false);
	}
	return 0;
}
