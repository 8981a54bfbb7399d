/* policy_holder.h - the live policy: compiled, sealed, numbered
 *
 * A policy is loaded and compiled as a whole or not at all. What is live is a
 * memfd that nobody can change any more, mapped by every worker, and a
 * generation, which grows by one each time another takes its place. */
#ifndef GATEWAY_POLICY_HOLDER_H
#define GATEWAY_POLICY_HOLDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "conf/policy_file.h"
#include "conf/settings.h"
#include "rules/image.h"

struct compiled_policy {
	int fd;		     /* sealed memfd; -1: none */
	struct image *image; /* mapped from it */
	uint64_t generation;
};

/* From files and directories, or from one compiled image, signed or not. Where
 * keys are named (conf/policy_file.h), from one image only, and with a valid
 * signature by one of them. `c` is set on success only. */
bool policy_compile(const struct policy_sources *from,
    struct compiled_policy *c, struct err *err);
void compiled_policy_done(struct compiled_policy *c);

/* What the settings name: a default path that is not there is left out, so
 * that a gateway without any policy refuses with `no-policy`. Valid as long
 * as the settings and `local_file`. */
struct policy_sources policy_sources_of(const struct settings *s,
    const char *local_file);

/* May rules be typed beside these? Not where they are switched off, and not
 * beside a compiled image, which nothing can be added to. */
bool policy_takes_typed_rules(const struct policy_sources *from,
    struct err *err);

#endif
