/* authority_message.h - what the keeper tells of the CAs
 *
 * There can be as many as sandboxes, so both lists go in a sealed memfd:
 * KEEPER_READY's to the supervisor, which shows them, TELL_AUTHORITIES' to a
 * worker, which is told of those alone whose sandboxes can be at it. */
#ifndef GATEWAY_AUTHORITY_MESSAGE_H
#define GATEWAY_AUTHORITY_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "conf/settings.h"
#include "gateway/keeper_ca.h"
#include "gateway/leaf_message.h"

/* One CA, as it stands in memory; the list is an array of them. */
struct ca_report {
	uint32_t sandbox; /* index; 0: the shared one, which comes first */
	uint32_t zero;
	int64_t ends;	       /* seconds since 1970 */
	int64_t overlap_until; /* the same; 0: none vouches for it */
	char fingerprint[CA_FINGERPRINT_TEXT];
};

#define CA_REPORTS_MAX ((SETTINGS_SANDBOXES_MAX + 1) * sizeof(struct ca_report))

/* A worker's list: the shared one, which has the name "", then sandboxes' own,
 * each with its ca_chain(). */
#define AUTHORITIES_MAX                                                        \
	((SETTINGS_SANDBOXES_MAX + 1) *                                        \
	    (8 + LEAF_SANDBOX_MAX + (size_t)CA_CHAIN_MAX))

void authority_message_add(struct text *list, struct slice sandbox,
    struct slice chain);
/* Takes the first one off *list; false: it is no such list. */
bool authority_message_next(struct slice *list, struct slice *sandbox,
    struct slice *chain);

#endif
