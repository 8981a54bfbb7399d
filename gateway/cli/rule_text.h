/* rule_text.h - rules of an image in words */
#ifndef GATEWAY_CLI_RULE_TEXT_H
#define GATEWAY_CLI_RULE_TEXT_H

#include <jansson.h>
#include <stdbool.h>

#include "rules/image.h"

const char *decision_text(enum decision d);
/* "local", "balanced" (a preset), or the file. */
const char *rule_policy(const struct image_rule *r);
/* "all" or "sandbox:NAME". */
#define APPLIES_TEXT 160
void rule_applies_to(const struct image_rule *r, char out[APPLIES_TEXT]);
/* The resource, and what an HTTP rule asks for: "api.x.com GET,HEAD /a /b
 * query service=git-* header x-team=red"; to free(). */
char *rule_what(const struct image *i, uint32_t rule,
    const struct image_rule *r);
/* "policy.yaml:4", or "preset balanced". */
#define PLACE_TEXT 512
void rule_place(const struct image_rule *r, char out[PLACE_TEXT]);
bool rule_is_local(const struct image_rule *r);
/* The values of tls:, sni:, ech: and refuse: in a policy file. */
const char *tls_text(enum rule_tls tls);
const char *sni_text(enum rule_sni sni);
const char *ech_text(enum rule_ech ech);
const char *refuse_text(enum rule_refuse refuse);
/* Disabled, or its time is over. */
bool rule_is_off(const struct image_rule *r, int64_t now);
/* {"id","name","file","line"}; null for RULE_NONE. */
json_t *rule_json(const struct image *i, uint32_t rule);

#endif
