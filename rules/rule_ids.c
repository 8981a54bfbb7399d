/* rule_ids.c - what a rule is called by `policy rm`, records and refusals
 *
 * A table from hashes to the number of rules that have it; open addressing, at
 * most half full. The hash is cryptographic, so its bits are the slot.
 */
#include "rules/rule_ids.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/check.h"
#include "base/memory.h"

#define SMALLEST 64

struct id_slot {
	uint64_t hash;
	uint32_t count; /* 0: free */
};

struct rule_ids {
	struct id_slot *slots;
	size_t size, used;
	EVP_MD *sha256;
	EVP_MD_CTX *context;
};

struct rule_ids *
rule_ids_new(void)
{
	struct rule_ids *ids = memory_new(sizeof(*ids));

	ids->size = SMALLEST;
	ids->slots = memory_array(ids->size, sizeof(*ids->slots));
	ids->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	ids->context = EVP_MD_CTX_new();
	CHECK(ids->sha256 && ids->context);
	return ids;
}

void
rule_ids_free(struct rule_ids *ids)
{
	if (!ids)
		return;
	EVP_MD_CTX_free(ids->context);
	EVP_MD_free(ids->sha256);
	free(ids->slots);
	free(ids);
}

static struct id_slot *
find(const struct rule_ids *ids, uint64_t hash)
{
	size_t mask = ids->size - 1, at = (size_t)hash & mask;

	while (ids->slots[at].count > 0 && ids->slots[at].hash != hash)
		at = (at + 1) & mask;
	return &ids->slots[at];
}

static void
grow(struct rule_ids *ids)
{
	struct rule_ids larger = *ids;

	larger.size = 2 * ids->size;
	larger.slots = memory_array(larger.size, sizeof(*larger.slots));
	for (size_t i = 0; i < ids->size; i++)
		if (ids->slots[i].count > 0)
			*find(&larger, ids->slots[i].hash) = ids->slots[i];
	free(ids->slots);
	*ids = larger;
}

/* Each text ends in its NUL, so that no two lists of texts are the same bytes.
 */
static void
add(struct rule_ids *ids, const char *text)
{
	CHECK(EVP_DigestUpdate(ids->context, text, strlen(text) + 1) == 1);
}

static void
add_conditions(struct rule_ids *ids, const char *what,
    const struct http_condition *c, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		add(ids, what);
		add(ids, c[i].name);
		add(ids, c[i].glob);
	}
}

static void
add_http(struct rule_ids *ids, const struct http_terms *h)
{
	add(ids, "http");
	for (size_t i = 0; i < h->method_count; i++)
		add(ids, h->methods[i]);
	for (size_t i = 0; i < h->path_count; i++)
		add(ids, h->paths[i]);
	add_conditions(ids, "query", h->query, h->query_count);
	add_conditions(ids, "header", h->headers, h->header_count);
}

static char *
append(char *at, const char *text)
{
	size_t size = strlen(text) + 1;

	memcpy(at, text, size);
	return at + size;
}

/* What every rule has goes in by one call: it is most of the work of adding a
 * rule. */
static void
add_rule(struct rule_ids *ids, const struct policy_rule *rule)
{
	char all[RESOURCE_TEXT + 32], *end = all;

	add(ids, rule->sandbox ? rule->sandbox : "");
	end = append(end, rule->sandbox ? "sandbox" : "all");
	end = append(end, rule->decision == DECISION_ALLOW ? "allow" : "deny");
	resource_format(&rule->resource, end);
	end += strlen(end) + 1;
	CHECK(EVP_DigestUpdate(ids->context, all, (size_t)(end - all)) == 1);
	if (rule->http)
		add_http(ids, rule->http);
}

static uint64_t
hash_of(struct rule_ids *ids, const struct policy_rule *rule)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	uint64_t hash = 0;

	CHECK(EVP_DigestInit_ex(ids->context, ids->sha256, NULL) == 1);
	add_rule(ids, rule);
	CHECK(EVP_DigestFinal_ex(ids->context, digest, NULL) == 1);
	for (int i = 0; i < 8; i++)
		hash = hash << 8 | digest[i];
	return hash;
}

void
rule_ids_give(struct rule_ids *ids, struct policy_rule *rule)
{
	struct id_slot *slot;

	rule->hash = hash_of(ids, rule);
	slot = find(ids, rule->hash);
	rule->repetition = slot->count + 1;
	if (slot->count++ > 0)
		return;
	slot->hash = rule->hash;
	if (++ids->used > ids->size / 2)
		grow(ids);
}

void
rule_id_format(uint64_t hash, uint32_t repetition, char out[RULE_ID_TEXT])
{
	if (repetition > 1)
		snprintf(out, RULE_ID_TEXT, "%016llx-%u",
		    (unsigned long long)hash, repetition);
	else
		snprintf(out, RULE_ID_TEXT, "%016llx",
		    (unsigned long long)hash);
}
