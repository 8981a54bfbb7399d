/* keeper.h - the process that holds the CAs' keys and secrets, and no network
 *
 * It opens (at first start: makes) the CAs, says READY and which they are or
 * FAILED with a sentence, gives up all files, and answers its channels: the
 * supervisor's, whose end is its own, and one of each worker. */
#ifndef GATEWAY_KEEPER_H
#define GATEWAY_KEEPER_H

#include <stdint.h>

#include "conf/settings.h"
#include "gateway/confine.h"
#include "gateway/keeper_ca.h"
#include "gateway/keeper_secrets.h"

struct keeper_options {
	int channel;
	struct ca_files ca; /* for all who have none of their own */
	/* [index of the sandbox] (0: default, which has none): its own, in a
	 * directory that is there; without a `cert`: it has none. NULL: nobody
	 * has one. */
	const struct ca_files *own_cas;
	/* Another CA in the place of this sandbox's own (0: of the shared one)
	 * first (ca_rotate()). */
	bool rotate;
	size_t rotated;
	int64_t overlap_s;
	const struct keeper_secrets_options *secrets; /* NULL: none */
	const struct settings *settings;
	/* [slot * (settings->sandbox_count + 1) + sandbox]: can guests of this
	 * sandbox (0: default) be at the worker of this slot? NULL: anywhere.
	 */
	const bool *homes;
	struct confine_options confine;
};

int keeper_main(const struct keeper_options *options);

#endif
