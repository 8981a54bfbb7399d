/* presets.c - the policies that come with the program
 *
 * Their rules are compiled in (presets.def), so that there is no file that a
 * sandbox, an upgrade or a packager could change behind a policy that names
 * one. They have no line and no column.
 */
#include "conf/policy_file.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "base/text.h"

#define STARTER_LIMIT 16384

struct preset_rule {
	const char *group, *resource;
};

static const struct preset_rule open_rules[] = {
#define OPEN(group, resource) {group, resource},
#define BALANCED(group, resource)
#include "conf/presets.def"
#undef OPEN
#undef BALANCED
};

static const struct preset_rule balanced_rules[] = {
#define OPEN(group, resource)
#define BALANCED(group, resource) {group, resource},
#include "conf/presets.def"
#undef OPEN
#undef BALANCED
};

static const struct preset {
	const char *name;
	const struct preset_rule *rules;
	size_t count;
} presets[] = {
    {"open", open_rules, ARRAY_SIZE(open_rules)},
    {"balanced", balanced_rules, ARRAY_SIZE(balanced_rules)},
    {"locked-down", NULL, 0},
};

/* What the articles and older releases call them. */
static const struct {
	const char *name, *canonical;
} other_names[] = {
    {"allow-all", "open"},
    {"deny-all", "locked-down"},
    {"locked", "locked-down"},
};

static const struct preset *
find_preset(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(other_names); i++)
		if (strcmp(name, other_names[i].name) == 0)
			name = other_names[i].canonical;
	for (size_t i = 0; i < ARRAY_SIZE(presets); i++)
		if (strcmp(name, presets[i].name) == 0)
			return &presets[i];
	return NULL;
}

const char *
preset_canonical(const char *name)
{
	const struct preset *preset = name ? find_preset(name) : NULL;

	return preset ? preset->name : NULL;
}

static void
add_rule(struct policy *p, const struct preset_rule *from, uint32_t origin)
{
	char room[RESOURCE_ROOM];
	struct policy_rule rule = {
	    .name = from->group,
	    .decision = DECISION_ALLOW,
	    .origin = origin,
	};

	CHECK(resource_parse(slice_of(from->resource), room, &rule.resource,
	    NULL));
	policy_add_rule(p, &rule);
}

bool
policy_add_preset(struct policy *p, const char *name)
{
	const struct preset *preset = name ? find_preset(name) : NULL;
	char file[32];
	uint32_t origin;

	if (!preset)
		return false;
	snprintf(file, sizeof(file), "preset %s", preset->name);
	origin = policy_add_origin(p, file, "preset");
	for (size_t i = 0; i < preset->count; i++)
		add_rule(p, &preset->rules[i], origin);
	free(p->preset);
	p->preset = memory_text(preset->name);
	p->is_empty = false;
	return true;
}

static const char starter[] =
    "version: 1\n"
    "\n"
    "# open: every public name and address; balanced: what coding agents\n"
    "# commonly need; locked-down: nothing but the rules below. In all of\n"
    "# them private and other special addresses stay shut.\n"
    "preset: %s\n"
    "\n"
    "network:\n"
    "  # A host, *.host (one label more) or **.host (one or more), with "
    ":PORT,\n"
    "  # or a network such as 10.1.2.0/24:5432. A pattern that begins with a\n"
    "  # star needs quotes. localhost:PORT is a service of this machine, "
    "which\n"
    "  # sandboxes reach as host.docker.internal:PORT.\n"
    "  allow:\n"
    "    # - example.com\n"
    "    # - \"*.example.org:443\"\n"
    "    # - localhost:12434\n"
    "    # - { host: git.example.net:22, name: git, expires: 2030-12-31 }\n"
    "  # A deny wins over every allow.\n"
    "  deny:\n"
    "    # - ads.example.com\n"
    "    # - { host: \"**.example.net\", except: [www.example.net] }\n"
    "\n"
    "# On a host with an HTTP rule that allows, only the requests that such\n"
    "# rules describe pass; one that only denies takes some of them away.\n"
    "# http:\n"
    "#   - name: github, read only\n"
    "#     host: api.github.com\n"
    "#     allow: { methods: [GET, HEAD], paths: [\"/repos/**\"] }\n"
    "\n"
    "# On top of what stands above, for one sandbox alone; its name need not\n"
    "# exist yet.\n"
    "# sandboxes:\n"
    "#   web-1:\n"
    "#     network:\n"
    "#       allow: [example.org]\n"
    "\n"
    "# `penstock policy test` checks that the policy means what you mean.\n"
    "# tests:\n"
    "#   - { expect: deny, url: \"https://ads.example.com/\" }\n";

char *
policy_starter(const char *name)
{
	const struct preset *preset = name ? find_preset(name) : NULL;
	struct text t;

	if (!preset)
		return NULL;
	text_init(&t, STARTER_LIMIT);
	text_add_format(&t, starter, preset->name);
	CHECK(!t.cut);
	return t.at;
}
