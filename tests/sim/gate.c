/* gate.c - a whole gateway in the simulated world */
#include "tests/sim/gate.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/memory.h"
#include "gateway/leaves.h"
#include "gateway/service_internal.h"
#include "gateway/tls/tls_client.h"
#include "gateway/tls/tls_server.h"
#include "tests/unit/test.h"

#define LISTENER 1000 /* sandbox n's is this + n */
#define HOUR_MS 3600000

void
gate_init(struct gate *g)
{
	struct limits *l = &g->settings.limits;

	*g = (struct gate){.loop = loop_new()};
	sim_dial_forget();
	settings_defaults(&g->settings);
	g->settings.audit_ring_bytes = 65536;
	l->header_ms = GATE_HEADER_MS;
	l->peek_ms = GATE_PEEK_MS;
	l->first_byte_ms = GATE_FIRST_BYTE_MS;
	l->half_closed_ms = GATE_HALF_MS;
	l->idle_ms = GATE_IDLE_MS;
	l->pool_idle_ms = GATE_POOL_IDLE_MS;
	l->keep_alive_ms = GATE_KEEP_ALIVE_MS;
	l->connect_ms = GATE_CONNECT_MS;
	l->resolve_ms = GATE_RESOLVE_MS;
	l->drain_ms = GATE_DRAIN_MS;
}

struct sandbox_setting *
gate_sandbox(struct gate *g, const char *name)
{
	struct settings *s = &g->settings;
	struct sandbox_setting *one;

	s->sandboxes = memory_grow(s->sandboxes, s->sandbox_count,
	    s->sandbox_count + 1, sizeof(*s->sandboxes));
	one = &s->sandboxes[s->sandbox_count++];
	*one = (struct sandbox_setting){.name = memory_text(name)};
	return one;
}

static struct journal *
make_journal(const struct gate *g)
{
	char directory[] = "/tmp/penstock-sim-XXXXXX";
	struct err err = {0};
	struct journal *j;

	EXPECT(mkdtemp(directory) != NULL);
	j = journal_create(directory, 1, g->settings.audit_ring_bytes, &err);
	if (j == NULL)
		test_fail(__FILE__, __LINE__, "%s", err.text);
	/* The mapping is enough. */
	unlink(journal_path(j));
	rmdir(directory);
	return j;
}

void
gate_policy(struct gate *g, const char *policy)
{
	char text[4096];
	struct policy p;
	struct err err = {0};
	struct image *image;
	uint8_t *bytes;
	size_t len;
	FILE *file;

	policy_init(&p);
	p.is_empty = policy == NULL;
	snprintf(text, sizeof(text), "version: 1\n%s\n", policy ? policy : "");
	if (!policy_parse("sim.yaml", "file", slice_of(text), &p, &err) ||
	    !image_build(&p, &bytes, &len, &err))
		test_fail(__FILE__, __LINE__, "%s", err.text);
	policy_done(&p);
	/* A mapping, so that the image owns its memory. */
	file = tmpfile();
	CHECK(file != NULL && fwrite(bytes, len, 1, file) == 1);
	fflush(file);
	image = image_map(fileno(file), &err);
	if (image == NULL)
		test_fail(__FILE__, __LINE__, "%s", err.text);
	fclose(file);
	free(bytes);
	service_set_policy(g->service, image, ++g->generation);
}

static void
make_tls(struct gate *g)
{
	struct tls_client_options o = {.extra_roots = &g->roots,
	    .extra_root_count = 1,
	    .without_system_roots = true,
	    .sessions_max = 16};

	g->keeper = keeper_link_new(g->loop, g->settings.limits.keeper_ms);
	g->leaves = leaves_new(g->loop, g->keeper, &g->settings.limits, NULL);
	g->tls_server = tls_server_new(NULL);
	g->tls_client = tls_client_new(&o, NULL);
	EXPECT(g->leaves && g->tls_server && g->tls_client);
}

void
gate_start(struct gate *g, const char *policy)
{
	if (g->roots != NULL)
		make_tls(g);
	g->counters = memory_new(sizeof(*g->counters));
	g->journal = make_journal(g);
	g->drain = drain_new(g->journal);
	g->service = service_new(&(struct service_options){.loop = g->loop,
	    .slot = 1,
	    .settings = &g->settings,
	    .journal = g->journal,
	    .counters = g->counters,
	    .figures = &g->figures,
	    .own = g->own,
	    .keeper = g->keeper,
	    .tls_server = g->tls_server,
	    .tls_client = g->tls_client,
	    .leaves = g->leaves});
	gate_policy(g, policy);
	for (unsigned i = 0; i <= g->settings.sandbox_count; i++)
		service_add_listener(g->service, LISTENER + (int)i, i, NULL);
}

struct sim_peer *
gate_guest_of(struct gate *g, unsigned number)
{
	struct sim_peer *p = sim_peer_new();

	(void)g;
	EXPECT(sim_connects(LISTENER + (int)number, p, "10.1.2.3:40000"));
	return p;
}

struct sim_peer *
gate_guest(struct gate *g)
{
	return gate_guest_of(g, 0);
}

struct sim_peer *
gate_origin(const char *name, const char *address_with_port)
{
	struct sim_peer *p = sim_peer_new();
	struct address a;
	char text[ADDRESS_TEXT];

	CHECK(address_parse_with_port(slice_of(address_with_port), &a));
	address_format(&a, text);
	if (name != NULL)
		sim_name_is(name, text);
	sim_dial_connects(address_with_port, p);
	return p;
}

/* Records */

static size_t
number_of(struct gate *g, struct record_id id, bool opens)
{
	size_t n = 0;

	while (n < g->id_count &&
	    (g->ids[n].high != id.high || g->ids[n].low != id.low))
		n++;
	if (n < g->id_count) {
		EXPECT(!opens);
		return n + 1;
	}
	EXPECT(opens && n < ARRAY_SIZE(g->ids));
	g->ids[g->id_count++] = id;
	return n + 1;
}

static void
add(struct text *out, const char *before, const json_t *record, const char *key)
{
	const json_t *value = json_object_get(record, key);

	if (json_is_string(value))
		text_add_format(out, "%s%s", before, json_string_value(value));
	else if (json_is_integer(value))
		text_add_format(out, "%s%lld", before,
		    (long long)json_integer_value(value));
}

static void
add_open(const struct gate *g, struct text *out, const json_t *r)
{
	text_add(out, " open");
	add(out, " ", r, "verdict");
	add(out, " ", r, "reason");
	add(out, " ", r, "method");
	add(out, " ", r, "host");
	add(out, ":", r, "port");
	add(out, " ", r, "address");
	add(out, " sni ", r, "sni");
	add(out, " ", r, "status");
	if (!g->settings.audit_query_redacted)
		add(out, " ", r, "url");
	if (strcmp(json_string_value(json_object_get(r, "sandbox")),
		"default") != 0)
		add(out, " of ", r, "sandbox");
}

static void
add_close(struct text *out, const json_t *r)
{
	text_add(out, " close");
	add(out, " ", r, "status");
	add(out, " out ", r, "bytes_out");
	add(out, " in ", r, "bytes_in");
	add(out, " ", r, "closed");
	add(out, " ", r, "reason");
}

static void
add_record(struct gate *g, struct text *out, const struct drain_found *f)
{
	struct text line;
	json_t *r;
	enum record_event event = record_event(f->bytes);
	bool opens = event == EVENT_REQUEST || event == EVENT_TUNNEL;
	char prev[65];

	memset(prev, '0', sizeof(prev));
	text_init(&line, RECORD_LINE_MAX);
	record_line(&line, f->bytes, f->len, 1, prev);
	r = json_loads(line.at, 0, NULL);
	CHECK(r != NULL);
	text_done(&line);
	if (opens || event == EVENT_CLOSE)
		text_add_format(out, "%zu",
		    number_of(g, record_id(f->bytes), opens));
	if (opens)
		add_open(g, out, r);
	else if (event == EVENT_CLOSE)
		add_close(out, r);
	else
		text_add(out, record_event_text(event));
	text_add(out, "\n");
	json_decref(r);
}

const char *
gate_records(struct gate *g)
{
	struct drain_found found;
	struct text out;

	text_init(&out, 1 << 20);
	drain_begin(g->drain);
	for (;;) {
		enum drain_result result = drain_next(g->drain, &found);

		EXPECT(result != DRAIN_TORN);
		if (result == DRAIN_EMPTY)
			break;
		add_record(g, &out, &found);
	}
	drain_release(g->drain);
	free(g->records);
	g->records = memory_text(out.len > 0 ? out.at : "");
	text_done(&out);
	return g->records;
}

void
gate_fill_journal(struct gate *g)
{
	struct record r;

	do {
		record_begin(&r, EVENT_GAP, journal_id(g->journal), 0);
		record_text(&r, FIELD_DETAIL, SLICE_LITERAL("filler"));
	} while (journal_put(g->journal, &r, 0));
}

/* The end */

void
gate_end(struct gate *g)
{
	sim_advance(g->loop, HOUR_MS);
	EXPECT_INT(g->figures.connections_open, 0);
	EXPECT_INT(g->figures.tunnels_open, 0);
	EXPECT_INT(g->counters->connections, 0);
	for (unsigned i = 0; i < g->service->sandbox_count; i++) {
		EXPECT_INT(g->service->sandboxes[i].origins, 0);
		EXPECT_INT(g->service->sandboxes[i].idle_origins, 0);
	}
	EXPECT_INT(sim_streams(), 0);
	EXPECT_INT(sim_dials_pending(), 0);
	EXPECT_INT(sim_timers(g->loop), 0);
	service_free(g->service);
	leaves_free(g->leaves);
	keeper_link_free(g->keeper);
	tls_client_free(g->tls_client);
	tls_server_free(g->tls_server);
	loop_free(g->loop);
	drain_free(g->drain);
	journal_free(g->journal);
	free(g->counters);
	free(g->records);
	settings_done(&g->settings);
}
