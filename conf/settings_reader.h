/* settings_reader.h - shared by the files that read penstock.yaml
 *
 * Included by conf/settings*.c only. Each key of options.def has its reader
 * in one of them. */
#ifndef CONF_SETTINGS_READER_H
#define CONF_SETTINGS_READER_H

#include "conf/schema.h"
#include "conf/settings.h"

#define SETTINGS_LIST_MAX 10000
#define SETTINGS_PATH_MAX 4095

struct settings_reader {
	struct settings *s;
	const char *directory;		 /* relative paths start here */
	struct sandbox_setting *sandbox; /* the one being read */
	struct listen_setting *listen;	 /* the one being read */
};

enum settings_section {
	SECTION_TOP,
	SECTION_TLS,
	SECTION_CA,
	SECTION_DNS,
	SECTION_UPSTREAM,
	SECTION_AUDIT,
	SECTION_SANDBOX,
	SECTION_LISTEN,
	SECTION_LISTEN_TLS,
	SECTION_COUNT
};

#define OPTION(key, section, reader, what) schema_reader settings_read_##reader;
#include "conf/options.def"
#undef OPTION

/* The keys of one section (settings.c). */
bool settings_read_section(enum settings_section section, void *owner,
    const struct yaml_document *d, const struct yaml_node *map,
    struct err *err);

/* A value that may be one or a list of several; 10,000 at most. */
struct value_list {
	const struct yaml_node *one;
	struct yaml_node *const *items;
	size_t count;
};

bool settings_list(const struct yaml_document *d, const struct yaml_node *n,
    const char *what, struct value_list *list, struct err *err);
const struct yaml_node *value_at(const struct value_list *list, size_t index);

enum unit { UNIT_NONE, UNIT_TIME, UNIT_SIZE };

struct range {
	const char *what; /* "limits.idle" */
	enum unit unit;	  /* times in milliseconds, sizes in bytes */
	uint64_t low, high;
};

/* "300", "10s", "64KiB"; the message names both ends of the range. */
bool settings_number(const struct yaml_document *d, const struct yaml_node *n,
    const struct range *range, uint64_t *value, struct err *err);
bool settings_count(const struct yaml_document *d, const struct yaml_node *n,
    const struct range *range, uint32_t *value, struct err *err);
/* A path, made absolute or relative to where we are; to free(). */
bool settings_path(const struct settings_reader *r,
    const struct yaml_document *d, const struct yaml_node *n, const char *what,
    char **path, struct err *err);
/* One or several. They replace what is in *paths. */
bool settings_paths(const struct settings_reader *r,
    const struct yaml_document *d, const struct yaml_node *n, const char *what,
    char ***paths, size_t *count, struct err *err);
void settings_free_texts(char **texts, size_t count);
/* `listen:` of the gateway or of one sandbox. */
bool settings_listen(struct settings_reader *r, const struct yaml_document *d,
    const struct yaml_node *n, struct listen_setting **listen, size_t *count,
    struct err *err);
void settings_free_listen(struct listen_setting *listen, size_t count);
/* No sandbox's listener is also the gateway's (settings_sandboxes.c). */
bool settings_listeners_are_distinct(const struct settings *s,
    const struct yaml_document *d, struct err *err);
/* Some listener asks for the certificates that tell sandboxes apart. */
bool settings_certificates_are_asked_for(const struct settings *s,
    const struct yaml_document *d, struct err *err);
/* None has a CA of its own beside one that was brought along. */
bool settings_own_cas_can_be(const struct settings *s,
    const struct yaml_document *d, struct err *err);
void sandbox_setting_done(struct sandbox_setting *sandbox);

#endif
