/* status.c - the object of `penstock status --json` */
#include "gateway/supervisor_internal.h"

#include <stdlib.h>
#include <string.h>

#include "audit/auditor.h"
#include "base/clock.h"
#include "base/file.h"

#define PUBLIC_KEY_MAX 4096

static json_t *
pids(const struct supervisor *s)
{
	json_t *o = json_object(), *workers = json_array();

	for (unsigned n = 0; n < s->worker_count; n++)
		if (s->workers[n].pid)
			json_array_append_new(workers,
			    json_integer(s->workers[n].pid));
	json_object_set_new(o, "supervisor", json_integer(s->pid));
	json_object_set_new(o, "keeper", json_integer(s->keeper.pid));
	json_object_set_new(o, "auditor", json_integer(s->auditor.pid));
	json_object_set_new(o, "workers", workers);
	return o;
}

/* Of one sandbox (index + 1), or all for -1. */
static json_t *
listeners(const struct supervisor *s, int wanted)
{
	json_t *list = json_array();
	const char *text;
	unsigned sandbox;

	for (size_t n = 0;
	     s->listeners && (text = listeners_text(s->listeners, n, &sandbox));
	     n++)
		if (wanted == -1 || (unsigned)wanted == sandbox)
			json_array_append_new(list, control_text(text));
	return list;
}

static json_t *
policy(const struct supervisor *s)
{
	const struct image *i = s->policy.image;
	json_t *o = json_object(), *files = json_array();

	for (uint32_t n = 0; n < image_file_count(i); n++)
		json_array_append_new(files, control_text(image_file(i, n)));
	json_object_set_new(o, "digest", json_string(image_digest(i)));
	json_object_set_new(o, "files", files);
	json_object_set_new(o, "generation",
	    json_integer((json_int_t)s->policy.generation));
	json_object_set_new(o, "rules", json_integer(image_rule_count(i)));
	json_object_set_new(o, "preset", json_string(image_preset(i)));
	json_object_set_new(o, "none", json_boolean(image_is_no_policy(i)));
	return o;
}

/* The text of the PEM file; null when the auditor has not made it. */
static json_t *
public_key(const struct supervisor *s)
{
	char *path = auditor_public_key_file(s->paths->audit_dir);
	json_t *key = NULL;
	char *text;
	size_t len;

	if (file_read(path, PUBLIC_KEY_MAX, &text, &len, NULL)) {
		key = json_string(text);
		free(text);
	}
	free(path);
	return key ? key : json_null();
}

static json_t *
audit(const struct supervisor *s)
{
	char *file = auditor_log_file(s->paths->audit_dir);
	json_t *o = json_object();
	uint64_t lag = 0, refused = 0;

	for (unsigned slot = 0; slot <= s->worker_count; slot++) {
		lag += journal_used(s->journals[slot]);
		refused += journal_refused(s->journals[slot]);
	}
	json_object_set_new(o, "file", control_text(file));
	json_object_set_new(o, "public_key", public_key(s));
	json_object_set_new(o, "lag", json_integer((json_int_t)lag));
	json_object_set_new(o, "refused", json_integer((json_int_t)refused));
	free(file);
	return o;
}

json_t *
status_ca(const struct supervisor *s, size_t index)
{
	const struct supervisor_ca *one = &s->cas[index];
	json_t *o;

	if (!one->paths.cert)
		return json_null();
	o = json_object();
	json_object_set_new(o, "file", control_text(one->paths.cert));
	json_object_set_new(o, "trust", control_text(one->paths.trust));
	json_object_set_new(o, "bundle", control_text(one->paths.bundle));
	json_object_set_new(o, "fingerprint",
	    json_string(one->report.fingerprint));
	json_object_set_new(o, "valid_until", json_integer(one->report.ends));
	json_object_set_new(o, "own", json_boolean(index > 0 || s->ca_is_own));
	json_object_set_new(o, "overlap_until",
	    one->report.overlap_until ? json_integer(one->report.overlap_until)
				      : json_null());
	return o;
}

static json_t *
sandbox(const struct supervisor *s, const char *name, unsigned index)
{
	json_t *o = json_object();

	json_object_set_new(o, "name", control_text(name));
	json_object_set_new(o, "listeners", listeners(s, (int)index));
	json_object_set_new(o, "connections",
	    json_integer(s->counters->sandbox_connections[index]));
	json_object_set_new(o, "ca", index ? status_ca(s, index) : json_null());
	return o;
}

static json_t *
sandboxes(const struct supervisor *s)
{
	json_t *list = json_array();

	json_array_append_new(list, sandbox(s, "default", 0));
	for (size_t n = 0; n < s->settings->sandbox_count; n++)
		json_array_append_new(list,
		    sandbox(s, s->settings->sandboxes[n].name,
			(unsigned)n + 1));
	return list;
}

static void
set_figure(json_t *o, const char *name, uint64_t figure)
{
	json_object_set_new(o, name, json_integer((json_int_t)figure));
}

static void
set_figures(json_t *o, const struct figures *f)
{
	set_figure(o, "connections_open", f->connections_open);
	set_figure(o, "connections_total", f->connections_total);
	set_figure(o, "requests", f->requests);
	set_figure(o, "tunnels_open", f->tunnels_open);
	set_figure(o, "tunnels_total", f->tunnels_total);
	set_figure(o, "denied", f->denied);
	set_figure(o, "failed", f->failed);
	set_figure(o, "bytes_in", f->bytes_in);
	set_figure(o, "bytes_out", f->bytes_out);
}

/* All workers together. */
static json_t *
figures(const struct supervisor *s)
{
	struct figures all = {0};
	json_t *o = json_object();

	for (unsigned slot = 1; slot <= s->worker_count; slot++) {
		const struct figures *f = &s->figures[slot];

		all.connections_open += f->connections_open;
		all.connections_total += f->connections_total;
		all.requests += f->requests;
		all.tunnels_open += f->tunnels_open;
		all.tunnels_total += f->tunnels_total;
		all.denied += f->denied;
		all.failed += f->failed;
		all.bytes_in += f->bytes_in;
		all.bytes_out += f->bytes_out;
	}
	set_figures(o, &all);
	return o;
}

static json_t *
worker(const struct supervisor *s, unsigned slot)
{
	const struct figures *f = &s->figures[slot];
	const struct child *c = &s->workers[slot - 1];
	json_t *o = json_object();

	json_object_set_new(o, "slot", json_integer(slot));
	json_object_set_new(o, "pid",
	    c->pid ? json_integer(c->pid) : json_null());
	set_figures(o, f);
	set_figure(o, "policy_generation", f->policy_generation);
	return o;
}

static json_t *
workers(const struct supervisor *s)
{
	json_t *list = json_array();

	for (unsigned slot = 1; slot <= s->worker_count; slot++)
		json_array_append_new(list, worker(s, slot));
	return list;
}

static json_t *
isolation(const struct supervisor *s)
{
	json_t *o = json_object();

	json_object_set_new(o, "user",
	    s->user.change ? json_string(s->user.name) : json_null());
	json_object_set_new(o, "landlock", json_integer(confine_landlock()));
	return o;
}

json_t *
status_json(const struct supervisor *s)
{
	uint64_t up_us = clock_monotonic_us() - s->started_us;
	json_t *o = json_object();

	json_object_set_new(o, "version", json_string(PENSTOCK_VERSION));
	json_object_set_new(o, "commit", json_string(PENSTOCK_COMMIT));
	json_object_set_new(o, "uptime_s",
	    json_integer((json_int_t)(up_us / 1000000)));
	json_object_set_new(o, "draining",
	    json_boolean(s->phase > PHASE_SERVING));
	json_object_set_new(o, "pids", pids(s));
	json_object_set_new(o, "listeners", listeners(s, -1));
	json_object_set_new(o, "config", supervisor_config(s));
	json_object_set_new(o, "policy", policy(s));
	json_object_set_new(o, "audit", audit(s));
	json_object_set_new(o, "ca", status_ca(s, 0));
	json_object_set_new(o, "sandboxes", sandboxes(s));
	json_object_set_new(o, "figures", figures(s));
	json_object_set_new(o, "workers", workers(s));
	json_object_set_new(o, "isolation", isolation(s));
	return o;
}
