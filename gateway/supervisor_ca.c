/* supervisor_ca.c - another CA in the place of the last
 *
 * Keys are the keeper's alone, and a keeper that has given up its rights opens
 * no file any more. So a rotation is a new keeper, which makes the new CA
 * before it gives up anything (keeper_ca.h). The old one is killed first: it
 * holds nothing that is not in a file, and what workers have asked of it they
 * ask of the next one again. When the new one cannot, the one after it serves
 * with the old CA as before.
 *
 * The end of an overlap is a new keeper likewise: it finds the time over.
 */
#include "gateway/supervisor_internal.h"

#include "base/check.h"
#include "base/clock.h"

/* The clock may be set meanwhile: looked at once an hour. */
#define LOOK_MS_MAX 3600000
/* Past it the old CA would be kept for good. */
#define OVERLAP_S_MAX (366 * 86400)

/* --- the overlap --- */

static void
renew_keeper(struct supervisor *s)
{
	/* Where there is none now, the next one is new anyway. */
	if (!s->keeper.pid)
		return;
	s->keeper_renewed = true;
	child_kill(&s->keeper);
}

static void
look_at_overlap(void *owner)
{
	struct supervisor *s = owner;
	int64_t left_ms = s->ca_overlap_until * 1000 -
	    (int64_t)(clock_wall_us() / 1000);

	if (s->ca_overlap_until == 0)
		return;
	if (left_ms > 0) {
		timer_set(&s->ca_overlap,
		    left_ms < LOOK_MS_MAX ? (uint64_t)left_ms : LOOK_MS_MAX);
		return;
	}
	supervisor_note(s, LOG_INFO,
	    "the CA before the last rotation is trusted no longer");
	renew_keeper(s);
}

void
supervisor_ca_init(struct supervisor *s)
{
	timer_init(&s->ca_overlap, s->loop, look_at_overlap, s);
}

void
supervisor_ca_overlap(struct supervisor *s, int64_t until)
{
	s->ca_overlap_until = until;
	timer_stop(&s->ca_overlap);
	look_at_overlap(s);
}

/* --- the rotation --- */

static struct control_request *
end_rotation(struct supervisor *s)
{
	struct control_request *request = s->rotation.request;

	s->rotation = (struct ca_rotation){.state = ROTATION_NONE};
	return request;
}

void
supervisor_ca_ready(struct supervisor *s)
{
	json_t *answer;

	if (s->rotation.state != ROTATION_RUNNING)
		return;
	supervisor_note(s, LOG_INFO, "the CA was rotated; the new one is %s",
	    s->ca_fingerprint);
	answer = json_object();
	json_object_set_new(answer, "fingerprint",
	    json_string(s->ca_fingerprint));
	json_object_set_new(answer, "overlap_until",
	    json_integer(s->ca_overlap_until));
	control_answer(end_rotation(s), answer, -1);
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

/* Two overlaps at once would need a chain that no authority of ours allows. */
static bool
may_rotate(const struct supervisor *s, json_int_t overlap_s, struct err *err)
{
	if (!s->ca_is_own)
		return err_set(err, ERR_OTHER,
		    "the CA is not the gateway's own (tls: ca: names %s); put "
		    "another one there and start the gateway again",
		    s->ca_cert);
	if (overlap_s < 0 || overlap_s > OVERLAP_S_MAX)
		return err_set(err, ERR_USAGE,
		    "the overlap must be between 0 and %d days",
		    OVERLAP_S_MAX / 86400);
	if (s->phase != PHASE_SERVING || !s->keeper.serving ||
	    s->rotation.state != ROTATION_NONE)
		return err_set(err, ERR_OTHER,
		    "the keeper is just being replaced; try again");
	if (s->ca_overlap_until != 0 && overlap_s != 0)
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

	if (!may_rotate(s, overlap_s, &err)) {
		control_refuse(r, &err);
		return;
	}
	s->rotation = (struct ca_rotation){
	    .state = ROTATION_ASKED,
	    .overlap_s = overlap_s,
	    .request = r,
	};
	renew_keeper(s);
}
