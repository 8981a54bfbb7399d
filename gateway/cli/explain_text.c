/* explain_text.c - an explanation for people
 *
 * The verdict first, then every rule in the order in which it counts, then
 * what nearly matched, and last what to type. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/cli/explain.h"
#include "gateway/cli/print.h"
#include "gateway/cli/rule_text.h"
#include "gateway/cli/secret_text.h"
#include "rules/special.h"

static void
print_coloured(enum colour c, const char *text)
{
	printf("%s%s%s", colour(stdout, c), text, colour(stdout, COLOUR_NONE));
}

static enum colour
colour_of(enum decision d)
{
	return d == DECISION_ALLOW ? COLOUR_GREEN : COLOUR_RED;
}

static void
print_verdict(const struct explained *x)
{
	const struct decision_made *made = &x->reply.made;
	char target[TARGET_TEXT];

	print_coloured(colour_of(made->decision),
	    made->decision == DECISION_ALLOW ? "Allowed" : "Denied");
	printf(": ");
	if (x->reply.has_request)
		printf("%.*s ", SLICE_ARG(x->reply.request.method));
	print_safe(stdout, reply_target(&x->reply, &x->question, target));
	if (x->reply.has_request && x->reply.request.path.at)
		printf("%.*s", SLICE_ARG(x->reply.request.path));
	if (x->question.sandbox) {
		printf(", sandbox ");
		print_safe(stdout, x->question.sandbox);
	}
	printf("\nReason: %s", reason_sentence(made->reason));
	if (made->reason == REASON_MALFORMED)
		printf(": %s", x->reply.why);
	printf(" (%s)\n", reason_text(made->reason));
}

/* " [GET,HEAD /a /b]" */
static void
print_terms(const struct image_rule *r)
{
	if (!r->is_http || (!*r->methods && !*r->paths))
		return;
	printf(" [");
	print_safe(stdout, *r->methods ? r->methods : "any method");
	if (*r->paths)
		putchar(' ');
	print_safe(stdout, r->paths);
	putchar(']');
}

/* "deny *.example.com, all (policy.yaml:4, 0123456789abcdef)" */
static void
print_rule(const struct explained *x, uint32_t rule)
{
	char place[PLACE_TEXT], applies[APPLIES_TEXT];
	struct image_rule r;

	image_rule(x->judge.image, rule, &r);
	rule_place(&r, place);
	rule_applies_to(&r, applies);
	print_coloured(colour_of(r.decision), decision_text(r.decision));
	printf(" %s", r.is_http ? "HTTP " : "");
	print_safe(stdout, r.resource);
	print_terms(&r);
	if (*r.name) {
		printf(", ");
		print_safe(stdout, r.name);
	}
	printf(", ");
	print_safe(stdout, applies);
	printf("%s (", r.disabled ? ", disabled" : "");
	print_safe(stdout, place);
	printf(", %s)\n", r.id);
}

static void
print_other_rule(const struct explained *x, uint32_t rule)
{
	char place[PLACE_TEXT];
	struct image_rule r;

	if (rule == RULE_NONE)
		return;
	image_rule(x->judge.image, rule, &r);
	rule_place(&r, place);
	printf(" (");
	print_safe(stdout, place);
	printf(")");
}

static void
print_finding(const struct explained *x, const struct finding *f)
{
	enum standing standing = finding_standing(f->kind);

	printf("  ");
	print_rule(x, f->rule);
	printf("      ");
	print_coloured(standing == STANDING_WINS ? COLOUR_BOLD : COLOUR_DIM,
	    explained_standing(x, f));
	printf(": %s", finding_sentence(f->kind));
	print_other_rule(x, f->than);
	putchar('\n');
}

#define FINDINGS_SHOWN 40 /* --json prints all */

static void
print_findings(const struct explained *x)
{
	const struct explanation *e = &x->explanation;

	printf("\n%s\n",
	    e->finding_count ? "Rules that match, the first to count first:"
			     : "No rule matches.");
	for (size_t n = 0; n < e->finding_count && n < FINDINGS_SHOWN; n++)
		print_finding(x, &e->findings[n]);
	if (e->finding_count > FINDINGS_SHOWN)
		printf("  and %zu more: see --json\n",
		    e->finding_count - FINDINGS_SHOWN);
}

/* What holds for the host as a whole. */
static void
print_governed(const struct explained *x)
{
	const struct explanation *e = &x->explanation;

	if (e->made.governed_by == RULE_NONE)
		return;
	printf("\nHTTP rules govern this host: %s\n",
	    e->governed_by_allow
		? "only requests that one of them allows pass, whatever "
		  "network rules allow"
		: "they only deny, so network rules say what else passes");
}

/* "openai: header authorization "Bearer %s", all (policy.yaml:7)" */
static void
print_secret(const struct explained *x, uint32_t index)
{
	char place[PLACE_TEXT], applies[APPLIES_TEXT];
	struct secret_binding b;
	struct image_rule like;
	char *what;

	image_secret_binding(x->judge.image, index, &b);
	like = secret_like_rule(&b);
	what = secret_what(&b);
	rule_place(&like, place);
	rule_applies_to(&like, applies);
	printf("  ");
	print_safe(stdout, b.name);
	printf(": ");
	print_safe(stdout, what);
	like.is_http = true; /* its limits are like an HTTP rule's terms */
	print_terms(&like);
	printf(", ");
	print_safe(stdout, applies);
	printf(" (");
	print_safe(stdout, place);
	printf(")\n");
	free(what);
}

static void
print_secrets(const struct explained *x)
{
	const struct explanation *e = &x->explanation;

	if (e->secret_count == 0)
		return;
	if (e->made.decision == DECISION_DENY)
		printf("\nSecrets bound to this host, which never open "
		       "one:\n");
	else if (e->made.tls == RULE_TLS_TUNNEL)
		printf("\nSecrets bound to this host, which tls: tunnel keeps "
		       "out, so it is refused:\n");
	else
		printf("\nSecrets that are put into requests to this "
		       "host:\n");
	for (size_t n = 0; n < e->secret_count; n++)
		print_secret(x, e->secrets[n]);
}

static void
print_address(const struct judged_address *a)
{
	const char *range = address_special_range(&a->address);
	char text[ADDRESS_TEXT];

	address_format_with_port(&a->address, text);
	printf("  %s: ", text);
	print_coloured(colour_of(a->made.decision),
	    a->made.decision == DECISION_ALLOW ? "allowed" : "denied");
	if (range)
		printf(", %s", range);
	if (a->made.decision == DECISION_DENY)
		printf(" (%s)", reason_text(a->made.reason));
}

static void
print_addresses(const struct explained *x)
{
	const struct explanation *e = &x->explanation;

	if (x->reply.target.kind != TARGET_NAME ||
	    e->made.decision != DECISION_ALLOW)
		return;
	printf("\nThe addresses that the name resolves to are judged too: "
	       "a public one may be dialled\nunless a network is denied "
	       "(%zu such rules here), a special one only where a network\n"
	       "inside a special range is allowed (%zu such rules).\n",
	    e->networks_denied, e->networks_opened);
	for (size_t n = 0; n < x->reply.address_count; n++) {
		const struct judged_address *a = &x->reply.addresses[n];

		print_address(a);
		if (a->made.decision == DECISION_DENY)
			print_other_rule(x, a->made.rule);
		putchar('\n');
	}
	if (!x->reply.was_resolved)
		printf("--resolve looks them up.\n");
}

static void
print_near(const struct explained *x)
{
	const struct explanation *e = &x->explanation;

	if (!e->near_count)
		return;
	printf("\nRules that nearly match:\n");
	for (size_t n = 0; n < e->near_count; n++) {
		const char *joint = "      ";

		printf("  ");
		print_rule(x, e->near[n].rule);
		for (unsigned l = 0; l < LACK_COUNT; l++) {
			if (!(e->near[n].lacks >> l & 1))
				continue;
			printf("%s%s", joint, lack_sentence((enum lack)l));
			joint = "; ";
		}
		putchar('\n');
	}
	if (e->near_total > e->near_count)
		printf("  and %zu more\n", e->near_total - e->near_count);
}

static void
print_remedies(const struct explained *x)
{
	if (!x->remedy_count)
		return;
	printf("\nTo %s it:\n", reply_is_allowed(&x->reply) ? "deny" : "allow");
	for (size_t n = 0; n < x->remedy_count; n++) {
		const struct remedy *r = &x->remedies[n];

		printf("  ");
		print_safe(stdout, *r->command ? r->command : r->sentence);
		putchar('\n');
	}
}

void
explain_print(const struct explained *x)
{
	print_verdict(x);
	if (x->reply.has_target && x->reply.made.reason != REASON_MALFORMED) {
		print_findings(x);
		print_governed(x);
		print_secrets(x);
		print_addresses(x);
		print_near(x);
	}
	print_remedies(x);
}
