/* keeper.h - the process that holds the CA key, and no network
 *
 * It opens (at first start: makes) the CA, says READY with the fingerprint or
 * FAILED with a sentence, gives up all files, and answers its channel, whose
 * end is its own. */
#ifndef GATEWAY_KEEPER_H
#define GATEWAY_KEEPER_H

#include "gateway/confine.h"
#include "gateway/keeper_ca.h"

struct keeper_options {
	int channel;
	struct ca_files ca;
	struct confine_options confine;
};

int keeper_main(const struct keeper_options *options);

#endif
