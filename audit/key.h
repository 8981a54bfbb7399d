/* key.h - the auditor's Ed25519 key
 *
 * audit.key (0600) signs checkpoints, audit.pub (PEM) is what a stranger needs
 * to verify a log. Made at the first start. */
#ifndef AUDIT_KEY_H
#define AUDIT_KEY_H

#include <stdbool.h>

#include "base/err.h"
#include "base/slice.h"

#define AUDIT_KEY_FILE "audit.key"
#define AUDIT_PUBLIC_KEY_FILE "audit.pub"
/* Base64 of 64 bytes and a NUL. */
#define AUDIT_SIGNATURE_TEXT 89

struct audit_key;

/* The key in `audit_dir`, made when there is none; audit.pub is made to fit. */
struct audit_key *audit_key_open(const char *audit_dir, struct err *err);
/* Only the public half, from audit.pub. */
struct audit_key *audit_key_open_public(const char *audit_dir, struct err *err);
void audit_key_free(struct audit_key *k);
void audit_key_sign(const struct audit_key *k, struct slice message,
    char signature[AUDIT_SIGNATURE_TEXT]);
bool audit_key_verify(const struct audit_key *k, struct slice message,
    struct slice signature);

#endif
