/* policy_layout.c - how each part of a policy file is laid out */
#include "conf/policy_layout.h"

#include "base/check.h"

#define KEYS(table) .keys = (table), .key_count = ARRAY_SIZE(table)

static const struct layout text = {.kind = LAYOUT_TEXT};
static const struct layout word = {.kind = LAYOUT_WORD};
static const struct layout url = {.kind = LAYOUT_URL};
static const struct layout method = {.kind = LAYOUT_METHOD};
static const struct layout resource = {.kind = LAYOUT_RESOURCE};

static const struct layout texts = {.kind = LAYOUT_FIT, .each = &text};
static const struct layout methods = {.kind = LAYOUT_FIT, .each = &method};
static const struct layout resources = {.kind = LAYOUT_FIT, .each = &resource};
static const struct layout conditions = {.kind = LAYOUT_FIT, .each = &text};

static const struct layout_key rule_keys[] = {
    {"host", &resource, 0},
    {"name", &text, 1},
    {"comment", &text, 2},
    {"expires", &word, 3},
    {"disabled", &word, 4},
    {"except", &resources, 5},
    {"tls", &word, 6},
    {"sni", &word, 7},
    {"raw", &word, 8},
    {"ech", &word, 9},
    {"refuse", &word, 10},
};

static const struct layout rule = {
    .kind = LAYOUT_FIT,
    KEYS(rule_keys),
    .text = &resource,
    .short_key = "host",
};
static const struct layout rules = {.kind = LAYOUT_BLOCK, .each = &rule};

static const struct layout_key network_keys[] = {
    {"allow", &rules, 0},
    {"deny", &rules, 0},
};

static const struct layout network = {.kind = LAYOUT_BLOCK, KEYS(network_keys)};

static const struct layout_key terms_keys[] = {
    {"methods", &methods, 0},
    {"paths", &texts, 1},
    {"path", &text, 1},
    {"query", &conditions, 2},
    {"headers", &conditions, 3},
};

static const struct layout terms = {.kind = LAYOUT_FIT, KEYS(terms_keys)};

static const struct layout_key http_rule_keys[] = {
    {"name", &text, 0},
    {"host", &resource, 1},
    {"allow", &terms, 2},
    {"deny", &terms, 2},
    {"comment", &text, 3},
    {"expires", &word, 4},
    {"disabled", &word, 5},
};

static const struct layout http_rule = {
    .kind = LAYOUT_FIT, KEYS(http_rule_keys)};
static const struct layout http = {.kind = LAYOUT_BLOCK, .each = &http_rule};

/* Secrets: who, where, how, what the guest sees, where the value is. */

static const struct layout texts_or_one = {
    .kind = LAYOUT_FIT, .each = &text, .text = &text};
static const struct layout methods_or_one = {
    .kind = LAYOUT_FIT, .each = &method, .text = &method};
static const struct layout hosts = {
    .kind = LAYOUT_FIT, .each = &resource, .text = &resource};

static const struct layout_key basic_keys[] = {{"username", &text, 0}};
static const struct layout basic = {.kind = LAYOUT_FIT, KEYS(basic_keys)};

static const struct layout_key sigv4_keys[] = {
    {"region", &text, 0},
    {"service", &text, 1},
};
static const struct layout sigv4 = {.kind = LAYOUT_FIT, KEYS(sigv4_keys)};

static const struct layout_key oauth2_keys[] = {
    {"token_url", &url, 0},
    {"client_id", &text, 1},
    {"grant", &word, 2},
    {"client_auth", &word, 3},
    {"scope", &text, 4},
    {"audience", &text, 5},
};
static const struct layout oauth2 = {.kind = LAYOUT_FIT, KEYS(oauth2_keys)};

static const struct layout_key inject_keys[] = {
    {"header", &text, 0},
    {"format", &text, 1},
    {"basic", &basic, 2},
    {"query", &text, 2},
    {"sigv4", &sigv4, 2},
    {"oauth2", &oauth2, 2},
};
static const struct layout inject = {.kind = LAYOUT_FIT, KEYS(inject_keys)};

static const struct layout_key from_keys[] = {
    {"env", &text, 0},
    {"file", &text, 0},
    {"command", &text, 0},
    {"refresh", &word, 1},
};
static const struct layout from = {
    .kind = LAYOUT_FIT, KEYS(from_keys), .text = &word};

static const struct layout_key limits_keys[] = {
    {"methods", &methods_or_one, 0},
    {"paths", &texts_or_one, 1},
    {"calls_per_minute", &word, 2},
    {"hours", &text, 3},
};
static const struct layout limits = {.kind = LAYOUT_FIT, KEYS(limits_keys)};

static const struct layout_key secret_keys[] = {
    {"service", &word, 0},
    {"hosts", &hosts, 1},
    {"inject", &inject, 2},
    {"swap", &texts_or_one, 3},
    {"client-certificate", &word, 4},
    {"from", &from, 5},
    {"env", &texts_or_one, 6},
    {"placeholder", &text, 7},
    {"plaintext", &word, 8},
    {"limits", &limits, 9},
    {"comment", &text, 10},
};

/* `none`, or nothing at all for a service that is known. */
static const struct layout secret = {
    .kind = LAYOUT_FIT, KEYS(secret_keys), .text = &word};
static const struct layout secrets = {.kind = LAYOUT_BLOCK, .each = &secret};

static const struct layout_key sandbox_keys[] = {
    {"network", &network, 0},
    {"http", &http, 0},
    {"secrets", &secrets, 0},
};

static const struct layout sandbox = {.kind = LAYOUT_BLOCK, KEYS(sandbox_keys)};
static const struct layout sandboxes = {.kind = LAYOUT_BLOCK, .each = &sandbox};

static const struct layout_key test_keys[] = {
    {"expect", &word, 0},
    {"url", &url, 1},
    {"target", &url, 1},
    {"method", &text, 2},
    {"headers", &conditions, 3},
    {"sandbox", &text, 4},
    {"reason", &word, 5},
};

static const struct layout test = {.kind = LAYOUT_FIT, KEYS(test_keys)};
static const struct layout tests = {.kind = LAYOUT_BLOCK, .each = &test};

static const struct layout_key policy_keys[] = {
    {"version", &word, 0},
    {"preset", &word, 1},
    {"tls", &word, 2},
    {"network", &network, 3},
    {"http", &http, 3},
    {"secrets", &secrets, 3},
    {"sandboxes", &sandboxes, 3},
    {"tests", &tests, 3},
};

const struct layout layout_of_policy = {
    .kind = LAYOUT_BLOCK, KEYS(policy_keys)};

/* What the table does not know yet keeps its place behind what it does. */
static const struct layout anything = {.kind = LAYOUT_FIT, .each = &anything};
static const struct layout_key unknown = {"", &anything, 99};

const struct layout_key *
layout_key(const struct layout *l, struct slice name)
{
	for (size_t i = 0; i < l->key_count; i++)
		if (slice_is(name, l->keys[i].name))
			return &l->keys[i];
	return &unknown;
}
