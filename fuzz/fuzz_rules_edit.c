/* fuzz_rules_edit.c - edits of any text that is a policy
 *
 * The first byte chooses the edit, the text up to the first NUL is its resource
 * (and the terms of an HTTP rule behind a blank) or a secret's name (and its
 * binding), the rest is the file. An edit that is made reads back with one rule
 * more or some fewer, of a binding with as many, and made again it changes
 * nothing. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "conf/local_rules.h"
#include "conf/policy_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static size_t
rules_in(struct slice text)
{
	struct policy p;
	size_t count;

	policy_init(&p);
	CHECK(policy_parse("f", "file", text, &p, NULL));
	count = p.rule_count;
	policy_done(&p);
	return count;
}

static void
edit(struct slice before, const struct rule_change *change)
{
	size_t changed = 0, again = 0, rules;
	char *after = NULL, *same = NULL;
	struct err err = {0};

	if (!rules_edit_text("f", before, change, 1, &after, &changed, &err)) {
		CHECK(err.kind != ERR_NONE && !after);
		return;
	}
	rules = rules_in(slice_of(after));
	if (change->secret)
		CHECK(rules == rules_in(before) && changed <= 1);
	else if (change->edit == RULE_EDIT_REMOVE)
		CHECK(rules + changed == rules_in(before));
	else
		CHECK(rules == rules_in(before) + changed && changed <= 1);
	CHECK(rules_edit_text("f", slice_of(after), change, 1, &same, &again,
	    &err));
	CHECK(again == 0 && strcmp(after, same) == 0);
	free(after);
	free(same);
}

/* What a reset leaves has no rules, and is left as it is by another. */
static void
reset(struct slice before)
{
	char *after, *again;

	rules_reset_text("f", before, &after);
	if (!after)
		return;
	CHECK(rules_in(slice_of(after)) == 0);
	rules_reset_text("f", slice_of(after), &again);
	CHECK(again && strcmp(after, again) == 0);
	free(after);
	free(again);
}

/* What stands behind the first blank. */
static const char *
cut_terms(char *resource)
{
	char *blank = strchr(resource, ' ');

	if (!blank)
		return "{}";
	*blank = '\0';
	return blank + 1;
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct slice rest, resource, file;
	struct rule_change change = {0};
	char *text;

	if (len < 2)
		return 0;
	rest = (struct slice){(const char *)at + 1, len - 1};
	slice_cut(rest, '\0', &resource, &file);
	text = memory_text_of(resource.at, resource.len);
	change.edit = (enum rule_edit)(at[0] % 3);
	change.resource = text;
	change.sandbox = at[0] & 8 ? "web-1" : NULL;
	change.raw = (at[0] & 16) && change.edit == RULE_EDIT_ALLOW;
	change.comment = at[0] & 32 ? "two: words, [x]" : NULL;
	if (at[0] & 64)
		change.http = cut_terms(text);
	if (at[0] & 128) {
		change.edit = at[0] & 1 ? RULE_EDIT_UNBIND : RULE_EDIT_BIND;
		change.binding = cut_terms(text);
		change.secret = text;
	}
	edit(file, &change);
	reset(file);
	free(text);
	return 0;
}
