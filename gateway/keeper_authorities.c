/* keeper_authorities.c - the CAs there are, and which one signs for whom
 *
 * A sandbox with a CA of its own (`ca: own`) is signed for by that one alone,
 * any other by the shared one: it stands in its struct keeper_sandbox from the
 * start to the end, and keeper_leaves.c asks nobody else. So whatever a guest
 * can make a worker ask for, it gets nothing that another sandbox trusts.
 *
 * One CA that cannot be had is the end of the start, or of a rotation, whoever
 * it belongs to: to serve its sandbox by another one would be wrong, and not to
 * serve it is for a person to decide. There may be a thousand, and each is a
 * few files, so what is on disk already is not written again.
 */
#include "gateway/keeper_internal.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "gateway/authority_message.h"

/* The first is the shared one. */
static bool
has_ca(const struct keeper *k, size_t index)
{
	return index == 0 || (k->o->own_cas && k->o->own_cas[index].cert);
}

/* Of one that has a CA. */
static const struct ca_files *
files_of(const struct keeper *k, size_t index)
{
	return index == 0 ? &k->o->ca : &k->o->own_cas[index];
}

/* "sandbox web: the CA cannot be had: .." */
static void
name_sandbox(const struct keeper *k, size_t index, struct err *err)
{
	if (index)
		err_wrap(err, "sandbox %s", k->sandboxes[index].name);
}

/* All but the one that is to be rotated. */
static bool
open_others(struct keeper *k, struct err *err)
{
	struct ca_opening *all = memory_array(k->sandbox_count, sizeof(*all));
	size_t *index_of = memory_array(k->sandbox_count, sizeof(*index_of));
	size_t count = 0, at;
	bool done;

	for (size_t n = 0; n < k->sandbox_count; n++) {
		if (!has_ca(k, n) || (k->o->rotate && n == k->o->rotated))
			continue;
		all[count].files = files_of(k, n);
		index_of[count++] = n;
	}
	done = ca_open_all(all, count, &at, err);
	for (size_t n = 0; n < count; n++)
		k->cas[index_of[n]] = all[n].ca;
	if (!done)
		name_sandbox(k, index_of[at], err);
	free(all);
	free(index_of);
	return done;
}

static bool
rotate(struct keeper *k, struct err *err)
{
	size_t which = k->o->rotated;

	k->cas[which] = ca_rotate(files_of(k, which), k->o->overlap_s, err);
	if (k->cas[which])
		return true;
	name_sandbox(k, which, err);
	return false;
}

bool
keeper_authorities_open(struct keeper *k, struct err *err)
{
	const struct keeper_options *o = k->o;

	k->cas = memory_array(k->sandbox_count, sizeof(*k->cas));
	if (!open_others(k, err) || (o->rotate && !rotate(k, err)))
		return false;
	for (size_t n = 0; n < k->sandbox_count; n++) {
		bool own = n > 0 && o->settings->sandboxes[n - 1].own_ca;

		CHECK(own == (n > 0 && k->cas[n]));
		k->sandboxes[n].ca = k->cas[own ? n : 0];
	}
	return true;
}

void
keeper_authorities_close(struct keeper *k)
{
	for (size_t n = 0; k->cas && n < k->sandbox_count; n++)
		ca_close(k->cas[n]);
	free(k->cas);
	k->cas = NULL;
}

/* --- who is told of them --- */

static size_t
fill_reports(const struct keeper *k, struct ca_report *at)
{
	size_t count = 0;

	for (size_t n = 0; n < k->sandbox_count; n++) {
		struct ca_report *r = &at[count];

		if (!k->cas[n])
			continue;
		r->sandbox = (uint32_t)n;
		r->ends = ca_ends(k->cas[n]);
		r->overlap_until = ca_overlap_ends(k->cas[n]);
		ca_fingerprint(k->cas[n], r->fingerprint);
		count++;
	}
	return count;
}

bool
keeper_authorities_report(const struct keeper *k)
{
	struct ca_report *all = memory_array(k->sandbox_count, sizeof(*all));
	size_t count = fill_reports(k, all);
	struct err err = {0};
	int fd = file_sealed("authorities",
	    (struct slice){(const char *)all, count * sizeof(*all)}, &err);
	bool sent = fd != -1 &&
	    ipc_send(k->o->channel, KEEPER_READY, 0, (struct slice){0}, &fd, 1);

	if (fd == -1)
		log_error("%s", err.text);
	else
		close(fd);
	free(all);
	return sent;
}

void
keeper_authorities_welcome(struct keeper_worker *w)
{
	struct keeper *k = w->keeper;
	struct err err = {0};
	struct text list;
	int fd;

	text_init(&list, AUTHORITIES_MAX);
	authority_message_add(&list, slice_of(""), ca_chain(k->cas[0]));
	for (unsigned n = 1; n < k->sandbox_count; n++)
		if (k->cas[n] && keeper_sandbox_is_at(k, w, n))
			authority_message_add(&list,
			    slice_of(k->sandboxes[n].name),
			    ca_chain(k->cas[n]));
	CHECK(!list.cut);
	fd = file_sealed("authorities", text_slice(&list), &err);
	text_done(&list);
	if (fd == -1) {
		log_error("%s", err.text);
		keeper_give_up(w, "cannot be told who signs for it");
		return;
	}
	keeper_tell(w, TELL_AUTHORITIES, 0, (struct slice){0}, &fd, 1);
	close(fd);
}
