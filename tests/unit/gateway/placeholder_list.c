/* placeholder_list.c - each secret of a sandbox once, and no other sandbox's */
#include "gateway/placeholder_list.c"

#include <stdlib.h>

#include "conf/policy_file.h"
#include "tests/unit/test.h"

static const uint8_t seed[PLACEHOLDER_SEED] = {1};

static const char policy_text[] =
    "version: 1\n"
    "secrets:\n"
    "  github: {}\n" /* two ways, one secret */
    "  jira: {hosts: [j.com], inject: {header: X-K}, env: [A, B]}\n"
    "  fixed: {hosts: [f.com], inject: {header: X-K}, placeholder: "
    "fixed-text}\n"
    "sandboxes:\n"
    "  web-1:\n"
    "    secrets:\n"
    "      jira: none\n"
    "      own: {hosts: [o.com], inject: {header: X-K}, env: OWN}\n";

static json_t *
list_of(const char *sandbox)
{
	struct policy policy;
	struct err err = {0};
	struct image *image;
	uint8_t *bytes;
	size_t len;
	json_t *list;

	policy_init(&policy);
	if (!policy_parse("t.yaml", "file", slice_of(policy_text), &policy,
		&err) ||
	    !image_build(&policy, &bytes, &len, &err))
		test_fail(__FILE__, __LINE__, "%s", err.text);
	policy_done(&policy);
	image = image_open(bytes, len, &err);
	EXPECT(image != NULL);
	list = placeholder_list_json(image, sandbox, seed);
	image_close(image);
	free(bytes);
	return list;
}

static const char *
names_of(const json_t *list)
{
	static char out[256];

	out[0] = '\0';
	for (size_t i = 0; i < json_array_size(list); i++) {
		strcat(out, i ? " " : "");
		strcat(out,
		    json_string_value(json_object_get(json_array_get(list, i),
			"secret")));
	}
	return out;
}

TEST(each_secret_is_there_once)
{
	json_t *list = list_of("default");

	EXPECT_TEXT(names_of(list), "github jira fixed");
	json_decref(list);
	/* A sandbox that no policy names has what all have. */
	list = list_of("nobody");
	EXPECT_TEXT(names_of(list), "github jira fixed");
	json_decref(list);
	list = list_of("web-1");
	EXPECT_TEXT(names_of(list), "github fixed own");
	json_decref(list);
}

TEST(it_is_what_workers_know)
{
	json_t *list = list_of("default"), *jira = json_array_get(list, 1);
	char placeholder[PLACEHOLDER_MAX];
	char *env = json_dumps(json_object_get(jira, "env"), JSON_COMPACT);

	EXPECT_TEXT(env, "[\"A\",\"B\"]");
	free(env);
	placeholder_make(seed, "default",
	    &(struct secret_binding){
		.name = "jira", .placeholder = "penstock-{rand:32}"},
	    placeholder);
	EXPECT_TEXT(json_string_value(json_object_get(jira, "placeholder")),
	    placeholder);
	EXPECT(json_is_true(json_object_get(jira, "canary")));
	EXPECT(json_is_false(json_object_get(json_array_get(list, 2),
	    "canary")));
	json_decref(list);
}
