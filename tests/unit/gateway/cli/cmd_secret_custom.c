/* cmd_secret_custom.c - what is typed becomes a binding that says just that */
#include "gateway/cli/cmd_secret_custom.c"

#include "conf/policy_file.h"
#include "tests/unit/test.h"

static struct option_list
list_of(const char **texts)
{
	struct option_list l = {.at = texts};

	while (texts[l.count])
		l.count++;
	return l;
}

#define LIST(...) list_of((const char *[]){__VA_ARGS__, NULL})

static const char *
written(const struct custom_flags *f)
{
	static char out[BINDING_MAX];
	struct text t;

	text_init(&t, BINDING_MAX);
	write_binding(f, &t);
	snprintf(out, sizeof(out), "%s", t.at);
	text_done(&t);
	return out;
}

/* The binding as a policy's reader understands it. */
static const struct policy_secret *
understood(const struct custom_flags *f, struct policy *p)
{
	char text[BINDING_MAX + 64];
	struct err err = {0};

	snprintf(text, sizeof(text), "version: 1\nsecrets:\n  it: %s\n",
	    written(f));
	policy_init(p);
	if (!policy_parse("t.yaml", "local", slice_of(text), p, &err))
		test_fail(__FILE__, __LINE__, "%s\n%s", err.text, text);
	EXPECT_INT(p->secret_count, 1);
	return &p->secrets[0];
}

TEST(a_header)
{
	struct custom_flags f = {.host = LIST("api.example.com"),
	    .env = LIST("A_KEY", "B_KEY"),
	    .header = "X-Api-Key"};
	const struct policy_secret *s;
	struct policy p;

	EXPECT_TEXT(written(&f),
	    "{hosts: [api.example.com], inject: {header: \"X-Api-Key\", "
	    "format: \"%s\"}, env: [A_KEY, B_KEY]}");
	s = understood(&f, &p);
	EXPECT_INT(s->binding.way, SECRET_HEADER);
	EXPECT_TEXT(s->binding.header, "x-api-key");
	EXPECT_TEXT(s->binding.format, "%s");
	EXPECT_TEXT(s->binding.env, "A_KEY,B_KEY");
	policy_done(&p);
	f.format = "Token token=\"%s\"";
	s = understood(&f, &p);
	EXPECT_TEXT(s->binding.format, "Token token=\"%s\"");
	policy_done(&p);
}

TEST(basic_and_query)
{
	struct custom_flags f = {.host = LIST("a.com", "b.com:8443")};
	const struct policy_secret *s;
	struct policy p;

	f.basic = "me, {you}";
	s = understood(&f, &p);
	EXPECT_INT(s->binding.way, SECRET_BASIC);
	EXPECT_TEXT(s->binding.username, "me, {you}");
	EXPECT_INT(s->host_count, 2);
	policy_done(&p);
	f.basic = NULL;
	f.query = "api key";
	s = understood(&f, &p);
	EXPECT_INT(s->binding.way, SECRET_QUERY);
	EXPECT_TEXT(s->binding.parameter, "api key");
	EXPECT_INT(s->binding.swap, 0);
	policy_done(&p);
}

TEST(without_a_way_the_placeholder_is_swapped)
{
	struct custom_flags f = {
	    .host = LIST("*.example.com"), .placeholder = "sk-{rand:20}"};
	const struct policy_secret *s;
	struct policy p;

	s = understood(&f, &p);
	EXPECT_INT(s->binding.way, SECRET_SWAP_ONLY);
	EXPECT_INT(s->binding.swap,
	    SWAP_HEADERS | SWAP_QUERY | SWAP_PATH | SWAP_BODY);
	EXPECT_TEXT(s->binding.placeholder, "sk-{rand:20}");
	policy_done(&p);
	f.header = "X-Key";
	f.swap = true;
	s = understood(&f, &p);
	EXPECT_INT(s->binding.way, SECRET_HEADER);
	EXPECT(s->binding.swap != 0);
	policy_done(&p);
}

TEST(a_command_with_its_refresh)
{
	struct custom_flags f = {.host = LIST("a.com"),
	    .header = "X-Key",
	    .secret = {
		.command = "op read 'op://x/\"y\"' # {z}", .refresh = "55m"}};
	const struct policy_secret *s;
	struct policy p;

	s = understood(&f, &p);
	EXPECT_INT(s->binding.source, SOURCE_COMMAND);
	EXPECT_TEXT(s->binding.from, "op read 'op://x/\"y\"' # {z}");
	EXPECT_INT(s->binding.refresh_s, 55 * 60);
	policy_done(&p);
}

TEST(plaintext_is_for_this_machine)
{
	struct custom_flags f = {.host = LIST("localhost:8080"),
	    .header = "X-Key",
	    .plaintext = true};
	struct policy p;

	EXPECT(understood(&f, &p)->binding.plaintext);
	policy_done(&p);
}

static const char *
named(const struct custom_flags *f)
{
	static char out[128];
	char *name = name_of(f);

	snprintf(out, sizeof(out), "%s", name);
	free(name);
	return out;
}

TEST(it_has_a_name)
{
	EXPECT_TEXT(named(&(struct custom_flags){
			.host = LIST("a.com"), .env = LIST("JIRA_TOKEN")}),
	    "jira_token");
	EXPECT_TEXT(named(&(struct custom_flags){.host = LIST("A.com:8443")}),
	    "a.com");
	EXPECT_TEXT(named(&(struct custom_flags){.host = LIST("**.a.com")}),
	    "a.com");
	EXPECT_TEXT(named(&(struct custom_flags){.host = LIST("a.com"),
			.env = LIST("JIRA_TOKEN"),
			.name = "Mine"}),
	    "Mine");
}

TEST(what_does_not_fit_is_told)
{
	struct err err = {0};

	EXPECT(!ways_fit(&(struct custom_flags){.header = "X"}, &err));
	EXPECT_TEXT(err.text, "say where it goes: --host api.example.com");
	EXPECT(!ways_fit(&(struct custom_flags){.host = LIST("a.com"),
			     .header = "X",
			     .basic = "me"},
	    &err));
	EXPECT(!ways_fit(&(struct custom_flags){.host = LIST("a.com"),
			     .format = "Bearer %s"},
	    &err));
	EXPECT(!ways_fit(&(struct custom_flags){.host = LIST("a.com"),
			     .env = LIST("A=B")},
	    &err));
	EXPECT_INT(err.kind, ERR_USAGE);
	EXPECT(ways_fit(&(struct custom_flags){.host = LIST("a.com")}, &err));
}
