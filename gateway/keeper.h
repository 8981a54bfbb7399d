/* keeper.h - the process that holds the CA key and secrets, and no network
 *
 * It opens (at first start: makes) the CA, says READY with the fingerprint or
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
	struct ca_files ca;
	/* Another CA in its place first (ca_rotate()). */
	bool rotate;
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
