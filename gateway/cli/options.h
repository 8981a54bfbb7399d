/* options.h - the one parser of every verb's flags
 *
 * A verb has a table of specs; each names a field of the verb's own struct.
 * Flags may stand before, between or after the operands; `--` ends them; a
 * value follows as "--flag VALUE", "--flag=VALUE", "-f VALUE" or "-fVALUE";
 * letters without values may share one dash. -h and --help are every verb's. */
#ifndef GATEWAY_CLI_OPTIONS_H
#define GATEWAY_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/err.h"

enum option_kind {
	OPTION_FLAG,  /* bool */
	OPTION_TEXT,  /* const char *; the last one given counts */
	OPTION_COUNT, /* uint64_t, decimal */
	OPTION_LIST,  /* struct option_list; may be repeated */
};

struct option_spec {
	const char *name; /* without dashes */
	char letter;	  /* 0: none */
	enum option_kind kind;
	size_t field;	   /* offset in the verb's struct */
	const char *value; /* its name in the help; NULL for flags */
	const char *help;
};

struct option_set {
	const struct option_spec *specs;
	size_t count;
	size_t size; /* of the verb's struct */
};

struct option_list {
	const char **at; /* owned array of borrowed texts */
	size_t count, capacity;
};

#define OPT_FLAG(type, field, name, letter, help)                              \
	{                                                                      \
		name, letter, OPTION_FLAG, offsetof(type, field), NULL, help   \
	}
#define OPT_TEXT(type, field, name, letter, value, help)                       \
	{                                                                      \
		name, letter, OPTION_TEXT, offsetof(type, field), value, help  \
	}
#define OPT_COUNT(type, field, name, letter, value, help)                      \
	{                                                                      \
		name, letter, OPTION_COUNT, offsetof(type, field), value, help \
	}
#define OPT_LIST(type, field, name, letter, value, help)                       \
	{                                                                      \
		name, letter, OPTION_LIST, offsetof(type, field), value, help  \
	}

/* Defines `options_ID`, the set of a verb whose struct is `type`. */
#define OPTIONS(id, type, ...)                                                 \
	static const struct option_spec id##_specs[] = {__VA_ARGS__};          \
	const struct option_set options_##id = {                               \
	    id##_specs, ARRAY_SIZE(id##_specs), sizeof(type)}

/* The same for a verb that has no flags of its own. */
#define OPTIONS_NONE(id) const struct option_set options_##id = {NULL, 0, 1}

enum options_result { OPTIONS_READ, OPTIONS_HELP, OPTIONS_BAD };

/* Fills `into` (zeroed by the caller, set->size bytes) and moves the operands
 * to the front of `argv`; *operands counts them. BAD: *err says which flag,
 * and the nearest one there is. */
enum options_result options_read(const struct option_set *set, int argc,
    char **argv, void *into, size_t *operands, struct err *err);
/* Frees the lists in `into`. */
void options_done(const struct option_set *set, void *into);
/* "-s, --since TIME", as the help shows it. */
#define OPTION_TITLE 80
void option_title(const struct option_spec *spec, char out[OPTION_TITLE]);

#endif
