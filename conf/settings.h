/* settings.h - penstock.yaml: how the gateway runs
 *
 * Every key has a default and stands in options.def, which also gives the
 * manual page its rows. Relative paths are relative to the file's directory. */
#ifndef CONF_SETTINGS_H
#define CONF_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/err.h"
#include "conf/policy_file.h"

/* What the workers' shared counters have room for (gateway/service.h). */
#define SETTINGS_WORKERS_MAX 255
#define SETTINGS_SANDBOXES_MAX 1023

/* The files of a listener that speaks TLS. */
struct listen_tls {
	char *cert, *key;
	char *client_ca; /* NULL: guests need no certificate */
};

/* One `listen:` entry: an address, or a Unix socket's path. */
struct listen_setting {
	struct address address; /* family 0: Unix */
	char *unix_path;
	struct listen_tls *tls; /* NULL: it does not */
};

#define SETTINGS_KEY_DIGEST 32

/* Who is who. Each sandbox has exactly one way to be recognised. */
struct sandbox_setting {
	char *name;
	struct listen_setting *listen;
	size_t listen_count;
	char *token_file;
	char *token; /* read from token_file at load; a secret */
	/* Its client certificate: the common name, or the SHA-256 of its
	 * key's SubjectPublicKeyInfo. */
	char *certificate_name;
	uint8_t certificate_key[SETTINGS_KEY_DIGEST];
	bool has_certificate_key;
	struct address source; /* family 0: none */
	uint8_t source_bits;
	uint32_t spread; /* workers; 0: one, the default */
	/* Limits of this sandbox alone; 0: the general ones. */
	uint32_t connections;
	uint32_t requests_per_second;
	/* The certificates that it is shown are signed by a CA of its own, not
	 * by the one that the others share. */
	bool own_ca;
};

struct host_setting {		   /* dns: hosts: */
	char *name;		   /* canonical */
	struct address *addresses; /* port 0 */
	size_t address_count;
};

/* limits: each key a row in options.def, times in milliseconds. */
struct limits {
#define OPTION_NUMBER(key, field, default_value, low, high, what)              \
	uint64_t field;
#define OPTION_TIME(key, field, default_ms, low_ms, high_ms, what)             \
	uint64_t field;
#define OPTION_SIZE(key, field, default_bytes, low, high, what) uint64_t field;
#include "conf/limits.def"
#undef OPTION_NUMBER
#undef OPTION_TIME
#undef OPTION_SIZE
};

enum upstream_resolve { UPSTREAM_RESOLVE_PARENT, UPSTREAM_RESOLVE_LOCAL };

struct settings {
	char *file; /* NULL: all defaults */
	struct listen_setting *listen;
	size_t listen_count;
	uint32_t workers; /* default: one per core */
	char **policy;	  /* paths */
	size_t policy_count;
	bool policy_is_default; /* nothing named: the default path, which
				 * may be missing */
	enum local_rules local_rules;
	bool local_rules_named;
	/* The public keys whose signature a policy needs; none: it needs none.
	 * They are read with the settings, once. */
	struct image_public_key *signature_keys;
	size_t signature_key_count;
	/* tls */
	char *ca_cert, *ca_key; /* NULL: made at first start */
	char **upstream_ca;
	size_t upstream_ca_count;
	/* dns */
	struct address *dns_servers; /* none: the system's */
	size_t dns_server_count;
	struct host_setting *hosts;
	size_t host_count;
	/* upstream */
	char *parent_host; /* NULL: dial directly */
	uint16_t parent_port;
	char *parent_authorization; /* "Basic ..." or NULL; a secret */
	char **no_proxy;	    /* host patterns and CIDRs, as in rules */
	size_t no_proxy_count;
	enum upstream_resolve parent_resolve;
	/* audit */
	bool audit_block;	   /* on_failure: block (else: continue) */
	bool audit_query_redacted; /* query: redact (default) | keep */
	uint64_t audit_ring_bytes;
	uint64_t audit_file_bytes; /* rotate past it */
	uint32_t audit_files;	   /* rotated files kept; 0: all */
	bool audit_sync;	   /* durability: kernel (false) | disk */
	struct limits limits;
	struct sandbox_setting *sandboxes;
	size_t sandbox_count;
	char *log_level;
};

void settings_defaults(struct settings *s);
/* Defaults, then the file's keys. `s` to settings_done() on success only. */
bool settings_read(const char *path, struct settings *s, struct err *err);
bool settings_parse(const char *file, struct slice text, struct settings *s,
    struct err *err);
void settings_done(struct settings *s);
/* "127.0.0.1:3128", "[::1]:0", "unix:/path"; formatted with "tls:" before it
 * where TLS is spoken. */
bool listen_setting_parse(const char *text, struct listen_setting *l,
    struct err *err);
void listen_setting_done(struct listen_setting *l); /* not its own memory */
void listen_setting_format(const struct listen_setting *l, char *out,
    size_t size);

#endif
