/* binding.h - a sound binding of a secret, for tests that care about its hosts */
#ifndef TESTS_UNIT_RULES_BINDING_H
#define TESTS_UNIT_RULES_BINDING_H

#include "rules/secret_binding.h"

static inline struct secret_binding
bearer_binding(const char *name)
{
	return (struct secret_binding){
	    .name = name,
	    .way = SECRET_HEADER,
	    .header = "authorization",
	    .format = "Bearer %s",
	    .placeholder = "proxy-managed",
	};
}

/* `NAME: none`. */
static inline struct secret_binding
withheld_binding(const char *name)
{
	return (struct secret_binding){
	    .name = name,
	    .way = SECRET_SWAP_ONLY,
	    .disabled = true,
	    .withheld = true,
	};
}

#endif
