/* lint.c - what in a policy is likely a mistake
 *
 * The findings of the parts (lint_single.c, lint_breadth.c, lint_pairs.c) come
 * together here: what the author has seen already, by a comment or a flag, is
 * left out, and the rest is put in the order of the files.
 */
#include "rules/lint.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "rules/lint_internal.h"

#define SILENCE "lint: ok"

static const struct {
	const char *id, *sentence, *advice;
	enum lint_severity severity;
} kinds[] = {
#define LINT(id, name, severity, sentence, advice)                             \
	{name, sentence, advice, LINT_##severity},
#include "rules/lint.def"
#undef LINT
};
static_assert(ARRAY_SIZE(kinds) == LINT_COUNT, "one line each");

const char *
lint_id(enum lint_kind k)
{
	return kinds[k].id;
}

const char *
lint_sentence(enum lint_kind k)
{
	return kinds[k].sentence;
}

const char *
lint_advice(enum lint_kind k)
{
	return kinds[k].advice;
}

const char *
lint_severity_text(enum lint_severity s)
{
	static const char *const texts[] = {
	    [LINT_ERROR] = "error",
	    [LINT_WARNING] = "warning",
	    [LINT_NOTE] = "note",
	    [LINT_HINT] = "note",
	};

	return texts[s];
}

bool
lint_parse(struct slice id, enum lint_kind *k)
{
	for (size_t n = 0; n < ARRAY_SIZE(kinds); n++)
		if (slice_is(id, kinds[n].id)) {
			*k = (enum lint_kind)n;
			return true;
		}
	return false;
}

/* The next run of letters and '-'. */
static struct slice
next_word(struct slice *rest)
{
	size_t start = 0, end;

	while (start < rest->len && strchr(" \t,", rest->at[start]))
		start++;
	end = start;
	while (end < rest->len &&
	    (rest->at[end] == '-' ||
		(rest->at[end] >= 'a' && rest->at[end] <= 'z')))
		end++;
	struct slice word = {rest->at + start, end - start};

	*rest = slice_from(*rest, end);
	return word;
}

/* "lint: ok tld-wide, no-apex because .." */
static bool
is_silenced(const char *comment, enum lint_kind kind)
{
	const char *at = comment ? strstr(comment, SILENCE) : NULL;
	struct slice rest;
	enum lint_kind named;

	if (!at)
		return false;
	rest = slice_of(at + strlen(SILENCE));
	while (lint_parse(next_word(&rest), &named))
		if (named == kind)
			return true;
	return false;
}

static bool
is_of_preset(const struct lint *l, const struct policy_rule *r)
{
	return !strcmp(l->policy->origins[r->origin].source, "preset");
}

static void
add_finding(struct lint_result *to, const struct lint_finding *f,
    const char *comment)
{
	if (is_silenced(comment, f->kind)) {
		to->silenced++;
		free(f->detail);
		return;
	}
	to->findings = memory_room(to->findings, to->count, &to->capacity,
	    sizeof(*to->findings));
	to->findings[to->count++] = *f;
	to->counts[f->severity]++;
}

void
lint_add(struct lint *l, enum lint_kind kind, uint32_t rule, uint32_t other,
    const char *detail)
{
	const struct policy_rule *r = lint_rule(l, rule);
	enum lint_severity severity = kinds[kind].severity;

	if (lint_is_told(l, kind, rule) || (l->options->ignored >> kind & 1))
		return;
	l->told[rule] |= (uint64_t)1 << kind;
	if (severity == LINT_HINT && !l->options->hints)
		return;
	if (is_of_preset(l, r)) {
		if (!l->options->presets)
			return;
		severity = severity < LINT_NOTE ? LINT_NOTE : severity;
	}
	add_finding(l->result,
	    &(struct lint_finding){
		.kind = kind,
		.severity = severity,
		.rule = rule,
		.secret = SECRET_NONE,
		.other = other,
		.detail = memory_text(detail),
	    },
	    r->comment);
}

void
lint_add_secret(struct lint *l, enum lint_kind kind, uint32_t secret,
    uint32_t other, const char *detail)
{
	if (l->options->ignored >> kind & 1)
		return;
	add_finding(l->result,
	    &(struct lint_finding){
		.kind = kind,
		.severity = kinds[kind].severity,
		.rule = RULE_NONE,
		.secret = secret,
		.other = other,
		.detail = memory_text(detail),
	    },
	    l->policy->secrets[secret].binding.comment);
}

static int
by_rule(const void *left, const void *right)
{
	const struct lint_finding *a = left, *b = right;

	if (a->rule != b->rule)
		return a->rule < b->rule ? -1 : 1;
	if (a->secret != b->secret)
		return a->secret < b->secret ? -1 : 1;
	return (int)a->kind - (int)b->kind;
}

static void
run(struct lint *l)
{
	struct lint_result *r = l->result;

	l->told = memory_array(l->policy->rule_count + 1, sizeof(*l->told));
	for (uint32_t n = 0; n < l->policy->rule_count; n++) {
		lint_single(l, n);
		lint_scripts(l, n);
	}
	lint_breadth(l);
	lint_classes_build(l);
	lint_pairs(l);
	lint_classes_done(l);
	lint_secrets(l);
	free(l->told);
	if (r->count > 0)
		qsort(r->findings, r->count, sizeof(*r->findings), by_rule);
}

bool
lint_policy(const struct policy *p, const struct lint_options *o,
    struct lint_result *r, struct err *err)
{
	struct lint l = {.policy = p, .options = o, .result = r};
	struct image *image = NULL;
	uint8_t *bytes = NULL;
	size_t len;
	bool done;

	*r = (struct lint_result){.findings = NULL};
	if (image_build(p, &bytes, &len, err))
		image = image_open(bytes, len, err);
	done = image != NULL;
	l.image = image;
	if (done)
		run(&l);
	image_close(image);
	free(bytes);
	return done;
}

void
lint_result_done(struct lint_result *r)
{
	for (size_t n = 0; n < r->count; n++)
		free(r->findings[n].detail);
	free(r->findings);
	*r = (struct lint_result){.findings = NULL};
}
