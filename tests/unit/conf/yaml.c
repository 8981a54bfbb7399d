/* yaml.c - positions, what is refused, and what a million lines cost */
#include "tests/unit/test.h"

#include "conf/yaml.c"

static struct yaml_document *
parse(const char *text, struct err *err)
{
	struct slice guarded = {test_guarded(text, strlen(text)), strlen(text)};

	return yaml_parse("t.yaml", guarded, err);
}

static void
expect_refused(const char *text, const char *message)
{
	struct err err = {0};
	struct yaml_document *d = parse(text, &err);

	EXPECT(!d);
	EXPECT_INT(err.kind, ERR_CONF);
	EXPECT_TEXT(err.text, message);
}

TEST(nodes_know_where_they_stand)
{
	struct err err = {0};
	struct yaml_document *d = parse("a: 1\nb:\n  - \xc3\xa9: x\n", &err);
	const struct yaml_node *list;

	EXPECT(d);
	EXPECT_INT(d->root->kind, YAML_MAP);
	EXPECT_INT(d->root->count, 2);
	EXPECT(slice_is(yaml_get(d->root, "a")->text, "1"));
	list = yaml_get(d->root, "b");
	EXPECT_INT(list->kind, YAML_LIST);
	EXPECT_INT(list->line, 3);
	EXPECT_INT(list->column, 3);
	EXPECT(!list->flow);
	EXPECT_INT(list->end_line, 0);
	EXPECT_INT(list->items[0]->keys[0]->column, 5);
	EXPECT_INT(list->items[0]->items[0]->column, 8);
	EXPECT_INT(list->items[0]->items[0]->end_column, 9);
	EXPECT(!yaml_get(d->root, "c"));
	EXPECT(!yaml_get(list, "a"));
	yaml_document_free(d);
}

TEST(flow_collections_know_their_end)
{
	struct err err = {0};
	struct yaml_document *d = parse("a: [x,\n 'y' ] # z\n", &err);
	const struct yaml_node *a;

	EXPECT(d);
	a = yaml_get(d->root, "a");
	EXPECT(a->flow);
	EXPECT_INT(a->end_line, 2);
	EXPECT_INT(a->end_column, 7);
	EXPECT(a->items[0]->plain);
	EXPECT(!a->items[1]->plain);
	yaml_document_free(d);
}

TEST(an_empty_document_has_no_root)
{
	static const char *const empty[] = {"", "\n", "# x\n", "\xef\xbb\xbf"};

	for (size_t i = 0; i < ARRAY_SIZE(empty); i++) {
		struct err err = {0};
		struct yaml_document *d = parse(empty[i], &err);

		EXPECT(d && !d->root);
		yaml_document_free(d);
	}
}

TEST(what_readers_read_differently_is_refused)
{
	expect_refused("a: 1\nb: 2\na: 3\n",
	    "t.yaml:3:1: key \"a\" stands here twice; the first is in line 1");
	expect_refused("a: &x 1\n",
	    "t.yaml:1:4: anchors are not read here "
	    "(&x); quote what begins with '&'");
	expect_refused("a: *x\n",
	    "t.yaml:1:4: aliases are not read here "
	    "(*x); quote what begins with '*'");
	expect_refused("a: !!str x\n",
	    "t.yaml:1:4: tags are not read here "
	    "(tag:yaml.org,2002:str); quote what begins with '!'");
	expect_refused("a: ! x\n",
	    "t.yaml:1:4: tags are not read here (!); "
	    "quote what begins with '!'");
	expect_refused("%YAML 1.1\n---\na: 1\n",
	    "t.yaml:1:1: directives "
	    "(%YAML, %TAG) are not read here");
	expect_refused("a: 1\n---\nb: 1\n",
	    "t.yaml:2:1: a second document "
	    "begins here; one file holds one");
	expect_refused("? [a]\n: 1\n",
	    "t.yaml:1:3: a key must be text, not a list or a map");
	expect_refused("[a]: 1\n",
	    "t.yaml:1:1: a key must be text, not a list or a map");
}

TEST(a_pattern_without_quotes_gets_a_hint)
{
	expect_refused("a:\n  - *.example.com\n",
	    "t.yaml:2:5: a pattern that "
	    "begins with '*' needs quotes, as in \"*.example.com\"");
	expect_refused("a:\n  - **\n",
	    "t.yaml:2:5: a pattern that begins with "
	    "'*' needs quotes, as in \"*.example.com\"");
}

TEST(characters_that_hide_things_are_refused)
{
	expect_refused("a: 1\rb: 2\n",
	    "t.yaml:1:5: a carriage return alone "
	    "ends no line; use LF or CRLF");
	expect_refused("# x\xe2\x80\xa8"
		       "a: 1\n",
	    "t.yaml:1:4: U+2028 and "
	    "U+2029 are line ends to some readers only; use LF");
	expect_refused("# x\xc2\x85"
		       "a: 1\n",
	    "t.yaml:1:4: U+0085 is a line "
	    "end to some readers only; use LF");
	expect_refused("a: x\xe2\x80\xae"
		       "y\n",
	    "t.yaml:1:5: a character that "
	    "turns the direction of text shows the line in another order than "
	    "it has");
	expect_refused("a: \x1b\n",
	    "t.yaml:1:4: control characters are not "
	    "allowed; a file is UTF-8 without control characters");
	expect_refused("a: \xff\n",
	    "t.yaml:1:4: invalid leading UTF-8 octet; "
	    "a file is UTF-8 without control characters");
}

TEST(utf_16_is_refused)
{
	struct err err = {0};
	static const char text[] = "\xff\xfe"
				   "a\0:\0 \0b\0";

	EXPECT(!yaml_parse("t.yaml",
	    (struct slice){
		test_guarded(text, sizeof(text) - 1), sizeof(text) - 1},
	    &err));
}

TEST(levels_are_limited)
{
	char deep[201];
	struct err err = {0};

	memset(deep, '[', 200);
	deep[200] = '\0';
	expect_refused(deep,
	    "t.yaml:1:65: more than 64 levels of lists and maps");
	memset(deep, '[', 64);
	memset(deep + 64, ']', 64);
	deep[128] = '\0';
	struct yaml_document *d = parse(deep, &err);

	EXPECT(d);
	yaml_document_free(d);
}

TEST(duplicate_keys_in_large_maps_are_found)
{
	struct text t;
	struct err err = {0};

	text_init(&t, 1 << 20);
	for (int i = 0; i < 1000; i++)
		text_add_format(&t, "k%d: %d\n", i, i);
	struct yaml_document *d = yaml_parse("t.yaml", text_slice(&t), &err);

	EXPECT(d);
	EXPECT_INT(d->root->count, 1000);
	EXPECT(slice_is(yaml_get(d->root, "k999")->text, "999"));
	yaml_document_free(d);
	text_add(&t, "k500: 1\n");
	EXPECT(!yaml_parse("t.yaml", text_slice(&t), &err));
	EXPECT_TEXT(err.text,
	    "t.yaml:1001:1: key \"k500\" stands here twice; "
	    "the first is in line 501");
	text_done(&t);
}

TEST(long_texts_are_kept_whole)
{
	struct text t;
	struct err err = {0};

	text_init(&t, 1 << 20);
	text_add(&t, "a: ");
	for (int i = 0; i < 100000; i++)
		text_add_char(&t, 'x');
	struct yaml_document *d = yaml_parse("t.yaml", text_slice(&t), &err);

	EXPECT(d);
	EXPECT_INT(yaml_get(d->root, "a")->text.len, 100000);
	EXPECT_INT(strlen(yaml_get(d->root, "a")->text.at), 100000);
	yaml_document_free(d);
	text_done(&t);
}

TEST(a_missing_file_is_a_wrong_configuration)
{
	struct err err = {0};

	EXPECT(!yaml_read("/nonexistent/x.yaml", 100, &err));
	EXPECT_INT(err.kind, ERR_CONF);
	EXPECT_TEXT(err.text, "/nonexistent/x.yaml: No such file or directory");
}

TEST(messages_show_no_control_characters)
{
	expect_refused("{\"\\e[2J\": 1, \"\\e[2J\": 2}",
	    "t.yaml:1:14: key "
	    "\"\\x1b[2J\" stands here twice; the first is in line 1");
}
