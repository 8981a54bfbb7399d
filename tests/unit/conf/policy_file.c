/* policy_file.c - good files, broken files, merged files, hostile files */
#include "tests/unit/test.h"

#include "conf/policy_file.c"

#include <jansson.h>
#include <stdio.h>

#include "base/text.h"
#include "tests/unit/conf/corpus.h"

static bool
parse(const char *text, size_t len, struct policy *p, struct err *err)
{
	policy_init(p);
	return policy_parse("t.yaml", "file",
	    (struct slice){test_guarded(text, len), len}, p, err);
}

/* tests/conf/good: what was understood, a line for each rule and test. */

static void
dump_conditions(const char *what, const struct http_condition *c, size_t count,
    struct text *t)
{
	for (size_t i = 0; i < count; i++)
		text_add_format(t, " %s=%s:%s", what, c[i].name, c[i].glob);
}

static void
dump_http(const struct http_terms *h, struct text *t)
{
	text_add(t, " http");
	for (size_t i = 0; i < h->method_count; i++)
		text_add_format(t, " %s", h->methods[i]);
	for (size_t i = 0; i < h->path_count; i++)
		text_add_format(t, " path=%s", h->paths[i]);
	dump_conditions("query", h->query, h->query_count, t);
	dump_conditions("header", h->headers, h->header_count, t);
}

static void
dump_rule(const struct policy_rule *r, struct text *t)
{
	char resource[RESOURCE_TEXT];

	resource_format(&r->resource, resource);
	text_add_format(t, "%u:%u %s %s", r->line, r->column,
	    r->decision == DECISION_ALLOW ? "allow" : "deny", resource);
	if (r->sandbox)
		text_add_format(t, " sandbox=%s", r->sandbox);
	if (*r->name)
		text_add_format(t, " name=%s", r->name);
	if (*r->comment)
		text_add_format(t, " comment=%s", r->comment);
	if (r->expires)
		text_add_format(t, " expires=%lld", (long long)r->expires);
	if (r->disabled)
		text_add(t, " disabled");
	if (r->raw)
		text_add(t, " raw");
	if (r->tls || r->sni || r->ech || r->refuse)
		text_add_format(t, " tls=%d sni=%d ech=%d refuse=%d", r->tls,
		    r->sni, r->ech, r->refuse);
	for (size_t i = 0; i < r->except_count; i++) {
		resource_format(&r->except[i], resource);
		text_add_format(t, " except=%s", resource);
	}
	if (r->http)
		dump_http(r->http, t);
	text_add_char(t, '\n');
}

static void
dump_limits(const struct secret_binding *b, struct text *t)
{
	if (*b->methods)
		text_add_format(t, " methods=%s", b->methods);
	if (*b->paths)
		text_add_format(t, " paths=\"%s\"", b->paths);
	if (b->calls_per_minute)
		text_add_format(t, " calls=%u", b->calls_per_minute);
	if (b->from_minute != b->to_minute)
		text_add_format(t, " minutes=%u-%u", b->from_minute,
		    b->to_minute);
}

/* How it goes into a request. */
static void
dump_way(const struct secret_binding *b, struct text *t)
{
	static const char *const ways[] = {"header", "basic", "query", "sigv4",
	    "oauth2", "swap", "client-certificate"};

	text_add_format(t, " %s", ways[b->way]);
	if (*b->header)
		text_add_format(t, " %s \"%s\"", b->header,
		    b->way == SECRET_BASIC ? b->username : b->format);
	if (*b->parameter)
		text_add_format(t, " %s", b->parameter);
	if (b->way == SECRET_SIGV4)
		text_add_format(t, " \"%s\" \"%s\"", b->region, b->aws_service);
	if (b->way == SECRET_OAUTH2)
		text_add_format(t, " %d %d %s %s \"%s\" \"%s\"", b->grant,
		    b->client_by, b->token_url, b->client_id, b->scope,
		    b->audience);
	if (b->swap)
		text_add_format(t, " swap=%u", b->swap);
}

static void
dump_secret(const struct policy_secret *s, struct text *t)
{
	static const char *const sources[] = {
	    "store", "env", "file", "command"};
	const struct secret_binding *b = &s->binding;
	char host[RESOURCE_TEXT];

	text_add_format(t, "%u:%u secret %s", s->line, s->column, b->name);
	if (s->sandbox)
		text_add_format(t, " sandbox=%s", s->sandbox);
	if (*b->service && strcmp(b->service, b->name) != 0)
		text_add_format(t, " service=%s", b->service);
	text_add(t, b->withheld ? " none" : b->disabled ? " disabled" : "");
	for (size_t i = 0; i < s->host_count; i++) {
		resource_format(&s->hosts[i], host);
		text_add_format(t, " %s", host);
	}
	dump_way(b, t);
	text_add_format(t, " \"%s\" env=%s from=%s", b->placeholder, b->env,
	    sources[b->source]);
	if (*b->from)
		text_add_format(t, " \"%s\"", b->from);
	if (b->refresh_s)
		text_add_format(t, " refresh=%u", b->refresh_s);
	if (b->plaintext)
		text_add(t, " plaintext");
	dump_limits(b, t);
	if (*b->comment)
		text_add_format(t, " comment=%s", b->comment);
	text_add_char(t, '\n');
}

static void
dump(const struct policy *p, struct text *t)
{
	text_add_format(t, "preset %s, %s\n", p->preset ? p->preset : "none",
	    p->is_empty ? "no policy" : "a policy");
	for (size_t i = 0; i < p->sandbox_count; i++)
		text_add_format(t, "sandbox %s\n", p->sandboxes[i]);
	for (size_t i = 0; i < p->rule_count; i++)
		dump_rule(&p->rules[i], t);
	for (size_t i = 0; i < p->secret_count; i++)
		dump_secret(&p->secrets[i], t);
	for (size_t i = 0; i < p->test_count; i++) {
		text_add_format(t, "%u test %s %s %s %s %s", p->tests[i].line,
		    p->tests[i].expect == DECISION_ALLOW ? "allow" : "deny",
		    p->tests[i].target,
		    p->tests[i].method ? p->tests[i].method : "-",
		    p->tests[i].sandbox ? p->tests[i].sandbox : "-",
		    p->tests[i].reason ? p->tests[i].reason : "-");
		for (size_t n = 0; n < p->tests[i].field_count; n++)
			text_add_format(t, " \"%s\"", p->tests[i].fields[n]);
		text_add(t, "\n");
	}
}

static bool
load_one(const char *path, struct policy *p, struct err *err)
{
	char *copy = memory_text(path);
	struct policy_sources from = {.paths = &copy, .path_count = 1};
	bool done = policy_load(&from, p, err);

	free(copy);
	return done;
}

static void
check_good(const char *path)
{
	char *expected = corpus_expected(path);
	struct err err = {0};
	struct policy p;
	struct text t;

	if (!load_one(path, &p, &err))
		test_fail(__FILE__, __LINE__, "%s", err.text);
	text_init(&t, 1 << 20);
	dump(&p, &t);
	if (strcmp(t.at, expected) != 0)
		test_fail(__FILE__, __LINE__, "%s: got\n%s", path, t.at);
	text_done(&t);
	policy_done(&p);
	free(expected);
}

TEST(good_files_say_what_they_mean)
{
	EXPECT(corpus_each("tests/conf/good", check_good) >= 15);
}

static void
check_bad(const char *path)
{
	struct err err = {0};
	struct policy p;

	EXPECT(!load_one(path, &p, &err));
	EXPECT_INT(err.kind, ERR_CONF);
	corpus_expect_message(path, err.text);
}

TEST(broken_files_tell_where_and_why)
{
	EXPECT(corpus_each("tests/conf/bad", check_bad) >= 90);
}

/* Merging. */

static char folder[] = "/tmp/policy-file-XXXXXX";

static char *
write_file(const char *name, const char *content)
{
	char *path = file_join(folder, name);
	struct err err = {0};

	if (!file_replace(path, slice_of(content), 0644, &err))
		test_fail(__FILE__, __LINE__, "%s", err.text);
	return path;
}

static void
make_folder(void)
{
	EXPECT(mkdtemp(folder));
}

static void
remove_folder(char *const *paths, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		unlink(paths[i]);
		free(paths[i]);
	}
	rmdir(folder);
}

static void
expect_dump(const struct policy_sources *from, const char *wanted)
{
	struct err err = {0};
	struct policy p;
	struct text t;

	if (!policy_load(from, &p, &err))
		test_fail(__FILE__, __LINE__, "%s", err.text);
	text_init(&t, 1 << 20);
	dump(&p, &t);
	EXPECT_TEXT(t.at, wanted);
	text_done(&t);
	policy_done(&p);
}

TEST(directories_are_read_in_the_order_of_their_names)
{
	make_folder();
	char *paths[] = {
	    write_file("20-b.yml", "version: 1\nnetwork: {deny: [b.com]}\n"),
	    write_file("10-c.yaml", "version: 1\nnetwork: {allow: [c.com]}\n"),
	    write_file(".10-d.yaml", "not read\n"),
	    write_file("readme.txt", "not read\n"),
	    write_file("a.yaml~", "not read\n"),
	};
	char *folders[] = {folder};
	struct policy_sources from = {.paths = folders, .path_count = 1};
	struct policy p;

	expect_dump(&from,
	    "preset none, a policy\n2:19 allow c.com\n"
	    "2:18 deny b.com\n");
	EXPECT(policy_load(&from, &p, NULL));
	EXPECT_INT(p.origin_count, 2);
	EXPECT_TEXT(p.origins[0].file, paths[1]);
	EXPECT_TEXT(p.origins[1].source, "file");
	policy_done(&p);
	remove_folder(paths, 5);
}

TEST(an_empty_directory_is_a_policy_that_denies_all)
{
	make_folder();
	char *folders[] = {folder};
	struct policy_sources from = {.paths = folders, .path_count = 1};

	expect_dump(&from, "preset none, a policy\n");
	rmdir(folder);
}

TEST(nothing_at_all_is_no_policy)
{
	struct policy_sources from = {0};

	expect_dump(&from, "preset none, no policy\n");
	from.local_file = "/nonexistent/local-rules.yaml";
	expect_dump(&from, "preset none, no policy\n");
}

TEST(a_missing_file_is_named)
{
	char path[] = "/nonexistent/missing.yaml", *paths[] = {path};
	struct policy_sources from = {.paths = paths, .path_count = 1};
	struct err err = {0};
	struct policy p;

	EXPECT(!policy_load(&from, &p, &err));
	EXPECT_INT(err.kind, ERR_CONF);
	EXPECT_TEXT(err.text,
	    "/nonexistent/missing.yaml: No such file or directory");
}

TEST(rules_of_a_preset_come_first_and_once)
{
	make_folder();
	char *paths[] = {
	    write_file("a.yaml", "version: 1\nnetwork: {deny: [b.com]}\n"),
	    write_file("b.yaml", "version: 1\npreset: open\n"),
	    write_file("c.yaml", "version: 1\npreset: open\n"),
	};
	struct policy_sources from = {.paths = paths, .path_count = 2};
	struct err err = {0};
	struct policy p;

	expect_dump(&from,
	    "preset open, a policy\n"
	    "0:0 allow ** name=default-open\n"
	    "0:0 allow 0.0.0.0/0 name=default-open\n"
	    "0:0 allow ::/0 name=default-open\n"
	    "2:18 deny b.com\n");
	from.path_count = 3;
	EXPECT(!policy_load(&from, &p, &err));
	EXPECT(strstr(err.text,
	    "/c.yaml:2:9: preset open is named already; "
	    "all files together name one preset"));
	remove_folder(paths, 3);
}

TEST(one_broken_file_spoils_all)
{
	make_folder();
	char *paths[] = {
	    write_file("a.yaml", "version: 1\nnetwork: {allow: [b.com]}\n"),
	    write_file("b.yaml", "version: 1\nnetwork: {deny: [b.com]\n"),
	};
	struct policy_sources from = {.paths = paths, .path_count = 2};
	struct policy p;
	struct err err = {0};

	EXPECT(!policy_load(&from, &p, &err));
	EXPECT_INT(err.kind, ERR_CONF);
	remove_folder(paths, 2);
}

TEST(local_rules_can_be_limited)
{
	make_folder();
	char *paths[] = {
	    write_file("a.yaml", "version: 1\nnetwork: {allow: [a.com]}\n"),
	    write_file("local.yaml",
		"version: 1\nnetwork:\n"
		"  allow: [b.com, {host: c.com, comment: mine}]\n"
		"  deny: [a.com]\n"),
	};
	struct policy_sources from = {
	    .paths = paths, .path_count = 1, .local_file = paths[1]};
	struct policy p;

	expect_dump(&from,
	    "preset none, a policy\n2:19 allow a.com\n"
	    "3:11 allow b.com\n3:18 allow c.com comment=mine\n"
	    "4:10 deny a.com\n");
	from.local_rules = LOCAL_RULES_DENY_ONLY;
	expect_dump(&from,
	    "preset none, a policy\n2:19 allow a.com\n"
	    "3:11 allow b.com comment=off: local_rules is deny-only disabled\n"
	    "3:18 allow c.com comment=mine (off: local_rules is deny-only) "
	    "disabled\n4:10 deny a.com\n");
	EXPECT(policy_load(&from, &p, NULL));
	EXPECT_TEXT(p.origins[1].source, "local");
	policy_done(&p);
	from.local_rules = LOCAL_RULES_OFF;
	expect_dump(&from, "preset none, a policy\n2:19 allow a.com\n");
	from.path_count = 0;
	expect_dump(&from, "preset none, no policy\n");
	remove_folder(paths, 2);
}

#define GROQ "api.groq.com:443 header authorization \"Bearer %s\" "
#define GROQ_ENV "\"gsk_{rand:52}\" env=GROQ_API_KEY "
#define KEY "\"penstock-{rand:32}\" env= from=store\n"

TEST(typed_secrets_give_way_to_files)
{
	make_folder();
	char *paths[] = {
	    write_file("a.yaml", "version: 1\nsecrets: {groq: }\n"),
	    write_file("local.yaml",
		"version: 1\n"
		"secrets:\n"
		"  groq: { from: { env: MINE } }\n"
		"  k: { hosts: [a.com], inject: { header: x-k } }\n"
		"sandboxes: { web-1: { secrets: { groq: none } } }\n"),
	};
	struct policy_sources from = {
	    .paths = paths, .path_count = 1, .local_file = paths[1]};

	expect_dump(&from,
	    "preset none, a policy\nsandbox web-1\n"
	    "2:11 secret groq " GROQ GROQ_ENV "from=store\n"
	    "3:3 secret groq disabled " GROQ GROQ_ENV "from=env \"MINE\"\n"
	    "4:3 secret k a.com:443 header x-k \"%s\" " KEY
	    "5:34 secret groq sandbox=web-1 none swap \"\" env= "
	    "from=store\n");
	/* What takes a secret away stays. */
	from.local_rules = LOCAL_RULES_DENY_ONLY;
	expect_dump(&from,
	    "preset none, a policy\nsandbox web-1\n"
	    "2:11 secret groq " GROQ GROQ_ENV "from=store\n"
	    "3:3 secret groq disabled " GROQ GROQ_ENV "from=env \"MINE\"\n"
	    "4:3 secret k disabled a.com:443 header x-k \"%s\" " KEY
	    "5:34 secret groq sandbox=web-1 none swap \"\" env= "
	    "from=store\n");
	remove_folder(paths, 2);
}

TEST(secrets_of_two_files_are_one_policy)
{
	make_folder();
	char *paths[] = {
	    write_file("a.yaml", "version: 1\nsecrets: {groq: }\n"),
	    write_file("b.yaml", "version: 1\nsecrets: {groq: }\n"),
	    write_file("c.yaml",
		"version: 1\nsecrets:\n"
		"  k: { hosts: [\"*.groq.com\"], inject: { header: "
		"Authorization } }\n"),
	};
	char *other[] = {paths[0], paths[2]};
	struct policy_sources from = {.paths = paths, .path_count = 2};
	struct err err = {0};
	struct policy p;

	EXPECT(!policy_load(&from, &p, &err));
	EXPECT(strstr(err.text, "b.yaml:2:11: the secret groq stands already"));
	EXPECT(strstr(err.text, "a.yaml:2:11"));
	from.paths = other;
	EXPECT(!policy_load(&from, &p, &err));
	EXPECT(strstr(err.text, "c.yaml:3:3: the secrets k and groq ("));
	EXPECT(strstr(err.text,
	    "a.yaml:2:11) both set the header authorization at "
	    "api.groq.com:443"));
	remove_folder(paths, 3);
}

TEST(a_preset_is_no_typed_rule)
{
	make_folder();
	char *paths[] = {write_file("l.yaml", "version: 1\npreset: open\n")};
	struct policy_sources from = {.local_file = paths[0]};
	struct err err = {0};
	struct policy p;

	EXPECT(!policy_load(&from, &p, &err));
	EXPECT(strstr(err.text,
	    "l.yaml:2:9: a preset stands in a policy file, "
	    "not among typed rules"));
	remove_folder(paths, 1);
}

TEST(rules_are_counted)
{
	static const char text[] = "version: 1\nnetwork:\n  deny: [a.com]\n";
	struct err err = {0};
	struct policy p;

	policy_init(&p);
	p.rule_count = RULES_MAX;
	EXPECT(!policy_parse("t.yaml", "file", slice_of(text), &p, &err));
	EXPECT_TEXT(err.text,
	    "t.yaml:3:10: a policy has at most 2000000 rules");
	p.rule_count = 0;
	policy_done(&p);
}

TEST(an_image_is_told_from_yaml)
{
	make_folder();
	char *paths[] = {write_file("a.img", "PENSTOCK\1\0"),
	    write_file("b.yaml", "# PENSTOCK\n"), write_file("c", "PENST")};

	EXPECT(policy_path_is_image(paths[0]));
	EXPECT(!policy_path_is_image(paths[1]));
	EXPECT(!policy_path_is_image(paths[2]));
	EXPECT(!policy_path_is_image(folder));
	EXPECT(!policy_path_is_image("/nonexistent"));
	remove_folder(paths, 3);
}

/* Hostile texts. */

static void
expect_no_allow(const char *text, size_t len)
{
	struct err err = {0};
	struct policy p;
	bool done = parse(text, len, &p, &err);

	for (size_t i = 0; i < p.rule_count; i++)
		EXPECT(p.rules[i].decision == DECISION_DENY);
	EXPECT(done || err.kind == ERR_CONF);
	/* Every complaint has its place. */
	EXPECT(done || strncmp(err.text, "t.yaml:", 7) == 0);
	policy_done(&p);
}

/* As an item of `deny:`, so that whatever it is, it is never an allow. */
static void
bend(struct slice text, struct text *bent)
{
	struct slice line;
	bool more = true, first = true;

	text_clear(bent);
	text_add(bent, "version: 1\nnetwork:\n  deny:\n");
	while (more) {
		more = slice_cut(text, '\n', &line, &text);
		text_add_format(bent, "%s%.*s\n", first ? "    - " : "      ",
		    SLICE_ARG(line));
		first = false;
	}
}

static void
each_case(void (*check)(const char *text, size_t len))
{
	char *path = file_join(test_suite("yaml-test-suite"), "cases.json");
	json_t *cases = json_load_file(path, JSON_ALLOW_NUL, NULL), *one;
	size_t index;

	EXPECT(json_array_size(cases) >= 190);
	json_array_foreach(cases, index, one)
	{
		json_t *yaml = json_object_get(one, "yaml");

		check(json_string_value(yaml), json_string_length(yaml));
	}
	json_decref(cases);
	free(path);
}

static void
check_bent(const char *text, size_t len)
{
	struct text bent;

	text_init(&bent, 1 << 20);
	bend((struct slice){text, len}, &bent);
	expect_no_allow(bent.at, bent.len);
	text_done(&bent);
}

TEST(the_yaml_suite_never_allows)
{
	each_case(expect_no_allow);
	each_case(check_bent);
}

static void
cut_everywhere(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		struct policy p;
		struct err err = {0};
		/* No guard page here: 20,000 of them are too many maps. */
		bool done;

		policy_init(&p);
		done = policy_parse("t.yaml", "file", (struct slice){text, i},
		    &p, &err);
		EXPECT(done || err.kind == ERR_CONF);
		for (size_t j = 0; j < p.rule_count; j++)
			EXPECT(p.rules[j].decision == DECISION_DENY);
		policy_done(&p);
	}
}

static void
cut_bent_everywhere(const char *text, size_t len)
{
	struct text bent;

	text_init(&bent, 1 << 20);
	bend((struct slice){text, len}, &bent);
	cut_everywhere(bent.at, bent.len);
	text_done(&bent);
}

TEST(the_yaml_suite_cut_at_every_byte_never_allows)
{
	each_case(cut_everywhere);
}

TEST(the_yaml_suite_as_items_cut_at_every_byte_never_allows)
{
	each_case(cut_bent_everywhere);
}

TEST(unquoted_ipv6_with_brackets_is_no_host)
{
	expect_no_allow("version: 1\nnetwork:\n  allow:\n    - [::1]:443\n",
	    strlen("version: 1\nnetwork:\n  allow:\n    - [::1]:443\n"));
}
