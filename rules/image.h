/* image.h - the compiled policy: flat, position-independent, checksummed
 *
 * One read-only run of bytes that every process of the gateway maps and that
 * `penstock policy check` reads in the same way. image_open() validates all
 * of it once (magic, version, checksum, every offset), so the matcher trusts
 * it afterwards; hostile bytes end in an error, never in a crash. */
#ifndef RULES_IMAGE_H
#define RULES_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "rules/policy.h"
#include "rules/secret_binding.h"

#define IMAGE_DIGEST_TEXT 65 /* SHA-256 in hex, with NUL */
#define RULE_NONE UINT32_MAX
#define SECRET_NONE UINT32_MAX
#define SANDBOX_DEFAULT 0 /* every image has the sandbox "default" first */
#define SANDBOX_OTHER (UINT32_MAX - 1) /* one without a section of its own */

struct image;

/* Compile. *bytes to free(), aligned for any type. */
bool image_build(const struct policy *p, uint8_t **bytes, size_t *len,
    struct err *err);
/* Borrow `len` bytes, aligned to 8, that stay as they are until image_close().
 * NULL: *err. */
struct image *image_open(const void *bytes, size_t len, struct err *err);
/* Map a sealed memfd, or copy any other file (somebody could change it under
 * us); the image owns the memory, not the descriptor. A signature may stand
 * behind it (image_sign.h); here it is not looked at. */
struct image *image_map(int fd, struct err *err);
/* The same for an image that the supervisor has validated and sealed: only its
 * header is checked. */
struct image *image_map_validated(int fd, struct err *err);
void image_close(struct image *i);

/* Hex, over what the rules say and their order, not where they stand: the same
 * rules give the same digest on every machine. */
const char *image_digest(const struct image *i);
bool image_is_no_policy(const struct image *i);
const char *image_preset(const struct image *i); /* "" when none */

/* The sandbox's index in this image; SANDBOX_OTHER when the image has no
 * section for that name: only what holds for all applies to it then, not what
 * the section "default" says. */
uint32_t image_sandbox(const struct image *i, struct slice name);

/* A rule, as text for people. Strings that are not its own live as long as the
 * image. */
struct image_rule {
	char id[RULE_ID_TEXT];
	char resource[RESOURCE_TEXT];
	struct resource what;
	const char *name, *comment, *sandbox /* "" = all */;
	const char *file, *source; /* source: file, preset, local */
	uint32_t line, column;
	enum decision decision;
	bool disabled, raw, any_port;
	int64_t expires;
	enum rule_tls tls;
	enum rule_sni sni;
	enum rule_ech ech;
	enum rule_refuse refuse;
	uint32_t except_count;
	/* HTTP rules: "GET,HEAD" and "/a /b", "" where any will do. */
	bool is_http;
	const char *methods, *paths;
	uint32_t query_count, header_count;
};

uint32_t image_rule_count(const struct image *i);
/* index < image_rule_count(); in file order. */
void image_rule(const struct image *i, uint32_t index, struct image_rule *r);
void image_rule_id(const struct image *i, uint32_t index,
    char id[RULE_ID_TEXT]);
/* `r`'s strings live as long as the image. */
void image_rule_except(const struct image *i, uint32_t index, uint32_t except,
    struct resource *r);
/* n < query_count + header_count; query parameters come first. */
struct http_condition image_rule_condition(const struct image *i,
    uint32_t index, uint32_t n);
/* When the next rule expires after `now`; 0: none will. */
int64_t image_next_expiry(const struct image *i, int64_t now);
/* The bindings of secrets (what decision_made.secrets[] names), in file order;
 * those that are disabled, too. Texts live as long as the image. */
uint32_t image_secret_count(const struct image *i);
void image_secret_binding(const struct image *i, uint32_t index,
    struct secret_binding *b);
uint32_t image_secret_host_count(const struct image *i, uint32_t index);
void image_secret_host(const struct image *i, uint32_t index, uint32_t host,
    struct resource *r);
/* The name alone. */
const char *image_secret(const struct image *i, uint32_t index);
/* Does it hold for this sandbox: is it in force, for it or for all, and does
 * no binding of its own take the name's place? */
bool image_secret_holds(const struct image *i, uint32_t index,
    uint32_t sandbox);
/* The files the image was made of. */
uint32_t image_file_count(const struct image *i);
const char *image_file(const struct image *i, uint32_t index);

#endif
