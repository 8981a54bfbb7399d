/* verify.c - is this the log that was written?
 *
 * A changed line shows in the line behind it, whose `prev` no longer fits.
 * Which of the two was changed, the next one tells: if it fits the line with
 * the strange `prev`, that line is whole and the one before it is wrong. So a
 * finding is held back for one line. The log's last line has no witness but,
 * when it is a checkpoint, its signature. */
#include "audit/query.h"

#include <stdio.h>
#include <string.h>

#include "audit/chain.h"
#include "audit/key.h"
#include "audit/log_files.h"

struct place {
	char text[300]; /* FILE:LINE */
};

struct verify {
	const struct audit_key *key;
	struct chain chain; /* what the next line has to be */
	uint64_t lines;
	bool last_is_checkpoint;
	const struct log_file *file; /* of the last line */
	struct place last;
	struct place suspect; /* text "": none; the line before last */
	bool is_wrong;
	struct err *err;
};

static bool
wrong(struct verify *v, const struct place *where, const char *what)
{
	v->is_wrong = true;
	err_set(v->err, ERR_OTHER, "%s: %s", where->text, what);
	v->suspect.text[0] = '\0'; /* may be what `where` is */
	return false;
}

static void
set_place(struct place *p, const struct log_file *f, uint64_t number)
{
	snprintf(p->text, sizeof(p->text), "%s:%llu", f->path,
	    (unsigned long long)number);
}

/* `proven`: the line that aroused the suspicion is as it was written. */
static bool
settle(struct verify *v, bool proven)
{
	if (proven)
		return wrong(v, &v->suspect,
		    "this line was changed: its hash "
		    "is not the one that the next line holds");
	return wrong(v, &v->last,
	    "`prev` is not the hash of the line before it");
}

/* Whether `l` takes its place in the chain; the hash may be held back. */
static bool
check_links(struct verify *v, const struct log_line *l, const char **what)
{
	static const char first_prev[] = LOG_PREV_FIRST;

	if (!v->lines) {
		/* What came before may have been removed by rotation. */
		*what = "is the first record and must not follow another";
		return l->seq != 1 || slice_is(l->prev, first_prev);
	}
	*what = "the sequence number does not follow the one before: a line is "
		"missing, added or moved";
	return l->seq == v->chain.next_seq;
}

static bool
check_checkpoint(struct verify *v, const struct log_line *l, struct slice line,
    const char **what)
{
	*what = "the signature of this checkpoint is wrong";
	if (slice_is(l->event, "checkpoint") || chain_has_signature(line))
		return chain_checkpoint_is_signed(line, v->key);
	*what = "there should have been a checkpoint by now";
	return v->chain.unsigned_lines < CHECKPOINT_LINES;
}

static bool
new_file_follows(struct verify *v, const struct log_file *f)
{
	bool ended = !v->file || v->file == f || v->last_is_checkpoint;

	v->file = f;
	return ended;
}

static bool
check_line(void *owner, const struct log_file *f, uint64_t number,
    struct slice line)
{
	struct verify *v = owner;
	struct place here = {""};
	struct log_line l;
	const char *what;
	bool fits;

	set_place(&here, f, number);
	if (!log_line_parse(line, &l))
		return v->suspect.text[0] ? settle(v, false)
					  : wrong(v, &here, "is no record");
	fits = slice_is(l.prev, v->chain.prev);
	if (v->suspect.text[0])
		return settle(v, fits);
	if (!check_links(v, &l, &what))
		return wrong(v, &here, what);
	if (!new_file_follows(v, f))
		return wrong(v, &v->last,
		    "a rotated file must end with a checkpoint");
	if (v->lines && !fits)
		v->suspect = v->last;
	else if (!check_checkpoint(v, &l, line, &what))
		return wrong(v, &here, what);
	v->last_is_checkpoint = slice_is(l.event, "checkpoint");
	chain_follow(&v->chain, line, l.seq);
	if (v->last_is_checkpoint)
		v->chain.unsigned_lines = 0;
	v->last = here;
	v->lines++;
	return true;
}

static bool
keep_last(void *owner, const struct log_file *f, uint64_t number,
    struct slice line)
{
	struct text *last = owner;

	(void)f;
	(void)number;
	text_clear(last);
	text_add_slice(last, line);
	return true;
}

/* The last line has no other behind it: at least it is JSON, and if it is a
 * checkpoint, its signature settles a suspicion. */
static bool
check_last(struct verify *v, const struct log_files *files, struct err *err)
{
	struct text line;
	size_t first;
	off_t offset;
	json_t *json;
	bool done;

	text_init(&line, 1 << 20);
	done = log_files_last(files, 1, &first, &offset, err) &&
	    log_files_walk(files, first, offset, keep_last, &line, err);
	if (done && v->suspect.text[0])
		done = settle(v,
		    v->last_is_checkpoint &&
			chain_checkpoint_is_signed(text_slice(&line), v->key));
	if (done) {
		json = json_loadb(line.at, line.len,
		    JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
		done = json != NULL || wrong(v, &v->last, "is no JSON");
		json_decref(json);
	}
	text_done(&line);
	return done;
}

static bool
verify_files(const struct log_files *files, const struct audit_key *key,
    uint64_t *lines, struct err *err)
{
	struct verify v = {.key = key, .err = err};
	bool done;

	chain_init(&v.chain);
	done = log_files_walk(files, 0, 0, check_line, &v, err) &&
	    !v.is_wrong && (!v.lines || check_last(&v, files, err));
	*lines = v.lines;
	chain_done(&v.chain);
	return done;
}

bool
log_verify(const char *audit_dir, uint64_t *lines, struct err *err)
{
	struct audit_key *key;
	struct log_files files;
	bool done;

	*lines = 0;
	key = audit_key_open_public(audit_dir, err);
	if (!key)
		return false;
	done = log_files_open(audit_dir, &files, err);
	if (done) {
		done = verify_files(&files, key, lines, err);
		log_files_close(&files);
	}
	audit_key_free(key);
	return done;
}
