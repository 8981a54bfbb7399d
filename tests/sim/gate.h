/* gate.h - a whole gateway in the simulated world, for test_*.c
 *
 *	struct gate g;
 *
 *	gate_init(&g);
 *	g.settings.limits.body_bytes = 10;	(what a test wants otherwise)
 *	gate_start(&g, "network: { allow: [a.test] }");
 *	guest = gate_guest(&g);
 *	origin = gate_origin("a.test", "9.9.9.1:80");
 *	sim_says(guest, ...); sim_run(g.loop);
 *	EXPECT_TEXT(gate_records(&g), "1 open allow rule-allow GET ...");
 *	gate_end(&g);
 *
 * The limits differ from each other, so that a test sees which one it was. */
#ifndef TESTS_SIM_GATE_H
#define TESTS_SIM_GATE_H

#include "audit/drain.h"
#include "conf/settings.h"
#include "gateway/service.h"
#include "tests/sim/sim.h"

#define GATE_HEADER_MS 1000
#define GATE_PEEK_MS 2000
#define GATE_FIRST_BYTE_MS 3000
#define GATE_HALF_MS 4000
#define GATE_IDLE_MS 5000
#define GATE_POOL_IDLE_MS 6000
#define GATE_KEEP_ALIVE_MS 20000
#define GATE_CONNECT_MS 1500
#define GATE_RESOLVE_MS 800
#define GATE_DRAIN_MS 9000

struct gate {
	struct loop *loop;
	struct settings settings;
	struct own_listeners own;
	struct counters *counters;
	struct figures figures;
	struct journal *journal;
	struct drain *drain;
	struct service *service;
	/* A file of the roots that origins are verified by, before gate_start():
	 * TLS can end here. NULL: it cannot. */
	const char *roots;
	struct keeper_link *keeper;
	struct leaves *leaves;
	struct tls_server *tls_server;
	struct tls_client *tls_client;
	char *records; /* what gate_records() gave */
	uint64_t generation;
	struct record_id ids[64]; /* of opening records, in their order */
	size_t id_count;
};

void gate_init(struct gate *g);
/* One more entry of settings.sandboxes, recognised by listener number. */
struct sandbox_setting *gate_sandbox(struct gate *g, const char *name);
/* `policy` without its version line; NULL: none. */
void gate_start(struct gate *g, const char *policy);
void gate_policy(struct gate *g, const char *policy);
/* Somebody connects, to the plain listener or to that of sandbox `number`. */
struct sim_peer *gate_guest(struct gate *g);
struct sim_peer *gate_guest_of(struct gate *g, unsigned number);
/* The next dial to `address` finds a new peer; the name leads there. */
struct sim_peer *gate_origin(const char *name, const char *address_with_port);

/* All records since the last call, a line each, without what a test cannot
 * know (ids, times):
 *
 *	1 open allow rule-allow GET a.test:80 9.9.9.1
 *	1 close 200 out 5 in 10 done
 *
 * Number: of the opening record. Behind it: SNI, status (of a refusal); behind
 * a close's `closed`: the reason, when it has one. A `url` when
 * g.settings.audit_query_redacted is off. */
const char *gate_records(struct gate *g);
/* Read and free nothing: the journal is full from now on. */
void gate_fill_journal(struct gate *g);

/* Every guest has been served or will be, by the clock: an hour later nothing
 * may be left open, set or pending. Frees all. */
void gate_end(struct gate *g);

#endif
