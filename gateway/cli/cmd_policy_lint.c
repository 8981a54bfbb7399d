/* cmd_policy_lint.c - penstock policy lint: what in a policy is likely a mistake
 *
 * Files that are named are merged and looked at alone, so that a pull request
 * needs no gateway; without any it is the configured policy with the typed
 * rules. A line is what compilers print, which editors and CI can read. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "gateway/cli/client.h"
#include "gateway/cli/command.h"
#include "gateway/cli/print.h"
#include "gateway/cli/rule_text.h"
#include "gateway/control.h"
#include "rules/lint.h"

#define DAY_S (CLOCK_DAY_US / 1000000)
#define SOON_DAYS 14

struct lint_flags {
	struct option_list ignore;
	bool json, strict, presets, kinds;
};

OPTIONS(policy_lint, struct lint_flags,
    OPT_LIST(struct lint_flags, ignore, "ignore", 'i', "ID[,ID]...",
	"do not tell findings of these kinds"),
    OPT_FLAG(struct lint_flags, strict, "strict", 0,
	"give every hint, and let notes fail too"),
    OPT_FLAG(struct lint_flags, presets, "presets", 0,
	"look at the rules of the preset too"),
    OPT_FLAG(struct lint_flags, kinds, "list", 'l',
	"list the kinds of findings and what they mean"),
    OPT_FLAG(struct lint_flags, json, "json", 'j',
	"print one JSON object with every finding"));

/* "FILE:LINE:COLUMN", or "preset balanced". */
static void
place_of(const struct policy *p, uint32_t rule, char out[PLACE_TEXT])
{
	const struct policy_rule *r = &p->rules[rule];
	const char *file = p->origins[r->origin].file;

	if (r->line)
		snprintf(out, PLACE_TEXT, "%s:%" PRIu32 ":%" PRIu32, file,
		    r->line, r->column);
	else
		snprintf(out, PLACE_TEXT, "%s", file);
}

static enum colour
colour_of(enum lint_severity s)
{
	switch (s) {
	case LINT_ERROR:
		return COLOUR_RED;
	case LINT_WARNING:
		return COLOUR_BOLD;
	case LINT_NOTE:
	case LINT_HINT:
		break;
	}
	return COLOUR_DIM;
}

static void
place_of_secret(const struct policy_secret *s, char out[PLACE_TEXT])
{
	snprintf(out, PLACE_TEXT, "%s:%" PRIu32 ":%" PRIu32, s->binding.file,
	    s->line, s->column);
}

/* "FILE:LINE:COLUMN: error: deny HTTP api.test" */
static void
print_subject(const struct policy *p, const struct lint_finding *f)
{
	char place[PLACE_TEXT], resource[RESOURCE_TEXT];

	if (f->rule == RULE_NONE)
		place_of_secret(&p->secrets[f->secret], place);
	else
		place_of(p, f->rule, place);
	print_safe(stdout, place);
	printf(": %s%s%s: ", colour(stdout, colour_of(f->severity)),
	    lint_severity_text(f->severity), colour(stdout, COLOUR_NONE));
	if (f->rule == RULE_NONE) {
		printf("secret %s", p->secrets[f->secret].binding.name);
		return;
	}
	resource_format(&p->rules[f->rule].resource, resource);
	printf("%s %s%s", decision_text(p->rules[f->rule].decision),
	    p->rules[f->rule].http ? "HTTP " : "", resource);
}

static void
print_finding(const struct policy *p, const struct lint_finding *f)
{
	char place[PLACE_TEXT];

	print_subject(p, f);
	printf(" %s", lint_sentence(f->kind));
	if (f->detail) {
		printf(" (");
		print_safe(stdout, f->detail);
		printf(")");
	}
	if (f->other != RULE_NONE) {
		place_of(p, f->other, place);
		printf(" (");
		print_safe(stdout, place);
		printf(")");
	}
	printf("; %s %s[%s]%s\n", lint_advice(f->kind),
	    colour(stdout, COLOUR_DIM), lint_id(f->kind),
	    colour(stdout, COLOUR_NONE));
}

static void
print_count(size_t count, const char *what, const char *behind)
{
	printf("%zu %s%s%s", count, what, count == 1 ? "" : "s", behind);
}

static void
print_summary(const struct lint_result *r)
{
	if (r->count == 0)
		return;
	print_count(r->counts[LINT_ERROR], "error", ", ");
	print_count(r->counts[LINT_WARNING], "warning", ", ");
	print_count(r->counts[LINT_NOTE] + r->counts[LINT_HINT], "note", "\n");
}

static json_t *
place_json(const struct policy *p, uint32_t rule)
{
	const struct policy_rule *r;
	char id[RULE_ID_TEXT], resource[RESOURCE_TEXT];

	if (rule == RULE_NONE)
		return json_null();
	r = &p->rules[rule];
	rule_id_format(r->hash, r->repetition, id);
	resource_format(&r->resource, resource);
	return json_pack("{s:s, s:o, s:o, s:i, s:i, s:s, s:s}", "id", id,
	    "name", control_text(r->name), "file",
	    control_text(p->origins[r->origin].file), "line", (int)r->line,
	    "column", (int)r->column, "decision", decision_text(r->decision),
	    "resource", resource);
}

static json_t *
secret_place_json(const struct policy *p, uint32_t secret)
{
	const struct policy_secret *s;

	if (secret == SECRET_NONE)
		return json_null();
	s = &p->secrets[secret];
	return json_pack("{s:s, s:s?, s:o, s:i, s:i}", "name", s->binding.name,
	    "sandbox", s->sandbox, "file", control_text(s->binding.file),
	    "line", (int)s->line, "column", (int)s->column);
}

static json_t *
finding_json(const struct policy *p, const struct lint_finding *f)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "id",
	    lint_id(f->kind), "severity", lint_severity_text(f->severity),
	    "sentence", lint_sentence(f->kind), "advice", lint_advice(f->kind),
	    "detail", f->detail ? control_text(f->detail) : json_null(), "rule",
	    place_json(p, f->rule), "secret", secret_place_json(p, f->secret),
	    "other", place_json(p, f->other));
}

static void
print_result_json(const struct policy *p, const struct lint_result *r)
{
	json_t *findings = json_array();

	for (size_t n = 0; n < r->count; n++)
		json_array_append_new(findings,
		    finding_json(p, &r->findings[n]));
	print_json(json_pack("{s:I, s:I, s:I, s:I, s:o}", "errors",
	    (json_int_t)r->counts[LINT_ERROR], "warnings",
	    (json_int_t)r->counts[LINT_WARNING], "notes",
	    (json_int_t)r->counts[LINT_NOTE] + (json_int_t)r->counts[LINT_HINT],
	    "silenced", (json_int_t)r->silenced, "findings", findings));
}

static bool
read_ignored(const struct option_list *list, uint64_t *ignored, struct err *err)
{
	for (size_t n = 0; n < list->count; n++) {
		struct slice rest = slice_of(list->at[n]), id;
		enum lint_kind kind;

		while (rest.len > 0) {
			slice_cut(rest, ',', &id, &rest);
			if (!lint_parse(id, &kind))
				return err_set(err, ERR_USAGE,
				    "there is no finding \"%.*s\"; penstock "
				    "policy lint --list names them",
				    SLICE_ARG(id));
			*ignored |= (uint64_t)1 << kind;
		}
	}
	return true;
}

static int
list_kinds(void)
{
	static const char *const titles[] = {
	    "ID", "A RULE OR SECRET THAT HAS IT", "DO"};
	struct table *t = table_new(titles, 3);

	for (unsigned n = 0; n < LINT_COUNT; n++) {
		enum lint_kind k = (enum lint_kind)n;

		table_add(t,
		    (const char *const[]){
			lint_id(k), lint_sentence(k), lint_advice(k)});
	}
	table_print(t, stdout);
	table_free(t);
	return EXIT_DONE;
}

static bool
load_policy(const struct call *call, struct policy *p, struct err *err)
{
	struct policy_sources from = {.paths = call->operands,
	    .path_count = call->operand_count,
	    .local_rules = LOCAL_RULES_OFF};
	struct settings settings;
	struct client c;
	bool done;

	for (size_t n = 0; n < call->operand_count; n++)
		if (policy_path_is_image(call->operands[n]))
			return err_set(err, ERR_CONF,
			    "%s: it is a compiled policy; lint reads the files "
			    "that it was made of",
			    call->operands[n]);
	if (call->operand_count)
		return policy_load(&from, p, err);
	if (!client_open(&c, err))
		return false;
	done = client_settings(&c, &settings, err);
	if (done) {
		from = policy_sources_of(&settings, c.paths.local_rules);
		done = policy_load(&from, p, err);
		settings_done(&settings);
	}
	client_done(&c);
	return done;
}

static int
lint(const struct lint_flags *flags, const struct policy *p,
    const struct lint_options *o)
{
	struct lint_result r;
	struct err err;
	bool failed;

	if (!lint_policy(p, o, &r, &err))
		return print_failure(&err);
	for (size_t n = 0; n < r.count && !flags->json; n++)
		print_finding(p, &r.findings[n]);
	if (flags->json)
		print_result_json(p, &r);
	else
		print_summary(&r);
	failed = r.counts[LINT_ERROR] || r.counts[LINT_WARNING] ||
	    (flags->strict && r.count);
	lint_result_done(&r);
	return failed ? EXIT_NO : EXIT_DONE;
}

int
cmd_policy_lint(struct call *call)
{
	const struct lint_flags *flags = call->options;
	struct lint_options o = {.now = (int64_t)time(NULL),
	    .soon = SOON_DAYS * DAY_S,
	    .presets = flags->presets,
	    .hints = flags->strict};
	struct policy p;
	struct err err;
	int code;

	if (flags->kinds)
		return list_kinds();
	if (!read_ignored(&flags->ignore, &o.ignored, &err) ||
	    !load_policy(call, &p, &err))
		return print_failure(&err);
	code = lint(flags, &p, &o);
	policy_done(&p);
	return code;
}
