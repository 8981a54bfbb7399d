/* supervisor_ca.c - the CAs, and another in the place of one
 *
 * Keys are the keeper's alone, and a keeper that has given up its rights opens
 * no file any more. So a rotation is a new keeper, which makes the new CA
 * before it gives up anything (keeper_ca.h) and opens the others as they are.
 * The old one is killed first: it holds nothing that is not in a file, and what
 * workers have asked of it they ask of the next one again. When the new one
 * cannot, the one after it serves with the old CA as before.
 *
 * The end of an overlap is a new keeper likewise: it finds the time over.
 */
#include "gateway/supervisor_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "gateway/ca_stores.h"

/* The clock may be set meanwhile: looked at once an hour. */
#define LOOK_MS_MAX 3600000
/* Past it the old CA would be kept for good. */
#define OVERLAP_S_MAX (366 * 86400)
#define TRUST_MAX 131072

/* --- where they are --- */

/* Brought along (conf sees to it that it is both files, and that no sandbox has
 * its own then), or ours. */
static void
find_shared(struct supervisor *s)
{
	const struct settings *set = s->settings;
	struct ca_paths *p = &s->cas[0].paths;

	ca_paths_find(p, s->paths->ca_dir, NULL);
	s->ca_is_own = !set->ca_cert;
	if (s->ca_is_own)
		return;
	free(p->cert);
	free(p->key);
	p->cert = memory_text(set->ca_cert);
	p->key = memory_text(set->ca_key);
}

static struct ca_files
files_of(const struct supervisor *s, size_t index)
{
	const struct ca_paths *p = &s->cas[index].paths;

	return (struct ca_files){
	    .cert = p->cert,
	    .key = p->key,
	    .own = index > 0 || s->ca_is_own,
	    .sandbox = index ? s->settings->sandboxes[index - 1].name : NULL,
	    .previous = p->previous,
	    .trust = p->trust,
	    .bundle = p->bundle,
	};
}

void
supervisor_ca_find(struct supervisor *s)
{
	const struct settings *set = s->settings;

	s->ca_count = set->sandbox_count + 1;
	s->cas = memory_array(s->ca_count, sizeof(*s->cas));
	s->ca_files = memory_array(s->ca_count, sizeof(*s->ca_files));
	find_shared(s);
	for (size_t n = 1; n < s->ca_count; n++)
		if (set->sandboxes[n - 1].own_ca)
			ca_paths_find(&s->cas[n].paths, s->paths->ca_dir,
			    set->sandboxes[n - 1].name);
	for (size_t n = 0; n < s->ca_count; n++)
		if (s->cas[n].paths.cert)
			s->ca_files[n] = files_of(s, n);
}

bool
supervisor_ca_make_directories(const struct supervisor *s, struct err *err)
{
	for (size_t n = 1; n < s->ca_count; n++)
		if (s->cas[n].paths.cert &&
		    !file_make_directories(s->cas[n].paths.directory, 0750,
			err))
			return false;
	return true;
}

/* "the CA", "the CA of the sandbox web". */
#define CA_TEXT 96
static void
name_ca(const struct supervisor *s, size_t index, char out[CA_TEXT])
{
	if (index)
		snprintf(out, CA_TEXT, "the CA of the sandbox %s",
		    s->settings->sandboxes[index - 1].name);
	else
		snprintf(out, CA_TEXT, "the CA");
}

/* --- the overlaps --- */

static void
renew_keeper(struct supervisor *s)
{
	/* Where there is none now, the next one is new anyway. */
	if (!s->keeper.pid)
		return;
	s->keeper_renewed = true;
	child_kill(&s->keeper);
}

/* The one that ends first; false: there is none. */
static bool
next_to_end(const struct supervisor *s, size_t *index)
{
	int64_t first = INT64_MAX;

	for (size_t n = 0; n < s->ca_count; n++) {
		int64_t until = s->cas[n].report.overlap_until;

		if (until == 0 || until >= first)
			continue;
		first = until;
		*index = n;
	}
	return first != INT64_MAX;
}

static void
look_at_overlaps(void *owner)
{
	struct supervisor *s = owner;
	char name[CA_TEXT];
	int64_t left_ms;
	size_t index;

	if (!next_to_end(s, &index))
		return;
	left_ms = s->cas[index].report.overlap_until * 1000 -
	    (int64_t)(clock_wall_us() / 1000);
	if (left_ms > 0) {
		timer_set(&s->ca_overlap,
		    left_ms < LOOK_MS_MAX ? (uint64_t)left_ms : LOOK_MS_MAX);
		return;
	}
	name_ca(s, index, name);
	supervisor_note(s, LOG_INFO,
	    "%s before the last rotation is trusted no longer", name);
	renew_keeper(s);
}

void
supervisor_ca_init(struct supervisor *s)
{
	timer_init(&s->ca_overlap, s->loop, look_at_overlaps, s);
}

/* --- a new keeper --- */

static bool
take_reports(struct supervisor *s, const struct ca_report *at, size_t count)
{
	for (size_t n = 0; n < count; n++) {
		if (at[n].sandbox >= s->ca_count ||
		    !s->cas[at[n].sandbox].paths.cert ||
		    !memchr(at[n].fingerprint, 0, CA_FINGERPRINT_TEXT))
			return false;
		s->cas[at[n].sandbox].report = at[n];
	}
	return count > 0 && at[0].sandbox == 0;
}

static bool
read_reports(struct supervisor *s, const struct ipc_message *m)
{
	char *text = NULL;
	size_t len = 0;
	bool done = m->nfds == 1 &&
	    file_read_sealed(m->fds[0], CA_REPORTS_MAX, &text, &len) &&
	    len % sizeof(struct ca_report) == 0 &&
	    take_reports(s, (const struct ca_report *)(const void *)text,
		len / sizeof(struct ca_report));

	free(text);
	return done;
}

/* --- their files --- */

/* The index of the sandbox that is named; without a name, and for `default`,
 * which cannot have its own, 0. */
static bool
find_sandbox(const struct supervisor *s, const json_t *name, size_t *which,
    struct err *err)
{
	const char *sandbox = json_string_value(name);

	*which = 0;
	if (!name || json_is_null(name) ||
	    (sandbox && !strcmp(sandbox, "default")))
		return true;
	if (!sandbox)
		return err_set(err, ERR_USAGE, "\"sandbox\" must be a name");
	for (size_t n = 1; n < s->ca_count; n++)
		if (!strcmp(s->settings->sandboxes[n - 1].name, sandbox)) {
			*which = n;
			return true;
		}
	return err_set(err, ERR_USAGE,
	    "the gateway knows no sandbox \"%.80s\" (sandboxes: in "
	    "penstock.yaml)",
	    sandbox);
}

/* For a sandbox's own; the shared one's is the keeper's. */
static bool
write_bundle(struct supervisor *s, size_t index, struct err *err)
{
	struct supervisor_ca *one = &s->cas[index];
	char *text;
	size_t len;
	bool done;

	if (!file_read(one->paths.trust, TRUST_MAX, &text, &len, err))
		return false;
	done = ca_stores_write_bundle(one->paths.bundle,
	    (struct slice){text, len}, err);
	free(text);
	/* What a keeper that is not ready yet makes of the CA may be another
	 * one than was read. */
	one->bundle_again = !s->keeper.serving;
	return done;
}

static void
write_bundles_again(struct supervisor *s)
{
	struct err err = {0};

	for (size_t n = 1; n < s->ca_count; n++)
		if (s->cas[n].bundle_again && !write_bundle(s, n, &err))
			log_error("%s", err.text);
}

void
supervisor_ca_files(struct supervisor *s, struct control_request *r,
    json_t *request)
{
	struct err err = {0};
	size_t index;

	if (!find_sandbox(s, json_object_get(request, "sandbox"), &index,
		&err)) {
		control_refuse(r, &err);
		return;
	}
	if (!s->cas[index].paths.cert)
		index = 0;
	if (index && !write_bundle(s, index, &err))
		control_refuse(r, &err);
	else
		control_answer(r, status_ca(s, index), -1);
}

/* --- the rotation --- */

static struct control_request *
end_rotation(struct supervisor *s)
{
	struct control_request *request = s->rotation.request;

	s->rotation = (struct ca_rotation){.state = ROTATION_NONE};
	return request;
}

static void
answer_rotation(struct supervisor *s)
{
	size_t which = s->rotation.which;
	const struct ca_report *new = &s->cas[which].report;
	json_t *answer = json_object();
	char name[CA_TEXT];

	name_ca(s, which, name);
	supervisor_note(s, LOG_INFO, "%s was rotated; the new one is %s", name,
	    new->fingerprint);
	json_object_set_new(answer, "sandbox",
	    which ? control_text(s->settings->sandboxes[which - 1].name)
		  : json_null());
	json_object_set_new(answer, "fingerprint",
	    json_string(new->fingerprint));
	json_object_set_new(answer, "overlap_until",
	    json_integer(new->overlap_until));
	control_answer(end_rotation(s), answer, -1);
}

bool
supervisor_ca_ready(struct supervisor *s, const struct ipc_message *m)
{
	if (!read_reports(s, m))
		return false;
	write_bundles_again(s);
	timer_stop(&s->ca_overlap);
	look_at_overlaps(s);
	if (s->rotation.state == ROTATION_RUNNING)
		answer_rotation(s);
	return true;
}

void
supervisor_ca_failed(struct supervisor *s, const char *why)
{
	struct err err = {0};

	if (s->rotation.state != ROTATION_RUNNING)
		return;
	err_set(&err, ERR_OTHER, "the CA stays as it was: %s",
	    why ? why : "the keeper has died");
	control_refuse(end_rotation(s), &err);
}

/* Two overlaps of one CA would need a chain that no authority of ours allows.
 */
static bool
may_rotate(const struct supervisor *s, size_t which, json_int_t overlap_s,
    struct err *err)
{
	if (!s->cas[which].paths.cert)
		return err_set(err, ERR_USAGE,
		    "the sandbox %s has no CA of its own (ca: own in "
		    "penstock.yaml, from the gateway's next start on): the "
		    "shared one signs for it",
		    s->settings->sandboxes[which - 1].name);
	if (which == 0 && !s->ca_is_own)
		return err_set(err, ERR_OTHER,
		    "the CA is not the gateway's own (tls: ca: names %s); put "
		    "another one there and start the gateway again",
		    s->cas[0].paths.cert);
	if (overlap_s < 0 || overlap_s > OVERLAP_S_MAX)
		return err_set(err, ERR_USAGE,
		    "the overlap must be between 0 and %d days",
		    OVERLAP_S_MAX / 86400);
	if (s->phase != PHASE_SERVING || !s->keeper.serving ||
	    s->rotation.state != ROTATION_NONE)
		return err_set(err, ERR_OTHER,
		    "the keeper is just being replaced; try again");
	if (s->cas[which].report.overlap_until != 0 && overlap_s != 0)
		return err_set(err, ERR_OTHER,
		    "the CA before this one is still trusted, until its "
		    "overlap ends; an overlap of 0 ends both at once");
	return true;
}

void
supervisor_rotate_ca(struct supervisor *s, struct control_request *r,
    json_t *request)
{
	json_int_t overlap_s = json_integer_value(json_object_get(request,
	    "overlap_s"));
	struct err err = {0};
	size_t which;

	if (!find_sandbox(s, json_object_get(request, "sandbox"), &which,
		&err) ||
	    !may_rotate(s, which, overlap_s, &err)) {
		control_refuse(r, &err);
		return;
	}
	s->rotation = (struct ca_rotation){
	    .state = ROTATION_ASKED,
	    .which = which,
	    .overlap_s = overlap_s,
	    .request = r,
	};
	renew_keeper(s);
}
