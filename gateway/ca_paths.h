/* ca_paths.h - where the files of a CA are
 *
 * The shared one's stand in the state directory's `ca`, each sandbox's own in a
 * directory of its name below `ca/sandboxes`: "ca.pem" is a name, too, so the
 * two kinds never stand side by side. */
#ifndef GATEWAY_CA_PATHS_H
#define GATEWAY_CA_PATHS_H

struct ca_paths {
	char *directory;
	char *cert, *key; /* ca.pem, ca.key (0600) */
	char *previous;	  /* the last one's, while it vouches for this one */
	char *trust;	  /* what makes others trust it */
	char *bundle;	  /* the same, behind the system's roots */
};

/* Of the one in `ca_dir`; of this sandbox, whose name was read with the
 * settings; NULL: of the shared one. */
void ca_paths_find(struct ca_paths *p, const char *ca_dir, const char *sandbox);
void ca_paths_done(struct ca_paths *p); /* all NULL is fine */

#endif
