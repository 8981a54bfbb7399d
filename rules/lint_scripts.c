/* lint_scripts.c - names that are not what they look like
 *
 * A name of letters outside ASCII stands in the policy as A-labels, which
 * nobody can read. Two sorts of it are told: a label that mixes alphabets, as
 * no word does, and one all of whose letters look like Latin ones, so that it
 * is read as another name. (UTS 39 has the whole truth, and a megabyte of
 * tables; these are the letters that such names are made of.)
 */
#include "rules/lint_internal.h"

#include <idn2.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

enum script {
	SCRIPT_COMMON,
	SCRIPT_LATIN,
	SCRIPT_GREEK,
	SCRIPT_CYRILLIC,
	SCRIPT_ARMENIAN,
	SCRIPT_HEBREW,
	SCRIPT_ARABIC,
	SCRIPT_INDIC, /* from Devanagari to Thai, each by itself rarely mixed */
	SCRIPT_GEORGIAN,
	SCRIPT_CHEROKEE,
	SCRIPT_EAST_ASIAN, /* Han, kana, bopomofo and hangul go together */
};

static const struct {
	uint32_t from, to;
	enum script script;
} scripts[] = {
    {'a', 'z', SCRIPT_LATIN},
    {0xaa, 0xaa, SCRIPT_LATIN},
    {0xba, 0xba, SCRIPT_LATIN},
    {0xc0, 0x2af, SCRIPT_LATIN},
    {0x370, 0x3ff, SCRIPT_GREEK},
    {0x400, 0x52f, SCRIPT_CYRILLIC},
    {0x530, 0x58f, SCRIPT_ARMENIAN},
    {0x590, 0x5ff, SCRIPT_HEBREW},
    {0x600, 0x77f, SCRIPT_ARABIC},
    {0x900, 0xe7f, SCRIPT_INDIC},
    {0x10a0, 0x10ff, SCRIPT_GEORGIAN},
    {0x1100, 0x11ff, SCRIPT_EAST_ASIAN},
    {0x13a0, 0x13ff, SCRIPT_CHEROKEE},
    {0x1c80, 0x1c8f, SCRIPT_CYRILLIC},
    {0x1e00, 0x1eff, SCRIPT_LATIN},
    {0x1f00, 0x1fff, SCRIPT_GREEK},
    {0x2d00, 0x2d2f, SCRIPT_GEORGIAN},
    {0x2de0, 0x2dff, SCRIPT_CYRILLIC},
    {0x3005, 0x30ff, SCRIPT_EAST_ASIAN},
    {0x3100, 0x312f, SCRIPT_EAST_ASIAN},
    {0x3130, 0x318f, SCRIPT_EAST_ASIAN},
    {0x3400, 0x9fff, SCRIPT_EAST_ASIAN},
    {0xa640, 0xa69f, SCRIPT_CYRILLIC},
    {0xab70, 0xabbf, SCRIPT_CHEROKEE},
    {0xac00, 0xd7ff, SCRIPT_EAST_ASIAN},
    {0x20000, 0x3ffff, SCRIPT_EAST_ASIAN},
};

/* Letters that look like the Latin one behind them. */
static const struct {
	uint32_t letter;
	char latin;
} lookalikes[] = {
    {0x3b1, 'a'},
    {0x3b9, 'i'},
    {0x3ba, 'k'},
    {0x3bd, 'v'},
    {0x3bf, 'o'},
    {0x3c1, 'p'},
    {0x3c4, 't'},
    {0x3c5, 'u'},
    {0x3c7, 'x'},
    {0x3f2, 'c'},
    {0x3f3, 'j'},
    {0x430, 'a'},
    {0x432, 'b'},
    {0x433, 'r'},
    {0x435, 'e'},
    {0x43a, 'k'},
    {0x43c, 'm'},
    {0x43d, 'h'},
    {0x43e, 'o'},
    {0x440, 'p'},
    {0x441, 'c'},
    {0x442, 't'},
    {0x443, 'y'},
    {0x445, 'x'},
    {0x455, 's'},
    {0x456, 'i'},
    {0x457, 'i'},
    {0x458, 'j'},
    {0x475, 'v'},
    {0x491, 'r'},
    {0x4bb, 'h'},
    {0x4cf, 'l'},
    {0x501, 'd'},
    {0x51b, 'q'},
    {0x51d, 'w'},
    {0x561, 'w'},
    {0x570, 'h'},
    {0x578, 'n'},
    {0x57d, 'u'},
    {0x581, 'g'},
    {0x585, 'o'},
    {0x5d5, 'l'},
    {0x5d8, 'v'},
    {0x5e1, 'o'},
};

static enum script
script_of(uint32_t letter)
{
	for (size_t n = 0; n < ARRAY_SIZE(scripts); n++)
		if (letter >= scripts[n].from && letter <= scripts[n].to)
			return scripts[n].script;
	return SCRIPT_COMMON;
}

/* 0: it looks like none. Digits and hyphens are themselves everywhere. */
static char
latin_like(uint32_t letter)
{
	if (letter < 0x80 && !(letter >= 'a' && letter <= 'z'))
		return (char)letter;
	for (size_t n = 0; n < ARRAY_SIZE(lookalikes); n++)
		if (lookalikes[n].letter == letter)
			return lookalikes[n].latin;
	return 0;
}

/* Japanese and Korean words take Latin letters along. */
static bool
is_mixed(unsigned seen)
{
	unsigned east = 1u << SCRIPT_EAST_ASIAN | 1u << SCRIPT_LATIN;

	seen &= ~(1u << SCRIPT_COMMON);
	return (seen & (seen - 1)) != 0 && (seen & ~east) != 0;
}

static void
look_at_letters(struct lint *l, uint32_t rule, const uint32_t *letters,
    size_t count, const char *shown)
{
	char plain[LABEL_BYTES_MAX + 1], detail[320];
	unsigned seen = 0;
	bool like = count <= LABEL_BYTES_MAX;

	for (size_t n = 0; n < count; n++) {
		seen |= 1u << script_of(letters[n]);
		like = like && (plain[n] = latin_like(letters[n])) != 0;
	}
	if (is_mixed(seen)) {
		lint_add(l, LINT_MIXED_SCRIPTS, rule, RULE_NONE, shown);
		return;
	}
	if (!like)
		return;
	plain[count] = '\0';
	snprintf(detail, sizeof(detail), "%s looks like %s", shown, plain);
	lint_add(l, LINT_LOOKALIKE, rule, RULE_NONE, detail);
}

static void
look_at_label(struct lint *l, uint32_t rule, struct slice label)
{
	char text[LABEL_BYTES_MAX + 1];
	char *shown = NULL;
	uint32_t *letters = NULL;
	size_t count = 0;

	if (!slice_starts(label, "xn--") || label.len > LABEL_BYTES_MAX ||
	    host_has_globs(label))
		return;
	memcpy(text, label.at, label.len);
	text[label.len] = '\0';
	if (idn2_to_unicode_8z4z(text, &letters, 0) == IDN2_OK &&
	    idn2_to_unicode_8z8z(text, &shown, 0) == IDN2_OK) {
		while (letters[count])
			count++;
		look_at_letters(l, rule, letters, count, shown);
	}
	idn2_free(letters);
	idn2_free(shown);
}

void
lint_scripts(struct lint *l, uint32_t rule)
{
	const struct policy_rule *r = lint_rule(l, rule);
	struct slice rest, label;

	if (r->resource.kind != RESOURCE_NAME)
		return;
	rest = (struct slice){r->resource.host, r->resource.host_len};
	while (rest.len > 0) {
		slice_cut(rest, '.', &label, &rest);
		look_at_label(l, rule, label);
	}
}
