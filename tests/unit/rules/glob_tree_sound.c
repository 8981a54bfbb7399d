/* glob_tree_sound.c - forests of a hostile writer
 *
 * What is found sound is also asked, at the edge of a guard page: then nothing
 * may be read outside. Meant to be run with sanitizers. */
#include "tests/unit/test.h"

#include "base/check.h"
#include "rules/glob_tree_sound.c"

/* A small forest with everything in it, in memory that ends at guard pages. */
struct specimen {
	struct glob_forest forest;
	uint8_t *nodes, *bytes;
	size_t nodes_len, bytes_len;
};

static void
make_specimen(struct specimen *s)
{
	static const char *const paths[] = {"/", "/abcd/**", "/*/b*c/**/d",
	    "/a*", "/b", "/c", "/d", "/e*1", "/e*2", "/**/x/**", "/f1", "/f2"};
	struct glob_forest_build *b = glob_forest_build_new();
	uint32_t path_root = glob_tree_new_root(b, '/');
	uint32_t host_root = glob_tree_new_root(b, '.');
	static struct glob_pattern p;

	for (uint32_t i = 0; i < ARRAY_SIZE(paths); i++) {
		EXPECT(glob_pattern_of_path(slice_of(paths[i]), &p));
		*glob_tree_add(b, path_root, &p) = i;
	}
	EXPECT(glob_pattern_of_host(DEPTH_DEEP, slice_of("a?[bc]*."), &p));
	*glob_tree_add(b, host_root, &p) = 1;
	EXPECT(glob_forest_finish(b, &s->forest));
	s->nodes_len = s->forest.node_count * sizeof(struct glob_node);
	s->bytes_len = s->forest.byte_count;
	s->nodes = (uint8_t *)test_guarded(s->forest.nodes, s->nodes_len);
	s->bytes = (uint8_t *)test_guarded(s->forest.bytes, s->bytes_len);
	s->forest.nodes = (const struct glob_node *)(void *)s->nodes;
	s->forest.bytes = s->bytes;
	glob_forest_build_free(b);
}

static void
ignore_hit(void *owner, uint32_t value)
{
	*(uint32_t *)owner ^= value;
}

/* Sound or not; when it is, every tree must be safe to ask. */
static bool
use_if_sound(const struct glob_forest *f)
{
	static const char *const texts[] = {"/abcd/", "/x/bc/y/d", "/e1/2",
	    "x.aab.", "/", "", "////", "e", "\xff\x01"};
	struct glob_scratch s;
	uint32_t sum = 0;

	if (!glob_forest_is_sound(f))
		return false;
	glob_scratch_init(&s, f->tree_nodes, f->levels);
	for (uint32_t root = 0; root < f->node_count; root++)
		for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
			if (glob_root_is_sound(f, root, '/') ||
			    glob_root_is_sound(f, root, '.'))
				glob_tree_match(f, root, slice_of(texts[i]), &s,
				    ignore_hit, &sum);
	glob_scratch_done(&s);
	return true;
}

TEST(each_corrupt_byte_is_refused_or_harmless)
{
	struct specimen s;
	unsigned refused = 0, harmless = 0;

	make_specimen(&s);
	EXPECT(use_if_sound(&s.forest));
	for (size_t i = 0; i < s.nodes_len + s.bytes_len; i++) {
		uint8_t *byte = i < s.nodes_len ? s.nodes + i
						: s.bytes + i - s.nodes_len;
		uint8_t was = *byte;

		for (unsigned flip = 1; flip < 256; flip++) {
			*byte = was ^ (uint8_t)flip;
			if (use_if_sound(&s.forest))
				harmless++;
			else
				refused++;
		}
		*byte = was;
	}
	EXPECT(refused > 10000 && harmless > 1000);
}

TEST(a_forest_that_was_cut_or_lies_of_its_size_is_refused)
{
	struct glob_forest lie;
	struct specimen s;

	make_specimen(&s);
	for (uint32_t count = 1; count < s.forest.node_count; count++) {
		lie = s.forest;
		lie.node_count = count;
		/* Whole trees may be missing at the end. */
		EXPECT(!use_if_sound(&lie) ||
		    s.forest.nodes[count].kind == GLOB_ROOT);
	}
	for (uint32_t count = 0; count < s.forest.byte_count; count++) {
		lie = s.forest;
		lie.byte_count = count;
		EXPECT(!use_if_sound(&lie));
	}
	lie = s.forest;
	lie.levels--;
	EXPECT(!use_if_sound(&lie));
	lie = s.forest;
	lie.tree_nodes--;
	EXPECT(!use_if_sound(&lie));
	lie = (struct glob_forest){0};
	EXPECT(glob_forest_is_sound(&lie));
	EXPECT(!glob_root_is_sound(&lie, 0, '/'));
}

TEST(values_have_a_limit)
{
	struct specimen s;

	make_specimen(&s);
	EXPECT(glob_values_are_below(&s.forest, 12));
	EXPECT(!glob_values_are_below(&s.forest, 11));
}

/* Where one byte is not enough to do harm. */
TEST(lies_about_one_node_are_refused)
{
	struct glob_node *nodes, was;
	struct specimen s;
	unsigned runs = 0, several = 0;

	make_specimen(&s);
	nodes = (struct glob_node *)(void *)s.nodes;
	for (uint32_t i = 0; i < s.forest.node_count; i++) {
		was = nodes[i];
		if (glob_kind_is_run(was.kind) && was.run_len > 0) {
			nodes[i].run_len = 0;
			nodes[i].label = s.forest.byte_count;
			EXPECT(!use_if_sound(&s.forest));
			nodes[i] = was;
			runs++;
		}
		if (was.literals > 1) {
			struct glob_node *child =
			    &nodes[was.children + was.specials];
			uint8_t first = child[0].first;

			child[0].first = child[1].first;
			EXPECT(!use_if_sound(&s.forest));
			child[0].first = first;
			several++;
		}
		nodes[i].kind = was.kind == GLOB_ROOT ? GLOB_LITERAL
						      : GLOB_ROOT;
		EXPECT(!use_if_sound(&s.forest));
		nodes[i] = was;
	}
	EXPECT(runs > 3 && several > 1);
	EXPECT(use_if_sound(&s.forest));
}
