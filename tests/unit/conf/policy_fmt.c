/* policy_fmt.c - the one layout of a policy, and where comments go */
#include "tests/unit/test.h"

#include "conf/policy_fmt.c"

#include "base/file.h"
#include "tests/unit/conf/corpus.h"

static char *
fmt(const char *before)
{
	size_t len = strlen(before);
	struct err err = {0};
	char *after = NULL;

	if (!policy_fmt_text("t.yaml",
		(struct slice){test_guarded(before, len), len}, &after, &err))
		test_fail(__FILE__, __LINE__, "%s in\n%s", err.text, before);
	return after;
}

static void
expect_fmt(const char *before, const char *wanted)
{
	char *after = fmt(before), *again = fmt(after);

	EXPECT_TEXT(after, wanted);
	EXPECT_TEXT(again, wanted);
	free(after);
	free(again);
}

TEST(rules_have_a_line_each_and_one_form)
{
	expect_fmt(
	    "version: '1'\n"
	    "network: {deny: [ads.Example.com.], allow: ['*.b.com' , "
	    "{host: c.com},\n {raw: allow, host: 'd.com:22', name: \"git "
	    "host\"}]}\n",
	    "version: 1\n"
	    "network:\n"
	    "  deny:\n"
	    "    - ads.example.com\n"
	    "  allow:\n"
	    "    - \"*.b.com\"\n"
	    "    - c.com\n"
	    "    - { host: d.com:22, name: git host, raw: allow }\n");
}

TEST(secrets_say_who_where_and_how)
{
	expect_fmt("version: 1\n"
		   "sandboxes: {web-1: {secrets: {openai: none, groq: }}}\n"
		   "secrets:\n"
		   "  jira: {comment: x, env: JIRA, placeholder: "
		   "'sk-{rand:20}', from: {refresh: 5m, command: \"get it\"},\n"
		   "    inject: {format: 'Bearer %s', header: X-Key}, "
		   "hosts: [JIRA.test., 'b.test:8443']}\n"
		   "  # theirs\n"
		   "  openai: {limits: {hours: 08:00-18:00, methods: get}}\n",
	    "version: 1\n"
	    "sandboxes:\n"
	    "  web-1:\n"
	    "    secrets:\n"
	    "      openai: none\n"
	    "      groq:\n"
	    "secrets:\n"
	    "  jira:\n"
	    "    hosts: [jira.test, b.test:8443]\n"
	    "    inject: { header: X-Key, format: \"Bearer %s\" }\n"
	    "    from: { command: get it, refresh: 5m }\n"
	    "    env: JIRA\n"
	    "    placeholder: \"sk-{rand:20}\"\n"
	    "    comment: x\n"
	    "  # theirs\n"
	    "  openai: { limits: { methods: GET, hours: \"08:00-18:00\" } }\n");
}

TEST(what_does_not_fit_has_a_line_for_each_key)
{
	expect_fmt(
	    "network:\n"
	    "    deny:\n"
	    "    - {host: \"**.foo.com\", except: [a.foo.com, b.foo.com], "
	    "comment: asked for by bob}\n"
	    "    - {host: \"**.foo.com\", except: [a.foo.com, b.foo.com], "
	    "comment: asked by bob x}\n"
	    "version: 1\n",
	    "version: 1\n"
	    "network:\n"
	    "  deny:\n"
	    "    - host: \"**.foo.com\"\n"
	    "      comment: asked for by bob\n"
	    "      except: [a.foo.com, b.foo.com]\n"
	    "    - host: \"**.foo.com\"\n"
	    "      comment: asked by bob x\n"
	    "      except: [a.foo.com, b.foo.com]\n");
	/* 80 columns are in, 81 are not. */
	expect_fmt("version: 1\nnetwork: {allow: [{host: foo.com, comment: "
		   "'123456789 123456789 123456789 123456789 1234'}]}",
	    "version: 1\n"
	    "network:\n"
	    "  allow:\n"
	    "    - { host: foo.com, comment: \"123456789 123456789 123456789 "
	    "123456789 1234\" }\n");
	expect_fmt("version: 1\nnetwork: {allow: [{host: foo.com, comment: "
		   "'123456789 123456789 123456789 123456789 12345'}]}",
	    "version: 1\n"
	    "network:\n"
	    "  allow:\n"
	    "    - host: foo.com\n"
	    "      comment: \"123456789 123456789 123456789 123456789 "
	    "12345\"\n");
}

TEST(keys_move_but_no_rule_passes_another)
{
	expect_fmt("tests:\n- {url: a.com, expect: deny}\n"
		   "http:\n- allow: {path: /b, methods: [get]}\n  host: b.com\n"
		   "network: {deny: [], allow: }\n"
		   "preset: open\n# v\nversion: 1\n",
	    "# v\nversion: 1\n"
	    "preset: open\n"
	    "tests:\n"
	    "  - { expect: deny, url: \"a.com\" }\n"
	    "http:\n"
	    "  - { host: b.com, allow: { methods: [GET], path: \"/b\" } }\n"
	    "network:\n"
	    "  deny: []\n"
	    "  allow:\n");
}

TEST(letters_become_a_comment)
{
	expect_fmt("version: 1\nnetwork:\n  deny:\n  - b\xc3\xbc"
		   "cher.example\n  - {except: [a.k\xc3\xa4se.example], host: "
		   "\"**.B\xc3\x9c"
		   "CHER.example\"} # cheese\n",
	    "version: 1\nnetwork:\n  deny:\n"
	    "    - xn--bcher-kva.example # b\xc3\xbc"
	    "cher.example\n"
	    "    - { host: \"**.xn--bcher-kva.example\", except: "
	    "[a.xn--kse-qla.example] } # **.b\xc3\xbc"
	    "cher.example, a.k\xc3\xa4se.example; cheese\n");
}

#define TEXT_OF_COMMENTS                                                       \
	"# about the file\n"                                                   \
	"\n"                                                                   \
	"# about version\n"                                                    \
	"version: 1 # one\n"                                                   \
	"network: # net\n"                                                     \
	"  # about allow\n"                                                    \
	"  allow:\n"                                                           \
	"    # about a\n"                                                      \
	"    - a.com # a\n"                                                    \
	"\n"                                                                   \
	"    # about b,\n"                                                     \
	"    # two lines\n"                                                    \
	"    - host: b.com # b\n"                                              \
	"      # about b's name\n"                                             \
	"      name: b\n"                                                      \
	"      # behind b's name\n"                                            \
	"    # - commented.com\n"                                              \
	"  # about deny\n"                                                     \
	"  deny:\n"                                                            \
	"    # - nothing.com\n"                                                \
	"# about sandboxes\n"                                                  \
	"sandboxes:\n"                                                         \
	"  # nobody yet\n"                                                     \
	"\n"                                                                   \
	"# the end\n"

TEST(comments_stay_where_they_are)
{
	expect_fmt(TEXT_OF_COMMENTS, TEXT_OF_COMMENTS);
}

TEST(comments_move_with_what_they_are_about)
{
	expect_fmt("# head\n\n# p\npreset: open # is p\n\n\n# v\nversion: 1\n"
		   "network: { allow: [ # in\n a.com, # a\n # b\n {host: b.com "
		   "# is b\n } # closed\n # tail\n ] } # out\n# end",
	    "# head\n\n# v\nversion: 1\n\n# p\npreset: open # is p\n"
	    "network: # out\n"
	    "  allow: # in\n"
	    "    - a.com # a\n"
	    "    # b\n"
	    "    # closed\n"
	    "    - b.com # is b\n"
	    "    # tail\n"
	    "# end\n");
	expect_fmt("version: 1\nhttp:\n- # dash\n  allow: # terms\n    # m\n"
		   "    methods: [ get, # g\n      put ]\n"
		   "  # about host\n  host: >- # folded\n    a.com\n"
		   "  # behind\n",
	    "version: 1\nhttp:\n"
	    "  # dash\n"
	    "  # about host\n"
	    "  - host: a.com # folded\n"
	    "    allow: # terms\n"
	    "      # m\n"
	    "      methods:\n"
	    "        - GET # g\n"
	    "        - PUT\n"
	    "    # behind\n");
}

TEST(files_of_comments_and_nothing_are_kept)
{
	expect_fmt("", "");
	expect_fmt("\n\n# a  \n\n\n#b\n\n", "# a\n\n#b\n");
	expect_fmt("{} # a\n# b", "{}\n# a\n# b\n");
	expect_fmt("\xef\xbb\xbf# a\nversion: 1", "# a\nversion: 1\n");
	expect_fmt("version: 1\r\nnetwork: {deny: [a.com]} # x\r\n",
	    "version: 1\r\nnetwork: # x\r\n  deny:\r\n    - a.com\r\n");
}

TEST(texts_are_quoted_where_a_reader_could_differ)
{
	expect_fmt("version: 1\nnetwork:\n  allow:\n"
		   "  - {host: a.com, name: 'no', comment: 'a: b'}\n"
		   "  - {host: a.com, name: 'a, b', comment: \"it's (so)\"}\n"
		   "  - {host: a.com, name: 'a #b', comment: '12'}\n"
		   "  - host: \"a.com\"\n    name: 'a, b'\n    comment: |-\n"
		   "      x   x\n    # y\n",
	    "version: 1\nnetwork:\n  allow:\n"
	    "    - { host: a.com, name: \"no\", comment: \"a: b\" }\n"
	    "    - { host: a.com, name: \"a, b\", comment: it's (so) }\n"
	    "    - { host: a.com, name: \"a #b\", comment: \"12\" }\n"
	    "    - host: a.com\n      name: a, b\n      comment: x   x\n"
	    "      # y\n");
}

TEST(what_is_no_policy_is_refused_with_its_place)
{
	struct err err = {0};
	char *after = NULL;

	EXPECT(!policy_fmt_text("t.yaml",
	    SLICE_LITERAL("version: 1\nbogus: 1\n"), &after, &err));
	EXPECT_INT(strncmp(err.text, "t.yaml:2:1: ", 12), 0);
	EXPECT_INT(err.kind, ERR_CONF);
	EXPECT(!after);
}

/* policy_fmt_text() looks itself whether the policy is the same. */
static void
check_good(const char *path)
{
	struct err err = {0};
	char *at, *after;
	size_t len;

	EXPECT(file_read(path, 1 << 20, &at, &len, &err));
	if (!policy_fmt_text(path, (struct slice){at, len}, &after, &err))
		test_fail(__FILE__, __LINE__, "%s", err.text);
	free(after);
	free(at);
}

TEST(every_good_file_can_be_laid_out)
{
	EXPECT(corpus_each("tests/conf/good", check_good) >= 15);
}

TEST(what_policy_init_writes_stays_as_it_is)
{
	char *starter = policy_starter("balanced");

	expect_fmt(starter, starter);
	free(starter);
}

/* A change of meaning would be seen: the look itself, broken on purpose. */
TEST(another_policy_is_not_taken_for_the_same)
{
	static const char *const others[] = {"version: 1\n",
	    "version: 1\nnetwork: {allow: [b.com, a.com]}\n",
	    "version: 1\nnetwork: {allow: [a.com, b.com:443]}\n",
	    "version: 1\nnetwork: {allow: [a.com], deny: [b.com]}\n",
	    "version: 1\npreset: open\nnetwork: {allow: [a.com, b.com]}\n",
	    "version: 1\nnetwork: {allow: [a.com, b.com]}\nsandboxes: {a: }\n",
	    ("version: 1\nnetwork: {allow: [a.com, b.com]}\n"
	     "tests: [{expect: deny, url: a.com}]\n")};
	struct err err = {0};
	struct policy p;

	policy_init(&p);
	EXPECT(policy_parse("t", "file",
	    SLICE_LITERAL("version: 1\nnetwork: {allow: [a.com, b.com]}\n"), &p,
	    &err));
	EXPECT(says_the_same("t", &p,
	    SLICE_LITERAL("version: 1\nnetwork: {allow: [A.com, b.com]}\n")));
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		EXPECT(!says_the_same("t", &p, slice_of(others[i])));
	policy_done(&p);
	EXPECT(!is_canonical("t", SLICE_LITERAL("version:  1\n"), 0));
	EXPECT(!is_canonical("t", SLICE_LITERAL("version: 1 # a\n"), 0));
	EXPECT(is_canonical("t", SLICE_LITERAL("version: 1 # a\n"), 1));
}
