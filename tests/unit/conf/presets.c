/* presets.c - what they hold, what they are called, how they begin */
#include "tests/unit/test.h"

#include "conf/presets.c"

#include "rules/special.h"

TEST(names_of_then_and_of_now)
{
	EXPECT_TEXT(preset_canonical("open"), "open");
	EXPECT_TEXT(preset_canonical("allow-all"), "open");
	EXPECT_TEXT(preset_canonical("balanced"), "balanced");
	EXPECT_TEXT(preset_canonical("locked-down"), "locked-down");
	EXPECT_TEXT(preset_canonical("deny-all"), "locked-down");
	EXPECT_TEXT(preset_canonical("locked"), "locked-down");
	EXPECT(!preset_canonical("Open"));
	EXPECT(!preset_canonical(""));
	EXPECT(!preset_canonical(NULL));
}

static size_t
count_in(const struct policy *p, const char *group)
{
	size_t count = 0;

	for (size_t i = 0; i < p->rule_count; i++)
		count += strcmp(p->rules[i].name, group) == 0;
	return count;
}

static bool
has(const struct policy *p, const char *resource)
{
	char text[RESOURCE_TEXT];

	for (size_t i = 0; i < p->rule_count; i++) {
		resource_format(&p->rules[i].resource, text);
		if (strcmp(text, resource) == 0)
			return true;
	}
	return false;
}

TEST(balanced_is_the_whole_list)
{
	struct policy p;

	policy_init(&p);
	EXPECT(policy_add_preset(&p, "balanced"));
	EXPECT_INT(p.rule_count, 193);
	EXPECT_INT(count_in(&p, "default-ai-services"), 22);
	EXPECT_INT(count_in(&p, "default-package-managers"), 56);
	EXPECT_INT(count_in(&p, "default-code-and-containers"), 33);
	EXPECT_INT(count_in(&p, "default-cloud-infrastructure"), 35);
	EXPECT_INT(count_in(&p, "default-os-packages"), 17);
	EXPECT_INT(count_in(&p, "default-cert-validation"), 30);
	EXPECT(has(&p, "**.debian.org:80") && has(&p, "**.debian.org:443"));
	EXPECT(has(&p, "crl*.digicert.com:80"));
	EXPECT_TEXT(p.preset, "balanced");
	EXPECT_TEXT(p.origins[0].file, "preset balanced");
	EXPECT_TEXT(p.origins[0].source, "preset");
	EXPECT(!p.is_empty);
	policy_done(&p);
}

TEST(no_rule_stands_in_balanced_twice)
{
	struct policy p;

	policy_init(&p);
	EXPECT(policy_add_preset(&p, "balanced"));
	for (size_t i = 0; i < p.rule_count; i++)
		EXPECT_INT(p.rules[i].repetition, 1);
	policy_done(&p);
}

TEST(open_leaves_special_ranges_shut)
{
	struct policy p;

	policy_init(&p);
	EXPECT(policy_add_preset(&p, "open"));
	EXPECT_INT(p.rule_count, 3);
	for (size_t i = 0; i < p.rule_count; i++)
		EXPECT(p.rules[i].resource.kind != RESOURCE_LOCALHOST &&
		    (p.rules[i].resource.kind != RESOURCE_NETWORK ||
			!network_is_special(&p.rules[i].resource.network,
			    p.rules[i].resource.bits)));
	policy_done(&p);
}

TEST(locked_down_has_no_rule_but_is_a_policy)
{
	struct policy p;

	policy_init(&p);
	EXPECT(policy_add_preset(&p, "deny-all"));
	EXPECT_INT(p.rule_count, 0);
	EXPECT_TEXT(p.preset, "locked-down");
	EXPECT(!p.is_empty);
	EXPECT(!policy_add_preset(&p, "none"));
	policy_done(&p);
}

TEST(a_starter_parses_and_adds_nothing_of_its_own)
{
	char *text = policy_starter("allow-all");
	struct err err = {0};
	struct policy p;

	policy_init(&p);
	if (!policy_parse("t.yaml", "file", slice_of(text), &p, &err))
		test_fail(__FILE__, __LINE__, "%s", err.text);
	EXPECT_TEXT(p.preset, "open");
	EXPECT_INT(p.rule_count, 3);
	EXPECT_INT(p.test_count, 0);
	policy_done(&p);
	free(text);
	EXPECT(!policy_starter("nothing"));
}

/* Whoever takes the '#' away must get something that parses. */
TEST(the_examples_in_a_starter_parse)
{
	char *text = policy_starter("locked-down"), *to = text;
	struct err err = {0};
	struct policy p;
	bool prose = false;

	for (char *at = text; *at; at++) {
		char *line = at + strspn(at, " ");

		if (at == text || at[-1] == '\n')
			prose = *line == '#' && strncmp(line, "# -", 3) != 0 &&
			    strncmp(line, "# http:", 7) != 0 &&
			    strncmp(line, "# sandboxes:", 12) != 0 &&
			    strncmp(line, "# tests:", 8) != 0 &&
			    strncmp(line, "#   ", 4) != 0;
		if (prose)
			continue;
		if (line[0] == '#' && (at == text || at[-1] == '\n')) {
			memmove(to, at, (size_t)(line - at));
			to += line - at;
			at = line + 2;
		}
		*to++ = *at;
	}
	*to = '\0';
	policy_init(&p);
	if (!policy_parse("t.yaml", "file", slice_of(text), &p, &err))
		test_fail(__FILE__, __LINE__, "%s in\n%s", err.text, text);
	EXPECT_INT(p.rule_count, 8);
	EXPECT_INT(p.test_count, 1);
	policy_done(&p);
	free(text);
}
