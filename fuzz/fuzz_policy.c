/* fuzz_policy.c - any text as a policy file
 *
 * It never crashes; what is refused has a place; what is read has rules that
 * are written and read again as the same, and secrets of which no two go into
 * one header. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "conf/policy_file.h"
#include "rules/contain.h"
#include "rules/image.h"
#include "rules/path_pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static void
check_sets(const char *const *texts, size_t count)
{
	for (size_t i = 1; i < count; i++)
		CHECK(strcmp(texts[i - 1], texts[i]) < 0);
}

static void
check_conditions(const struct http_condition *c, size_t count)
{
	CHECK(count <= HTTP_CONDITIONS_MAX);
	for (size_t i = 0; i < count; i++) {
		CHECK(c[i].name[0] != '\0');
		CHECK(i == 0 || strcmp(c[i - 1].name, c[i].name) < 0);
	}
}

/* Sets in order, within their limits; canonical paths stay canonical. */
static void
check_http(const struct http_terms *h)
{
	char again[PATH_PATTERN_MAX + 1];
	size_t len;

	CHECK(h->method_count <= HTTP_METHODS_MAX);
	CHECK(h->path_count <= HTTP_PATHS_MAX);
	check_sets(h->methods, h->method_count);
	check_sets(h->paths, h->path_count);
	check_conditions(h->query, h->query_count);
	check_conditions(h->headers, h->header_count);
	for (size_t i = 0; i < h->method_count; i++) {
		CHECK(strlen(h->methods[i]) <= HTTP_METHOD_BYTES);
		CHECK(strcmp(h->methods[i], "ANY") != 0);
	}
	for (size_t i = 0; i < h->path_count; i++) {
		CHECK(path_pattern_canonical(slice_of(h->paths[i]), again, &len,
		    NULL));
		CHECK(strcmp(h->paths[i], again) == 0);
	}
}

static void
check_rule(const struct policy_rule *rule)
{
	char once[RESOURCE_TEXT], twice[RESOURCE_TEXT];
	char room[RESOURCE_ROOM];
	struct resource again;

	resource_format(&rule->resource, once);
	CHECK(resource_parse(slice_of(once), room, &again, NULL));
	resource_format(&again, twice);
	CHECK(strcmp(once, twice) == 0);
	CHECK(rule->decision == DECISION_DENY || rule->except_count == 0);
	CHECK(rule->decision == DECISION_ALLOW || !rule->raw);
	CHECK(rule->tls != RULE_TLS_INTERCEPT);
	CHECK(rule->ech != RULE_ECH_REFUSE);
	CHECK(rule->refuse != RULE_REFUSE_INSIDE_TLS);
	if (rule->http)
		check_http(rule->http);
}

static void
check_secret(const struct policy_secret *s)
{
	CHECK(secret_binding_is_valid(&s->binding, NULL));
	CHECK(s->host_count <= SECRET_HOSTS_MAX);
	CHECK(s->host_count > 0 || s->binding.disabled);
	CHECK(s->sandbox || !s->binding.withheld);
	for (size_t i = 0; i < s->host_count; i++) {
		const struct resource *r = &s->hosts[i];

		CHECK(!r->any_port);
		CHECK(r->kind != RESOURCE_NETWORK ||
		    r->bits == (r->network.family == 4 ? 32 : 128));
	}
}

/* No request gets two values for one header. */
static void
check_pair(const struct policy_secret *a, const struct policy_secret *b)
{
	const char *what;

	if (a->binding.disabled || b->binding.disabled ||
	    a->sandbox != b->sandbox || a->host_count == 0 ||
	    b->host_count == 0 ||
	    !secret_bindings_collide(&a->binding, &b->binding, &what))
		return;
	for (size_t i = 0; i < a->host_count; i++)
		for (size_t n = 0; n < b->host_count; n++)
			CHECK(!ports_meet(&a->hosts[i], &b->hosts[n]) ||
			    !patterns_may_meet(&a->hosts[i], &b->hosts[n]));
}

static void
check_secrets(const struct policy *p)
{
	for (size_t i = 0; i < p->secret_count; i++)
		for (size_t n = 0; n < i; n++)
			check_pair(&p->secrets[n], &p->secrets[i]);
}

/* What was read compiles, and the image is taken. */
static void
check_image(const struct policy *p)
{
	struct image *i;
	uint8_t *bytes;
	size_t len;

	CHECK(image_build(p, &bytes, &len, NULL));
	i = image_open(bytes, len, NULL);
	CHECK(i != NULL);
	CHECK(image_secret_count(i) == p->secret_count);
	image_close(i);
	free(bytes);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct err err = {0};
	struct policy p;

	policy_init(&p);
	if (!policy_parse("f", "file", (struct slice){(const char *)at, len},
		&p, &err)) {
		CHECK(err.kind == ERR_CONF);
		CHECK(strncmp(err.text, "f:", 2) == 0);
	} else {
		check_secrets(&p);
		check_image(&p);
	}
	for (size_t i = 0; i < p.rule_count; i++)
		check_rule(&p.rules[i]);
	for (size_t i = 0; i < p.secret_count; i++)
		check_secret(&p.secrets[i]);
	policy_done(&p);
	return 0;
}
