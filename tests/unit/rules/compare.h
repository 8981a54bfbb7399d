/* compare.h - the compiled matcher and the naive one on the same question */
#ifndef TESTS_UNIT_RULES_COMPARE_H
#define TESTS_UNIT_RULES_COMPARE_H

#include "rules/explain.h"
#include "rules/image_format.h"
#include "rules/match.h"
#include "tests/unit/rules/random_question.h"

/* One policy, compiled, and one question. */
struct pair {
	const struct image *image;
	struct target target;
	struct random_request request;
	struct facts facts;
	struct reference naive;
};

/* How often each kind of answer was met: a generator that never meets one
 * proves nothing about it. */
#define PAIR_KINDS(X)                                                          \
	X(network_allow, "allowed by a network rule")                          \
	X(http_allow, "allowed by an HTTP rule")                               \
	X(connect, "allowed to connect to a governed host")                    \
	X(network_deny, "denied by a network rule")                            \
	X(http_deny, "denied by an HTTP rule")                                 \
	X(governed, "governed and not allowed")                                \
	X(carved, "governed and allowed by a network rule")                    \
	X(unmatched, "allowed by nothing")                                     \
	X(special, "special addresses shut")                                   \
	X(opened, "special addresses opened")                                  \
	X(tree, "policies with a tree of hosts")                               \
	X(secret, "allowed with a secret")                                     \
	X(secrets, "allowed with too many secrets")

static struct {
#define COUNT(name, text) unsigned long long name;
	PAIR_KINDS(COUNT)
#undef COUNT
} met;

static inline void
count_pair(const struct pair *pair, const struct decision_made *d)
{
	const struct policy_rule *rule = d->rule == RULE_NONE
	    ? NULL
	    : &pair->naive.policy->rules[d->rule];
	bool allow = d->decision == DECISION_ALLOW;
	bool governed = d->governed_by != RULE_NONE;

	met.network_allow += allow && !rule->http && !governed;
	met.http_allow += allow && rule->http && pair->naive.request;
	met.connect += allow && rule->http && !pair->naive.request;
	met.carved += allow && !rule->http && governed;
	met.network_deny += !allow && rule && !rule->http;
	met.http_deny += !allow && rule && rule->http;
	met.governed += d->reason == REASON_DEFAULT_DENY && governed;
	met.unmatched += d->reason == REASON_DEFAULT_DENY && !governed;
	met.special += d->reason == REASON_PRIVATE_ADDRESS;
	met.opened += allow && pair->target.kind == TARGET_ADDRESS &&
	    address_is_special(&pair->target.address);
	met.secret += d->secret_count > 0;
	met.secrets += d->secret_count > RULES_SECRETS_MAX;
}

/* What to look at when the two differ. */

static inline void
print_http(const struct http_terms *h)
{
	for (size_t i = 0; i < h->method_count; i++)
		printf(" %s", h->methods[i]);
	for (size_t i = 0; i < h->path_count; i++)
		printf(" %s", h->paths[i]);
	for (size_t i = 0; i < h->query_count; i++)
		printf(" ?%s=\"%s\"", h->query[i].name, h->query[i].glob);
	for (size_t i = 0; i < h->header_count; i++)
		printf(" %s: \"%s\"", h->headers[i].name, h->headers[i].glob);
}

static inline void
print_rule(const struct policy_rule *rule)
{
	char text[RESOURCE_TEXT];

	resource_format(&rule->resource, text);
	printf("%s%s %s in %s expires %d%s%s", rule->http ? "http " : "",
	    rule->decision == DECISION_ALLOW ? "allow" : "deny", text,
	    rule->sandbox ? rule->sandbox : "all", (int)rule->expires,
	    rule->disabled ? " disabled" : "", rule->raw ? " raw" : "");
	for (size_t j = 0; j < rule->except_count; j++) {
		resource_format(&rule->except[j], text);
		printf(" except %s", text);
	}
	if (rule->http)
		print_http(rule->http);
}

static inline void
print_pair(const struct pair *pair)
{
	const struct policy *p = pair->naive.policy;
	const struct reference_request *r = pair->naive.request;
	char text[RESOURCE_TEXT];

	for (size_t i = 0; i < p->rule_count; i++) {
		printf("%zu ", i);
		print_rule(&p->rules[i]);
		printf("\n");
	}
	for (size_t i = 0; i < p->secret_count; i++) {
		printf("%s in %s:", p->secrets[i].binding.name,
		    p->secrets[i].sandbox ? p->secrets[i].sandbox : "all");
		for (size_t n = 0; n < p->secrets[i].host_count; n++) {
			resource_format(&p->secrets[i].hosts[n], text);
			printf(" %s", text);
		}
		printf("\n");
	}
	target_format(&pair->target, text);
	printf("%s in %s", text, pair->naive.sandbox);
	if (r)
		printf(": %s %s ?%s", r->method, r->path, r->query);
	for (size_t i = 0; r && i < r->field_count; i++)
		printf(" %s: \"%s\"", r->fields[i].name, r->fields[i].value);
	printf("\n");
	fflush(stdout);
}

static inline void
print_decision(const char *who, const struct decision_made *d)
{
	printf("%s: %s %s rule %d governed by %d raw %d by network %d "
	       "inspect %d methods %d secrets %u\n",
	    who, d->decision == DECISION_ALLOW ? "allow" : "deny",
	    reason_text(d->reason), (int)d->rule, (int)d->governed_by, d->raw,
	    d->by_network, d->inspect, d->judges_methods, d->secret_count);
}

/* In any order; when they are too many, that they are too many. */
static inline bool
same_secrets(const struct decision_made *a, const struct decision_made *b)
{
	if (a->secret_count > RULES_SECRETS_MAX)
		return b->secret_count > RULES_SECRETS_MAX;
	if (a->secret_count != b->secret_count)
		return false;
	for (uint32_t i = 0; i < a->secret_count; i++) {
		bool found = false;

		for (uint32_t j = 0; j < b->secret_count; j++)
			found |= a->secrets[i] == b->secrets[j];
		if (!found)
			return false;
	}
	return true;
}

static inline void
expect_same(const char *what, const struct pair *pair,
    const struct decision_made *real, const struct decision_made *naive)
{
	if (real->decision == naive->decision && real->rule == naive->rule &&
	    real->reason == naive->reason && real->raw == naive->raw &&
	    real->tls == naive->tls && real->sni == naive->sni &&
	    real->ech == naive->ech && real->by_network == naive->by_network &&
	    real->inspect == naive->inspect &&
	    real->governed_by == naive->governed_by &&
	    real->judges_methods == naive->judges_methods &&
	    same_secrets(naive, real))
		return;
	print_pair(pair);
	print_decision("compiled", real);
	print_decision("naive", naive);
	test_fail(__FILE__, __LINE__, "%s is judged differently", what);
}

static inline void
note_rule(void *owner, uint32_t rule)
{
	bool *seen = owner;

	EXPECT(rule < RANDOM_RULES_MAX);
	seen[rule] = true;
}

static inline void
expect_same_matches(const struct pair *pair)
{
	const struct policy *p = pair->naive.policy;
	bool seen[RANDOM_RULES_MAX] = {false};

	EXPECT(p->rule_count <= RANDOM_RULES_MAX);
	rules_each_match(pair->image, &pair->facts,
	    pair->naive.request ? &pair->request.facts : NULL, note_rule, seen);
	for (uint32_t i = 0; i < p->rule_count; i++) {
		if (seen[i] == reference_shows(&pair->naive, &p->rules[i]))
			continue;
		print_pair(pair);
		test_fail(__FILE__, __LINE__, "rule %u is %sshown", i,
		    seen[i] ? "" : "not ");
	}
}

static inline void
expect_same_possible(const struct pair *pair)
{
	struct slice name = {pair->target.host, pair->target.host_len};
	bool possible;

	if (pair->target.kind == TARGET_ADDRESS)
		return;
	possible = rules_name_possible(pair->image, pair->facts.sandbox, NOW,
	    name);
	if (possible == reference_name_possible(&pair->naive))
		return;
	print_pair(pair);
	test_fail(__FILE__, __LINE__, "%s is %spossible", pair->target.host,
	    possible ? "" : "im");
}

static inline void
expect_same_address(const struct pair *pair)
{
	struct decision_made real = {0}, naive = {0};
	struct address a;
	bool allowed;

	if (pair->target.kind == TARGET_LOCALHOST)
		return;
	EXPECT(address_parse(slice_of(pick(6) ? PICK(addresses)
					      : PICK(resolved_only)),
	    &a));
	if (pair->target.kind == TARGET_ADDRESS && pick(2))
		a = pair->target.address;
	a.port = pair->target.port;
	allowed = rules_decide_address(pair->image, &pair->facts, &a, &real);
	if (allowed != reference_decide_address(&pair->naive, &a, &naive)) {
		char text[ADDRESS_TEXT];

		print_pair(pair);
		address_format(&a, text);
		test_fail(__FILE__, __LINE__, "at %s it is %d", text, allowed);
	}
	if (!allowed)
		expect_same("the address", pair, &real, &naive);
}

/* Each rule once, and who wins is who was named. */
static inline bool
findings_are_right(const struct pair *pair, const struct explanation *e)
{
	const struct policy *p = pair->naive.policy;
	bool seen[RANDOM_RULES_MAX] = {false};
	uint32_t winner = RULE_NONE;

	for (size_t n = 0; n < e->finding_count; n++) {
		const struct finding *f = &e->findings[n];

		if (seen[f->rule] ||
		    (!reference_shows(&pair->naive, &p->rules[f->rule]) &&
			!reference_governs(&pair->naive, &p->rules[f->rule])))
			return false;
		seen[f->rule] = true;
		if (finding_standing(f->kind) != STANDING_WINS)
			continue;
		if (winner != RULE_NONE)
			return false;
		winner = f->rule;
	}
	for (uint32_t i = 0; i < p->rule_count; i++)
		if (!seen[i] && reference_shows(&pair->naive, &p->rules[i]))
			return false;
	return winner == e->made.rule;
}

static inline void
expect_same_explanation(const struct pair *pair,
    const struct decision_made *naive)
{
	struct explanation e;

	explain(pair->image, &pair->facts,
	    pair->naive.request ? &pair->request.facts : NULL, &e);
	expect_same("explaining, it", pair, &e.made, naive);
	if (!findings_are_right(pair, &e)) {
		print_pair(pair);
		print_decision("naive", naive);
		for (size_t n = 0; n < e.finding_count; n++)
			printf("%u %s\n", e.findings[n].rule,
			    finding_code(e.findings[n].kind));
		test_fail(__FILE__, __LINE__, "the explanation is another");
	}
	explanation_done(&e);
}

/* The one to meet, or NULL. */
static inline const struct policy_rule *
random_rule(const struct policy *p)
{
	if (p->rule_count == 0 || pick(4) == 0)
		return NULL;
	return &p->rules[pick((unsigned)p->rule_count)];
}

/* A pair is a policy and a question, with a request or without. */
static inline void
compare_pair(struct pair *pair)
{
	struct decision_made real, naive;
	const struct policy_rule *about = random_rule(pair->naive.policy);
	bool has_request = about && about->http ? pick(4) : pick(3) == 0;

	random_target(about ? &about->resource : NULL, &pair->target);
	if (has_request)
		random_request(about ? about->http : NULL, &pair->request);
	pair->naive.request = has_request ? &pair->request.naive : NULL;
	pair->naive.sandbox = PICK(asking);
	if (about && about->sandbox && pick(2))
		pair->naive.sandbox = about->sandbox;
	pair->facts.sandbox = image_sandbox(pair->image,
	    slice_of(pair->naive.sandbox));
	if (has_request)
		rules_decide_request(pair->image, &pair->facts,
		    &pair->request.facts, &real);
	else
		rules_decide(pair->image, &pair->facts, &real);
	reference_decide(&pair->naive, &naive);
	count_pair(pair, &naive);
	expect_same(has_request ? "the request" : "the target", pair, &real,
	    &naive);
	expect_same_matches(pair);
	if (pair->naive.policy->is_empty)
		return;
	if (pick(8) == 0)
		expect_same_possible(pair);
	if (pick(8) == 0)
		expect_same_explanation(pair, &naive);
	if (pick(2) == 0)
		expect_same_address(pair);
}

/* Many questions to one policy. */
static inline void
compare_policy(unsigned questions)
{
	struct pair pair = {.naive = {.now = NOW}, .facts = {.now = NOW}};
	struct image *image;
	struct policy p;
	uint8_t *bytes;
	size_t len;

	random_policy(&p);
	EXPECT(image_build(&p, &bytes, &len, NULL));
	image = image_open(bytes, len, NULL);
	EXPECT(image != NULL);
	met.tree += ((const struct image_header *)(void *)bytes)->tree_levels >
	    0;
	pair.image = image;
	pair.naive.policy = &p;
	pair.naive.target = pair.facts.target = &pair.target;
	while (questions-- > 0)
		compare_pair(&pair);
	image_close(image);
	free(bytes);
	policy_done(&p);
}

#endif
