/* sources.c - all rings that the auditor reads, as one stream of records */
#include "audit/sources.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/drain.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"

#define PRESSING 8 /* an eighth of a ring waits */

struct source {
	struct drain *drain; /* owned; NULL: the file is no ring */
	char *path;	     /* owned, of a left-over file; else NULL */
	bool is_read;	     /* this pass has all of it */
	bool may_repeat;     /* its records may be in the log already */
};

struct sources {
	struct source *source;
	size_t count, capacity;
	size_t first;	      /* takes turns in being first */
	struct recent recent; /* owned */
	char complaint[400];  /* what the last `gap` told */
	bool complains;	      /* and nobody has asked for it yet */
};

static struct source *
add_source(struct sources *s)
{
	s->source = memory_room(s->source, s->count, &s->capacity,
	    sizeof(*s->source));
	return &s->source[s->count++];
}

static bool
is_living(struct journal *const *journals, unsigned count, const char *name)
{
	for (unsigned i = 0; i < count; i++) {
		const char *path = journal_path(journals[i]);
		const char *slash = strrchr(path, '/');

		if (!strcmp(slash ? slash + 1 : path, name))
			return true;
	}
	return false;
}

/* False when it cannot even be opened: then its records must wait. */
static bool
add_left_over(struct sources *s, const char *dir, const char *name,
    struct err *err)
{
	struct source *left = add_source(s);

	*left = (struct source){
	    .path = file_join(dir, name),
	    .may_repeat = true,
	};
	left->drain = drain_open(left->path, err);
	return left->drain || err->kind != ERR_SYSTEM;
}

static bool
add_left_overs(struct sources *s, struct journal *const *journals,
    unsigned count, const char *path, struct err *err)
{
	DIR *dir = opendir(path);
	bool done = true;

	if (!dir)
		return errno == ENOENT || err_errno(err, "%s", path);
	for (const struct dirent *e; (e = readdir(dir));)
		if (slice_ends(slice_of(e->d_name), ".ring") &&
		    !is_living(journals, count, e->d_name))
			done = done && add_left_over(s, path, e->d_name, err);
	closedir(dir);
	return done;
}

struct sources *
sources_new(struct journal *const *journals, unsigned count,
    const char *journal_dir, struct recent *recent, struct err *err)
{
	struct sources *s = memory_new(sizeof(*s));

	s->recent = *recent;
	*recent = (struct recent){0};
	if (!add_left_overs(s, journals, count, journal_dir, err)) {
		sources_free(s);
		return NULL;
	}
	for (unsigned i = 0; i < count; i++)
		*add_source(s) = (struct source){
		    .drain = drain_new(journals[i]),
		    .may_repeat = true,
		};
	return s;
}

void
sources_free(struct sources *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->count; i++) {
		drain_free(s->source[i].drain);
		free(s->source[i].path);
	}
	free(s->source);
	recent_done(&s->recent);
	free(s);
}

void
sources_begin(struct sources *s)
{
	for (size_t i = 0; i < s->count; i++) {
		struct source *source = &s->source[i];

		source->is_read = false;
		if (source->drain)
			drain_begin(source->drain);
	}
}

static uint64_t
hash_of(const char *name)
{
	uint64_t hash = 14695981039346656037u; /* FNV-1a */

	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * 1099511628211u;
	return hash;
}

/* The id is made of the place, so that the same place is not told twice when
 * the auditor is killed before the ring has its room back. */
static void
make_gap(struct record *r, const char *name, uint64_t offset, const char *what)
{
	struct record_id id = {hash_of(name), offset};

	record_begin(r, EVENT_GAP, id, clock_wall_us());
	record_text(r, FIELD_DETAIL, slice_of(what));
	record_number(r, FIELD_COUNT, 1);
}

/* False: the log has it. The first that it has not is new, and so are all
 * behind it. */
static bool
is_new(struct sources *s, struct source *source, const void *record)
{
	if (source->may_repeat && recent_has(&s->recent, record))
		return false;
	source->may_repeat = false;
	return true;
}

/* A `gap` record about this place of a ring, unless the log has it. */
static void
tell(struct sources *s, struct source *source, const char *name,
    uint64_t offset, struct writer *w)
{
	struct record gap;

	make_gap(&gap, name, offset, s->complaint);
	if (!is_new(s, source, gap.bytes))
		return;
	writer_add(w, gap.bytes, gap.len);
	s->complains = true;
}

static void
tell_torn(struct sources *s, struct source *source, const struct drain_found *f,
    struct writer *w)
{
	const char *name = drain_name(source->drain);

	snprintf(s->complaint, sizeof(s->complaint),
	    "journal ring %s: the entry at byte %llu is torn or false (%s); "
	    "%llu bytes from there on were given up",
	    name, (unsigned long long)f->offset, f->why,
	    (unsigned long long)f->lost);
	tell(s, source, name, f->offset, w);
}

static void
tell_no_ring(struct sources *s, struct source *source, struct writer *w)
{
	snprintf(s->complaint, sizeof(s->complaint),
	    "%s is no journal ring, its records cannot be read; it is kept as "
	    ".damaged",
	    source->path);
	tell(s, source, source->path, 0, w);
}

/* One entry; false when the source has no more in this pass. */
static bool
take_one(struct sources *s, struct source *source, struct writer *w)
{
	struct drain_found found;

	if (!source->drain) {
		if (source->may_repeat)
			tell_no_ring(s, source, w);
		source->may_repeat = false;
		return false;
	}
	switch (drain_next(source->drain, &found)) {
	case DRAIN_RECORD:
		if (is_new(s, source, found.bytes))
			writer_add(w, found.bytes, found.len);
		return true;
	case DRAIN_TORN:
		tell_torn(s, source, &found, w);
		return true;
	case DRAIN_EMPTY:
		break;
	}
	return false;
}

const char *
sources_complaint(struct sources *s)
{
	bool complains = s->complains;

	s->complains = false;
	return complains ? s->complaint : NULL;
}

bool
sources_fill(struct sources *s, struct writer *w)
{
	size_t share = WRITER_BATCH / (s->count ? s->count : 1);
	bool more = false;

	for (size_t i = 0; i < s->count && !writer_is_full(w); i++) {
		struct source *source = &s->source[(s->first + i) % s->count];
		size_t start = writer_batch_len(w);

		while (!source->is_read && !writer_is_full(w) &&
		    writer_batch_len(w) - start < share)
			source->is_read = !take_one(s, source, w);
	}
	for (size_t i = 0; i < s->count; i++)
		more = more || !s->source[i].is_read;
	s->first = s->count ? (s->first + 1) % s->count : 0;
	return more;
}

void
sources_release(struct sources *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->source[i].drain)
			drain_release(s->source[i].drain);
}

static void
remove_left_over(struct source *source)
{
	char *damaged;

	if (source->drain) {
		unlink(source->path);
		return;
	}
	CHECK(asprintf(&damaged, "%s.damaged", source->path) > 0);
	rename(source->path, damaged);
	free(damaged);
}

void
sources_forget_left_over(struct sources *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->count; i++) {
		struct source *source = &s->source[i];

		if (!source->path) {
			s->source[kept++] = *source;
			continue;
		}
		remove_left_over(source);
		drain_free(source->drain);
		free(source->path);
	}
	s->count = kept;
	s->first = 0;
	for (size_t i = 0; i < kept; i++)
		s->source[i].may_repeat = false;
	recent_done(&s->recent);
}

bool
sources_are_pressing(const struct sources *s)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct drain *d = s->source[i].drain;

		if (d && drain_waiting(d) >= drain_size(d) / PRESSING)
			return true;
	}
	return false;
}
