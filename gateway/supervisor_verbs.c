/* supervisor_verbs.c - the control socket's verbs, each a short function
 *
 * A verb that needs others to have done something (workers with a policy, the
 * auditor with its records) is answered when they have, or when they have not
 * for too long. Meanwhile the loop goes on.
 */
#include "gateway/supervisor_internal.h"

#include <stdlib.h>
#include <string.h>

#include "audit/auditor.h"
#include "base/check.h"
#include "base/memory.h"

#define DRAIN_MS 10000

/* --- waiting for the auditor --- */

struct drain {
	struct list link;
	struct supervisor *supervisor;
	enum auditor_message what; /* AUDITOR_DRAIN or _ROTATE */
	uint32_t tag;
	struct timer late;
	void (*done)(struct supervisor *s, struct control_request *r,
	    bool answered);
	struct control_request *request;
};

static void
finish(struct drain *d, bool answered)
{
	list_remove(&d->link);
	timer_done(&d->late);
	d->done(d->supervisor, d->request, answered);
	free(d);
}

static void
on_drain_late(void *owner)
{
	finish(owner, false);
}

/* An auditor that is away, or reads nothing: the timer will say so. To kill
 * one that is merely stopped would lose nothing, but it is not ours to do. */
static void
ask_auditor(struct supervisor *s, const struct drain *d)
{
	if (s->auditor.serving && s->auditor.channel != -1)
		(void)ipc_send(s->auditor.channel, (uint16_t)d->what, d->tag,
		    (struct slice){0}, NULL, 0);
}

static void
start_drain(struct supervisor *s, const struct drain *wanted, uint64_t wait_ms)
{
	struct drain *d = memory_new(sizeof(*d));

	*d = *wanted;
	d->supervisor = s;
	d->tag = ++s->drain_tag;
	list_add(&s->drains, &d->link);
	timer_init(&d->late, s->loop, on_drain_late, d);
	timer_set(&d->late, wait_ms);
	ask_auditor(s, d);
}

void
supervisor_drained(struct supervisor *s, uint32_t tag)
{
	list_each_safe(link, &s->drains) {
		struct drain *d = list_entry(link, struct drain, link);

		if (d->tag == tag) {
			finish(d, true);
			return;
		}
	}
}

void
supervisor_ask_drains_again(struct supervisor *s)
{
	list_each(link, &s->drains)
		ask_auditor(s, list_entry(link, struct drain, link));
}

/* --- verbs --- */

/* A status is wanted most when something is stuck: it waits for nobody. */
static void
verb_status(struct supervisor *s, struct control_request *r, json_t *request)
{
	json_t *o = json_object();

	(void)request;
	json_object_set_new(o, "status", status_json(s));
	control_answer(r, o, -1);
}

static void
say_drained(struct supervisor *s, struct control_request *r, bool answered)
{
	struct err err = {0};

	(void)s;
	if (answered) {
		control_answer(r, NULL, -1);
		return;
	}
	err_set(&err, ERR_OTHER, "the auditor has not answered within %d s",
	    DRAIN_MS / 1000);
	control_refuse(r, &err);
}

static void
verb_drain(struct supervisor *s, struct control_request *r, json_t *request)
{
	(void)request;
	start_drain(s,
	    &(struct drain){
		.what = AUDITOR_DRAIN, .done = say_drained, .request = r},
	    DRAIN_MS);
}

static void
verb_rotate(struct supervisor *s, struct control_request *r, json_t *request)
{
	(void)request;
	start_drain(s,
	    &(struct drain){
		.what = AUDITOR_ROTATE, .done = say_drained, .request = r},
	    DRAIN_MS);
}

static json_t *
own_listeners_json(const struct supervisor *s)
{
	json_t *list = json_array();
	struct own_listeners own = {0};
	char text[ADDRESS_TEXT];

	if (s->listeners)
		own = listeners_own(s->listeners);
	for (size_t n = 0; n < own.count; n++) {
		address_format_with_port(&own.at[n], text);
		json_array_append_new(list, json_string(text));
	}
	return list;
}

json_t *
supervisor_config(const struct supervisor *s)
{
	const char *file = s->options->config_file;

	return file ? control_text(file) : json_null();
}

static void
verb_image(struct supervisor *s, struct control_request *r, json_t *request)
{
	json_t *o = json_object();

	(void)request;
	json_object_set_new(o, "generation",
	    json_integer((json_int_t)s->policy.generation));
	json_object_set_new(o, "digest",
	    json_string(image_digest(s->policy.image)));
	json_object_set_new(o, "own", own_listeners_json(s));
	json_object_set_new(o, "config", supervisor_config(s));
	control_answer(r, o, s->policy.fd);
}

static void
verb_reload(struct supervisor *s, struct control_request *r, json_t *request)
{
	struct err err = {0};

	(void)request;
	if (supervisor_reload(s, &err))
		supervisor_answer_swapped(s, r, NULL);
	else
		control_refuse(r, &err);
}

static void
verb_stop(struct supervisor *s, struct control_request *r, json_t *request)
{
	json_t *o = json_object();

	(void)request;
	json_object_set_new(o, "pid", json_integer(s->pid));
	control_answer_and_hold(r, o);
	supervisor_stop(s);
}

static const struct verb {
	const char *name;
	void (*run)(struct supervisor *s, struct control_request *r,
	    json_t *request);
	bool while_ending; /* also after the end was asked for */
} verbs[] = {
    {"status", verb_status, true},
    {"image", verb_image, true},
    {"placeholders", supervisor_placeholders, true},
    {"edit", supervisor_edit, false},
    {"reload", verb_reload, false},
    {"init", supervisor_init, false},
    {"reset", supervisor_reset, false},
    {"drain", verb_drain, true},
    {"rotate", verb_rotate, false},
    {"ca-files", supervisor_ca_files, true},
    {"ca-rotate", supervisor_rotate_ca, false},
    {"secret-set", supervisor_secret_set, false},
    {"secret-rm", supervisor_secret_rm, false},
    {"secret-ls", supervisor_secret_ls, false},
    {"stop", verb_stop, true},
};

void
supervisor_handle(void *supervisor, struct control_request *r, const char *verb,
    json_t *request)
{
	struct supervisor *s = supervisor;
	struct err err = {0};

	for (size_t n = 0; n < ARRAY_SIZE(verbs); n++) {
		if (strcmp(verbs[n].name, verb) != 0)
			continue;
		if (verbs[n].while_ending || s->phase <= PHASE_SERVING) {
			verbs[n].run(s, r, request);
			return;
		}
		err_set(&err, ERR_OTHER, "the gateway is stopping");
		control_refuse(r, &err);
		return;
	}
	err_set(&err, ERR_USAGE, "the gateway knows no verb \"%.40s\"", verb);
	control_refuse(r, &err);
}
