/* local_rules.c - edits of hand-written files keep all that was not meant */
#include "tests/unit/test.h"

#include "conf/local_rules.c"

#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static char *
edit(const char *before, const struct rule_change *changes, size_t count,
    size_t *changed)
{
	struct slice text = {
	    test_guarded(before, strlen(before)), strlen(before)};
	struct err err = {0};
	char *after = NULL;

	if (!rules_edit_text("t.yaml", text, changes, count, &after, changed,
		&err))
		test_fail(__FILE__, __LINE__, "%s", err.text);
	return after;
}

static void
expect_edit(const char *before, struct rule_change change, const char *wanted)
{
	size_t changed = 0;
	char *after = edit(before, &change, 1, &changed);

	EXPECT_TEXT(after, wanted);
	EXPECT_INT(changed, 1);
	free(after);
}

static void
expect_refused(const char *before, struct rule_change change,
    const char *message)
{
	struct err err = {0};
	size_t changed = 77;
	char *after = NULL;

	EXPECT(!rules_edit_text("t.yaml", slice_of(before), &change, 1, &after,
	    &changed, &err));
	EXPECT_TEXT(err.text, message);
	EXPECT(!after);
	EXPECT_INT(changed, 77);
}

#define ALLOW(...)                                                             \
	(struct rule_change)                                                   \
	{                                                                      \
		.edit = RULE_EDIT_ALLOW, __VA_ARGS__                           \
	}
#define DENY(...)                                                              \
	(struct rule_change)                                                   \
	{                                                                      \
		.edit = RULE_EDIT_DENY, __VA_ARGS__                            \
	}
#define REMOVE(...)                                                            \
	(struct rule_change)                                                   \
	{                                                                      \
		.edit = RULE_EDIT_REMOVE, __VA_ARGS__                          \
	}

TEST(an_empty_file_gets_a_head)
{
	expect_edit("", ALLOW(.resource = "localhost:12434"),
	    "# Rules typed with `penstock policy allow` and `penstock policy "
	    "deny`.\n# It may be edited by hand; comments are kept.\n"
	    "version: 1\nnetwork:\n  allow:\n    - localhost:12434\n");
	expect_edit("# mine", DENY(.resource = "a.com"),
	    "# mine\nversion: 1\nnetwork:\n  deny:\n    - a.com\n");
	expect_edit("{} # nothing\n", DENY(.resource = "a.com"),
	    "version: 1\nnetwork:\n  deny:\n    - a.com\n # nothing\n");
}

TEST(what_is_missing_is_made)
{
	expect_edit("version: 1\n", ALLOW(.resource = "a.com"),
	    "version: 1\nnetwork:\n  allow:\n    - a.com\n");
	expect_edit("version: 1", ALLOW(.resource = "a.com"),
	    "version: 1\nnetwork:\n  allow:\n    - a.com\n");
	expect_edit("version: 1\nnetwork: # x\n# y\n",
	    ALLOW(.resource = "a.com"),
	    "version: 1\nnetwork: # x\n  allow:\n    - a.com\n# y\n");
	expect_edit("version: 1\nnetwork:\n    allow:\n    - a.com # 1\n\n"
		    "tests: []\n",
	    DENY(.resource = "b.com"),
	    "version: 1\nnetwork:\n    allow:\n    - a.com # 1\n"
	    "    deny:\n      - b.com\n\ntests: []\n");
	expect_edit("version: 1\nnetwork: ~\n", ALLOW(.resource = "a.com"),
	    "version: 1\nnetwork: {allow: [a.com]}\n");
}

TEST(block_lists_grow_below_their_last_item)
{
	expect_edit("version: 1\nnetwork:\n  allow:\n    - a.com # first\n"
		    "    # about nothing\n  deny:\n    - c.com\n",
	    ALLOW(.resource = "*.b.com:443"),
	    "version: 1\nnetwork:\n  allow:\n    - a.com # first\n"
	    "    - \"*.b.com:443\"\n    # about nothing\n  deny:\n"
	    "    - c.com\n");
	expect_edit("version: 1\nnetwork:\n  allow:\n  - host: a.com\n"
		    "    comment: >-\n      long\n",
	    ALLOW(.resource = "b.com"),
	    "version: 1\nnetwork:\n  allow:\n  - host: a.com\n"
	    "    comment: >-\n      long\n  - b.com\n");
}

TEST(flow_lists_grow_inside_their_brackets)
{
	expect_edit("version: 1\nnetwork:\n  allow: [a.com, b.com] # two\n",
	    ALLOW(.resource = "10.0.0.0/8"),
	    "version: 1\nnetwork:\n  allow: [a.com, b.com, 10.0.0.0/8] # "
	    "two\n");
	expect_edit("version: 1\nnetwork:\n  allow: [ ]\n",
	    ALLOW(.resource = "::/0"),
	    "version: 1\nnetwork:\n  allow: [\"::/0\" ]\n");
	expect_edit("version: 1\nnetwork: { allow: [\n  a.com, # 1\n"
		    "  b.com, # 2\n] }\n",
	    ALLOW(.resource = "c.com"),
	    "version: 1\nnetwork: { allow: [\n  a.com, # 1\n"
	    "  b.com, c.com, # 2\n] }\n");
	expect_edit("version: 1\nnetwork: {allow: [a.com]}\n",
	    DENY(.resource = "b.com"),
	    "version: 1\nnetwork: {allow: [a.com], deny: [b.com]}\n");
	expect_edit("{version: 1}\n", DENY(.resource = "b.com"),
	    "{version: 1, network: {deny: [b.com]}}\n");
	expect_edit("{version: 1, network: {allow: }}\n",
	    ALLOW(.resource = "b.com"),
	    "{version: 1, network: {allow: [b.com]}}\n");
}

TEST(a_sandbox_has_its_own_section)
{
	expect_edit("version: 1\n",
	    ALLOW(.resource = "a.com", .sandbox = "web-1"),
	    "version: 1\nsandboxes:\n  web-1:\n    network:\n      allow:\n"
	    "        - a.com\n");
	expect_edit("version: 1\nsandboxes:\n  web-1: {network: {deny: []}}\n",
	    ALLOW(.resource = "a.com", .sandbox = "web-1"),
	    "version: 1\nsandboxes:\n  web-1: {network: {deny: [], "
	    "allow: [a.com]}}\n");
	expect_edit("version: 1\nsandboxes:\n  web-1:\n",
	    ALLOW(.resource = "a.com", .sandbox = "1.5"),
	    "version: 1\nsandboxes:\n  web-1:\n  \"1.5\":\n    network:\n"
	    "      allow:\n        - a.com\n");
	expect_refused("version: 1\n",
	    ALLOW(.resource = "a.com", .sandbox = "a b"),
	    "\"a b\" is no name of a sandbox");
}

TEST(options_make_the_long_form)
{
	expect_edit("version: 1\n",
	    ALLOW(.resource = "db.test:5432", .name = "the \"db\"",
		.comment = "ask: bob, #1", .expires = "2030-12-31",
		.raw = true),
	    "version: 1\nnetwork:\n  allow:\n    - { host: db.test:5432, "
	    "name: \"the \\\"db\\\"\", comment: \"ask: bob, #1\", "
	    "expires: 2030-12-31, raw: allow }\n");
	expect_edit("version: 1\nnetwork:\n  deny: []\n",
	    DENY(.resource = "a.test", .comment = "x\xc3\xa9"),
	    "version: 1\nnetwork:\n  deny: [{ host: a.test, comment: "
	    "\"x\xc3\xa9\" }]\n");
}

TEST(windows_lines_stay_windows_lines)
{
	expect_edit("version: 1\r\nnetwork:\r\n  allow:\r\n    - a.com\r\n",
	    ALLOW(.resource = "b.com"),
	    "version: 1\r\nnetwork:\r\n  allow:\r\n"
	    "    - a.com\r\n    - b.com\r\n");
	expect_edit("version: 1\r\nnetwork:\r\n  allow:\r\n    - a.com\r\n"
		    "    - b.com\r\n",
	    REMOVE(.resource = "a.com"),
	    "version: 1\r\n"
	    "network:\r\n  allow:\r\n    - b.com\r\n");
}

TEST(a_rule_in_force_is_not_added_twice)
{
	static const char text[] =
	    "version: 1\nnetwork:\n  allow:\n"
	    "    - EXAMPLE.com.\n    - {host: off.com, disabled: true}\n";
	struct rule_change same = ALLOW(.resource = "example.com");
	struct rule_change off = ALLOW(.resource = "off.com");
	size_t changed = 77;
	char *after = edit(text, &same, 1, &changed);

	EXPECT_TEXT(after, text);
	EXPECT_INT(changed, 0);
	free(after);
	after = edit(text, &off, 1, &changed);
	EXPECT_INT(changed, 1);
	free(after);
}

TEST(several_changes_are_made_in_turn)
{
	struct rule_change changes[] = {
	    ALLOW(.resource = "a.com"),
	    ALLOW(.resource = "b.com"),
	    DENY(.resource = "a.com"),
	    REMOVE(.resource = "b.com"),
	};
	size_t changed = 0;
	char *after = edit("version: 1\n", changes, 4, &changed);

	EXPECT_TEXT(after,
	    "version: 1\nnetwork:\n  allow:\n    - a.com\n"
	    "  deny:\n    - a.com\n");
	EXPECT_INT(changed, 4);
	free(after);
}

TEST(items_of_block_lists_go_with_their_lines)
{
	expect_edit("version: 1\nnetwork:\n  allow:\n    # about a\n"
		    "    - a.com # a\n    - b.com\n",
	    REMOVE(.resource = "a.com"),
	    "version: 1\nnetwork:\n  allow:\n    # about a\n    - b.com\n");
	expect_edit("version: 1\nnetwork:\n  allow:\n    - a.com",
	    REMOVE(.resource = "a.com"), "version: 1\nnetwork:\n  allow:\n");
	expect_edit("version: 1\nnetwork:\n  allow:\n  -\n    host: a.com\n"
		    "    name: a\n  - b.com\n",
	    REMOVE(.resource = "a.com"),
	    "version: 1\nnetwork:\n  allow:\n  - b.com\n");
	expect_edit("version: 1\nnetwork:\n  allow:\n  - host: a.com\n"
		    "    comment: |-\n      x\n\n  - b.com\n",
	    REMOVE(.resource = "b.com"),
	    "version: 1\nnetwork:\n  allow:\n  - host: a.com\n"
	    "    comment: |-\n      x\n\n");
}

TEST(items_of_flow_lists_go_with_their_comma)
{
	expect_edit("version: 1\nnetwork: {deny: [a.com, b.com, c.com]}\n",
	    REMOVE(.resource = "a.com"),
	    "version: 1\nnetwork: {deny: [b.com, c.com]}\n");
	expect_edit("version: 1\nnetwork: {deny: [a.com, b.com, c.com]}\n",
	    REMOVE(.resource = "b.com"),
	    "version: 1\nnetwork: {deny: [a.com, c.com]}\n");
	expect_edit("version: 1\nnetwork: {deny: [a.com, b.com, c.com]}\n",
	    REMOVE(.resource = "c.com"),
	    "version: 1\nnetwork: {deny: [a.com, b.com]}\n");
	expect_edit("version: 1\nnetwork: {deny: [a.com]}\n",
	    REMOVE(.resource = "a.com"), "version: 1\nnetwork: {deny: []}\n");
	expect_edit("version: 1\nnetwork:\n  deny: [\n    a.com, # a\n"
		    "    {host: b.com} # b, too\n  ]\n",
	    REMOVE(.resource = "b.com"),
	    "version: 1\nnetwork:\n  deny: [\n    a.com # a\n     # b, too\n"
	    "  ]\n");
}

TEST(removing_by_resource_is_about_one_scope)
{
	static const char text[] =
	    "version: 1\nnetwork:\n  allow: [a.com]\n"
	    "  deny: [a.com]\nsandboxes:\n  web: {network: {allow: [a.com]}}\n";
	struct rule_change all = REMOVE(.resource = "a.com");
	size_t changed = 0;
	char *after = edit(text, &all, 1, &changed);

	EXPECT_INT(changed, 2);
	EXPECT_TEXT(after,
	    "version: 1\nnetwork:\n  allow: []\n  deny: []\n"
	    "sandboxes:\n  web: {network: {allow: [a.com]}}\n");
	free(after);
	expect_edit(text, REMOVE(.resource = "a.com", .sandbox = "web"),
	    "version: 1\nnetwork:\n  allow: [a.com]\n  deny: [a.com]\n"
	    "sandboxes:\n  web: {network: {allow: []}}\n");
}

TEST(removing_by_id_takes_one)
{
	static const char text[] = "version: 1\nnetwork:\n"
				   "  allow: [a.com, a.com, b.com]\n";
	struct policy p;
	char id[RULE_ID_TEXT], other[RULE_ID_TEXT + 2];

	policy_init(&p);
	EXPECT(policy_parse("t", "file", slice_of(text), &p, NULL));
	rule_id_format(p.rules[1].hash, p.rules[1].repetition, id);
	rule_id_format(p.rules[2].hash, 7, other);
	policy_done(&p);
	EXPECT(strchr(id, '-'));
	expect_edit(text, REMOVE(.id = id),
	    "version: 1\nnetwork:\n  allow: [a.com, b.com]\n");
	/* Numbered among all files; here it is the first. */
	expect_edit(text, REMOVE(.id = other),
	    "version: 1\nnetwork:\n  allow: [a.com, a.com]\n");
}

TEST(what_is_not_there_changes_nothing)
{
	static const char text[] = "version: 1\npreset: balanced\n";
	struct rule_change changes[] = {REMOVE(.resource = "a.com"),
	    REMOVE(.id = "0123456789abcdef"),
	    REMOVE(.resource = "pypi.org:443")};
	size_t changed = 77;
	char *after = edit(text, changes, 3, &changed);

	EXPECT_INT(changed, 0);
	EXPECT_TEXT(after, text);
	free(after);
}

TEST(a_file_that_does_not_parse_is_not_touched)
{
	expect_refused("version: 1\nnetvork: {}\n", ALLOW(.resource = "a.com"),
	    "t.yaml:2:1: unknown key \"netvork\"; did you mean \"network\"?");
}

TEST(nothing_can_be_smuggled_in)
{
	size_t changed;
	struct rule_change sly = DENY(.resource = "a.com",
	    .comment = "x}, {host: evil.test");
	char *after = edit("version: 1\nnetwork:\n  deny: []\n", &sly, 1,
	    &changed);
	struct policy p;

	policy_init(&p);
	EXPECT(policy_parse("t", "file", slice_of(after), &p, NULL));
	EXPECT_INT(p.rule_count, 1);
	EXPECT_TEXT(p.rules[0].comment, "x}, {host: evil.test");
	policy_done(&p);
	free(after);
	expect_refused("version: 1\n",
	    DENY(.resource = "a.com", .comment = "two\nlines"),
	    "the change does not read back: "
	    "t.yaml:4:31: comment must be one line without control characters");
	expect_refused("version: 1\n",
	    ALLOW(.resource = "a.com", .expires = "tomorrow"),
	    "expires must be a day (2030-12-31) or a "
	    "time with its zone (2030-12-31T18:00:00Z), not \"tomorrow\"");
	expect_refused("version: 1\n", DENY(.resource = "a.com", .raw = true),
	    "the change does not read back: t.yaml:4:27: raw says how allowed "
	    "traffic passes, but this rule denies");
}

static void
expect_preset(const char *before, const char *preset, const char *wanted)
{
	struct err err = {0};
	char *after = NULL;

	if (!policy_set_preset_text("t.yaml", slice_of(before), preset, &after,
		&err))
		test_fail(__FILE__, __LINE__, "%s", err.text);
	EXPECT_TEXT(after, wanted);
	free(after);
}

TEST(a_preset_is_replaced_where_it_stands)
{
	char *starter = policy_starter("open");
	struct err err = {0};
	char *after = NULL;

	expect_preset("", "allow-all", starter);
	free(starter);
	expect_preset("version: 1\npreset: balanced # mine\n", "deny-all",
	    "version: 1\npreset: locked-down # mine\n");
	expect_preset("network:\n  allow: [a.com]\nversion: 1 # v\n", "open",
	    "network:\n  allow: [a.com]\nversion: 1 # v\npreset: open\n");
	expect_preset("{version: 1}\n", "open", "{version: 1, preset: open}\n");
	expect_preset("# nothing", "open",
	    "# nothing\nversion: 1\npreset: open\n");
	expect_preset("version: 1\npreset: balanced", "open",
	    "version: 1\npreset: open");
	expect_preset("version: 1\n# preset: x\nsandboxes:\n  preset: {}\n",
	    "open",
	    "version: 1\npreset: open\n# preset: x\nsandboxes:\n"
	    "  preset: {}\n");
	EXPECT(!policy_set_preset_text("t.yaml",
	    slice_of("preset: open\npreset: balanced\n"), "open", &after,
	    &err));
	EXPECT(!policy_set_preset_text("t.yaml", slice_of(""), "opun", &after,
	    &err));
	EXPECT(!policy_set_preset_text("t.yaml", slice_of("version: 2\n"),
	    "open", &after, &err));
}

TEST(a_starter_can_be_edited)
{
	char *starter = policy_starter("balanced");
	struct rule_change changes[] = {ALLOW(.resource = "a.com"),
	    DENY(.resource = "b.com"),
	    ALLOW(.resource = "c.com", .sandbox = "web-1")};
	size_t changed = 0;
	char *after = edit(starter, changes, 3, &changed);

	EXPECT_INT(changed, 3);
	EXPECT(strstr(after, "  allow:\n    - a.com\n    # - example.com\n"));
	EXPECT(strstr(after, "  deny:\n    - b.com\n    # - ads."));
	EXPECT(strstr(after, "net] }\nsandboxes:\n  web-1:\n"));
	free(after);
	free(starter);
}

TEST(files_are_made_locked_and_replaced)
{
	char directory[] = "/tmp/local-rules-XXXXXX", *path, *link_path, *at;
	struct rule_change change = ALLOW(.resource = "a.com");
	struct err err = {0};
	struct stat st;
	size_t changed = 0, len;

	EXPECT(mkdtemp(directory));
	path = file_join(directory, "state/local-rules.yaml");
	link_path = file_join(directory, "link.yaml");
	EXPECT(rules_edit_file(path, &change, 1, &changed, &err));
	EXPECT_INT(changed, 1);
	EXPECT(stat(path, &st) == 0);
	EXPECT_INT(st.st_mode & 0777, 0644);
	EXPECT(chmod(path, 0600) == 0 && symlink(path, link_path) == 0);
	change.resource = "b.com";
	EXPECT(rules_edit_file(link_path, &change, 1, &changed, &err));
	EXPECT(lstat(link_path, &st) == 0 && S_ISLNK(st.st_mode));
	EXPECT(stat(path, &st) == 0);
	EXPECT_INT(st.st_mode & 0777, 0600);
	EXPECT(file_read(path, 4096, &at, &len, &err));
	EXPECT(strstr(at, "    - a.com\n    - b.com\n"));
	free(at);
	unlink(link_path);
	unlink(path);
	free(path);
	path = file_join(directory, "state");
	rmdir(path);
	rmdir(directory);
	free(path);
	free(link_path);
}

/* Not only the text (local_secrets.c): what a policy makes of it is kept. */
TEST(bindings_stand_beside_rules)
{
	struct rule_change bind = {
	    .edit = RULE_EDIT_BIND, .secret = "openai", .binding = "{}"};

	expect_edit("version: 1\nnetwork:\n  allow: [a.com]\n", bind,
	    "version: 1\nnetwork:\n  allow: [a.com]\nsecrets:\n  openai: {}\n");
	expect_edit("version: 1\nsecrets:\n  openai: {}\n",
	    ALLOW(.resource = "a.com"),
	    "version: 1\nsecrets:\n  openai: {}\nnetwork:\n  allow:\n    - "
	    "a.com\n");
	bind.sandbox = "web-1";
	bind.binding = "{from: {env: KEY}}";
	expect_edit("version: 1\nsecrets:\n  openai: {}\n", bind,
	    "version: 1\nsecrets:\n  openai: {}\nsandboxes:\n  web-1:\n    "
	    "secrets:\n      openai: {from: {env: KEY}}\n");
	bind.binding = "{hosst: [a.com]}";
	expect_refused("version: 1\n", bind,
	    "the change does not read back: t.yaml:5:16: unknown key "
	    "\"hosst\"; did you mean \"hosts\"?");
}

static void
expect_reset(const char *before, const char *wanted)
{
	char *after;

	rules_reset_text("t.yaml", slice_of(before), &after);
	EXPECT_TEXT(after ? after : "nothing", wanted);
	free(after);
}

TEST(a_reset_leaves_bindings)
{
	expect_reset("", "nothing");
	expect_reset("version: 1\nnetwork:\n  allow: [a.com]\n", "nothing");
	expect_reset("version: 1\nsecrets:\n", "nothing");
	expect_reset("what: is this\n", "nothing");
	expect_reset("# mine\nversion: 1\nnetwork:\n  allow:\n    - a.com\n"
		     "secrets:\n  openai: {} # kept\nhttp: []\n",
	    "# mine\nversion: 1\nsecrets:\n  openai: {} # kept\n");
	expect_reset(
	    "version: 1\nsandboxes:\n  a:\n    network: {deny: [x.com]}"
	    "\n  b:\n    secrets: {openai: {}}\n    http: []\n  c: {}\n",
	    "version: 1\nsandboxes:\n  b:\n    secrets: {openai: {}}\n");
	expect_reset("{version: 1, network: {allow: [a.com]}, secrets: "
		     "{openai: {}}}",
	    "{version: 1, secrets: {openai: {}}}");
}
