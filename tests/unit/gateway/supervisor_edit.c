/* supervisor_edit.c - what a change request may look like */
#include "tests/unit/test.h"

#include "gateway/supervisor_edit.c"

static struct err err;

/* The changes borrow from the list, which lives until the next call. */
static struct rule_change *
changes_of(const char *json, size_t *count)
{
	static json_t *list;

	json_decref(list);
	list = json_loads(json, 0, NULL);
	EXPECT(list != NULL);
	return read_changes(list, count, &err);
}

TEST(a_change_is_read_whole)
{
	size_t count;
	struct rule_change *c = changes_of(
	    "[{\"edit\":\"allow\",\"sandbox\":\"web-1\",\"resource\":\"a."
	    "test\","
	    "\"name\":\"n\",\"comment\":\"c\",\"expires\":\"2030-01-01\","
	    "\"raw\":true},{\"edit\":\"remove\",\"id\":\"abc\","
	    "\"sandbox\":null}]",
	    &count);

	EXPECT(c != NULL);
	EXPECT_INT(count, 2);
	EXPECT_INT(c[0].edit, RULE_EDIT_ALLOW);
	EXPECT_TEXT(c[0].sandbox, "web-1");
	EXPECT_TEXT(c[0].resource, "a.test");
	EXPECT_TEXT(c[0].expires, "2030-01-01");
	EXPECT(c[0].raw && !c[0].id);
	EXPECT_INT(c[1].edit, RULE_EDIT_REMOVE);
	EXPECT_TEXT(c[1].id, "abc");
	EXPECT(!c[1].sandbox && !c[1].raw);
	free(c);
}

static void
expect_refused(const char *json)
{
	size_t count;

	err = (struct err){0};
	EXPECT(changes_of(json, &count) == NULL);
	EXPECT_INT(err.kind, ERR_USAGE);
	EXPECT(*err.text);
}

TEST(what_is_no_list_of_changes_is_refused)
{
	expect_refused("{}");
	expect_refused("[]");
	expect_refused("[1]");
	expect_refused("[{}]");
	expect_refused("[{\"edit\":\"permit\"}]");
	expect_refused("[{\"edit\":\"allow\",\"resource\":7}]");
	expect_refused("[{\"edit\":\"allow\",\"sandbox\":[]}]");
}

TEST(an_error_names_the_file_it_is_about)
{
	err_set(&err, ERR_CONF, "/s/candidate-rules.yaml:3:5: no");
	rename_in(&err, "/s/candidate-rules.yaml", "/s/local-rules.yaml");
	EXPECT_TEXT(err.text, "/s/local-rules.yaml:3:5: no");
	err_set(&err, ERR_CONF, "policy.yaml:1:1: no");
	rename_in(&err, "/s/candidate-rules.yaml", "/s/local-rules.yaml");
	EXPECT_TEXT(err.text, "policy.yaml:1:1: no");
}

TEST(an_error_that_fills_its_room_is_cut_not_overrun)
{
	char longer[400];

	memset(longer, 'l', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	err_set(&err, ERR_CONF, "cand:3:5: %470s", "no");
	rename_in(&err, "cand", longer);
	EXPECT_INT(strlen(err.text), sizeof(err.text) - 1);
	EXPECT(strncmp(err.text, longer, 399) == 0);
}

TEST(the_file_that_init_writes_is_in_use_or_it_is_not)
{
	char *direct[] = {(char[]){"/c/policy.yaml"}};
	char *folder[] = {(char[]){"/x.yaml"}, (char[]){"/c/"}};
	char *other[] = {(char[]){"/c/policy.yaml.old"}, (char[]){"/d"}};
	struct paths paths = {.policy_file = direct[0]};
	struct settings settings = {.policy = direct, .policy_count = 1};
	struct supervisor s = {.paths = &paths, .settings = &settings};

	EXPECT(is_in_use(&s));
	settings.policy = folder;
	settings.policy_count = 2;
	EXPECT(is_in_use(&s));
	settings.policy = other;
	EXPECT(!is_in_use(&s));
}
