/* chain.h - what makes a log one that nobody can change unseen
 *
 * Each line holds the SHA-256 of the whole line before it, without its
 * newline, and a sequence number one above; the first line ever has 64 zeros
 * and number 1. Rotation changes nothing about either.
 *
 * A checkpoint line ends `,"signature":"BASE64"}`: Ed25519 over the text
 * "penstock-checkpoint" followed by the line up to that (seq and prev stand in
 * it). At least each CHECKPOINT_LINES-th line is one, so a log of which a tail
 * was written anew without the key is found out. */
#ifndef AUDIT_CHAIN_H
#define AUDIT_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/evp.h>

#include "audit/key.h"
#include "audit/record.h"
#include "base/slice.h"
#include "base/text.h"

#define CHECKPOINT_LINES 4096 /* at most so many lines between two */
#define HASH_TEXT 65

struct chain {
	uint64_t next_seq;
	char prev[HASH_TEXT];
	uint64_t unsigned_lines; /* since the last checkpoint */
	uint64_t lines;		 /* made by this chain */
	EVP_MD_CTX *context;	 /* owned */
	EVP_MD *sha256;		 /* owned */
};

void chain_init(struct chain *c);
void chain_done(struct chain *c);
/* Takes `line` as the last one so far, whatever it is. */
void chain_follow(struct chain *c, struct slice line, uint64_t seq);
/* Appends the record's line and a newline. */
void chain_add(struct chain *c, struct text *out, const void *record,
    size_t len);
/* Appends a checkpoint and a newline. */
void chain_sign(struct chain *c, struct text *out, const struct audit_key *k,
    struct record_id id, uint64_t wall_us);
/* Whether the line ends as a checkpoint does, whatever it calls itself. */
bool chain_has_signature(struct slice line);
bool chain_checkpoint_is_signed(struct slice line, const struct audit_key *k);

#endif
