/* glob_pattern.c - one glob, taken apart
 *
 * Two notations, one list of tokens. Runs that stand side by side are made one
 * here, so that patterns that say the same by "**" twice are one pattern and a
 * tree never has a run right below a run for nothing. */
#include "rules/glob_pattern.h"

void
glob_pattern_init(struct glob_pattern *p, char separator)
{
	p->count = p->set_count = 0;
	p->separator = separator;
}

static bool
add(struct glob_pattern *p, struct glob_token token)
{
	if (p->count == GLOB_TOKENS_MAX)
		return false;
	p->tokens[p->count++] = token;
	return true;
}

bool
glob_pattern_byte(struct glob_pattern *p, char byte)
{
	bool behind_segments = p->count > 0 &&
	    p->tokens[p->count - 1].kind == GLOB_SEGMENTS;

	if (byte == '\0' || (behind_segments && byte != p->separator))
		return false;
	return add(p,
	    (struct glob_token){.kind = GLOB_LITERAL, .first = (uint8_t)byte});
}

bool
glob_pattern_class(struct glob_pattern *p, const uint8_t *set)
{
	if (p->set_count == GLOB_SETS_MAX ||
	    (p->count > 0 && p->tokens[p->count - 1].kind == GLOB_SEGMENTS))
		return false;
	memcpy(p->sets[p->set_count], set, GLOB_SET_BYTES);
	return add(p,
	    (struct glob_token){
		.kind = GLOB_CLASS, .set = (uint16_t)p->set_count++});
}

/* What two runs side by side are together; GLOB_ROOT when they stay two: "*"
 * before whole segments is no single run. */
static enum glob_kind
joined(unsigned left, unsigned right)
{
	if (!glob_kind_is_run(left) || !glob_kind_is_run(right))
		return GLOB_ROOT;
	if (left == GLOB_DEEP || right == GLOB_DEEP)
		return GLOB_DEEP;
	return left == right ? (enum glob_kind)left : GLOB_ROOT;
}

bool
glob_pattern_kind(struct glob_pattern *p, enum glob_kind kind)
{
	struct glob_token *last = p->count ? &p->tokens[p->count - 1] : NULL;
	enum glob_kind both = last ? joined(last->kind, kind) : GLOB_ROOT;

	if (both != GLOB_ROOT) {
		last->kind = (uint8_t)both;
		return true;
	}
	if (last && last->kind == GLOB_SEGMENTS)
		return false;
	return add(p, (struct glob_token){.kind = (uint8_t)kind});
}

/* The byte that a canonical path holds at the front of `s`, plainly or as
 * "%2A", the asterisk that is no wildcard. */
static bool
add_path_byte(struct slice s, struct glob_pattern *p, size_t *used)
{
	*used = slice_starts(s, "%2A") ? 3 : 1;
	if (*used == 1 && s.at[0] == '*')
		return glob_pattern_kind(p, GLOB_STAR);
	return glob_pattern_byte(p, *used == 3 ? '*' : s.at[0]);
}

bool
glob_pattern_of_path(struct slice path, struct glob_pattern *p)
{
	size_t used;

	glob_pattern_init(p, '/');
	for (size_t i = 0; i < path.len; i += used) {
		struct slice rest = slice_from(path, i);
		bool whole = slice_starts(rest, "/**") &&
		    (rest.len == 3 || rest.at[3] == '/');

		used = 3;
		if (whole && !glob_pattern_kind(p, GLOB_SEGMENTS))
			return false;
		if (!whole && !add_path_byte(rest, p, &used))
			return false;
	}
	return true;
}

/* The "[...]" at the front of `s` as a set; its length, 0 when it is none. */
static size_t
read_class(struct slice s, uint8_t set[GLOB_SET_BYTES])
{
	size_t end = slice_find(s, ']');

	memset(set, 0, GLOB_SET_BYTES);
	if (end == s.len)
		return 0;
	for (size_t i = 1; i < end; i++) {
		unsigned from = (unsigned char)s.at[i], to = from;

		if (i + 2 < end && s.at[i + 1] == '-') {
			to = (unsigned char)s.at[i + 2];
			i += 2;
		}
		for (unsigned byte = from; byte <= to; byte++)
			glob_set_add(set, (uint8_t)byte);
	}
	return end + 1;
}

static bool
add_host_item(struct slice s, struct glob_pattern *p, size_t *used)
{
	uint8_t set[GLOB_SET_BYTES];

	*used = 1;
	if (s.at[0] == '*')
		return glob_pattern_kind(p, GLOB_STAR);
	if (s.at[0] == '?')
		return glob_pattern_kind(p, GLOB_ONE);
	if (s.at[0] != '[')
		return glob_pattern_byte(p, s.at[0]);
	*used = read_class(s, set);
	return *used > 0 && glob_pattern_class(p, set);
}

bool
glob_pattern_of_host(enum host_depth depth, struct slice head,
    struct glob_pattern *p)
{
	size_t used;

	glob_pattern_init(p, '.');
	switch (depth) {
	case DEPTH_EXACT:
		break;
	case DEPTH_ONE:
	case DEPTH_DEEP:
		glob_pattern_kind(p,
		    depth == DEPTH_ONE ? GLOB_STAR : GLOB_DEEP);
		glob_pattern_byte(p, '.');
		break;
	case DEPTH_EVERY:
		return false;
	}
	for (size_t i = 0; i < head.len; i += used)
		if (!add_host_item(slice_from(head, i), p, &used))
			return false;
	return true;
}
