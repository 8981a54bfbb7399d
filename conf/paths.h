/* paths.h - where configuration, state and runtime files live
 *
 * PENSTOCK_HOME=DIR: DIR/config, DIR/state, DIR/run. Else root:
 * /etc/penstock, /var/lib/penstock, /run/penstock. Else the XDG directories:
 * $XDG_CONFIG_HOME/penstock, $XDG_STATE_HOME/penstock,
 * $XDG_RUNTIME_DIR/penstock (else /run/penstock). */
#ifndef CONF_PATHS_H
#define CONF_PATHS_H

#include <stdbool.h>

#include "base/err.h"

struct paths {
	char *config;	   /* directory: penstock.yaml, policy.yaml */
	char *state;	   /* directory: local rules, ca, journal, log */
	char *run;	   /* directory: control.sock, lock */
	char *config_file; /* config/penstock.yaml */
	char *policy_file; /* config/policy.yaml */
	char *local_rules; /* state/local-rules.yaml */
	char *ca_dir;	   /* state/ca: ca.pem, ca.key (0600) */
	char *journal_dir; /* state/journal */
	char *audit_dir;   /* state/audit: audit.jsonl, audit.key, audit.pub */
	char *control;	   /* run/control.sock */
	char *lock;	   /* state/lock: one gateway per state directory */
};

/* From the environment and the uid. */
bool paths_find(struct paths *p, struct err *err);
void paths_done(struct paths *p);

#endif
