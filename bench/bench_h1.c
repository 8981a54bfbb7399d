/* bench_h1.c - nanoseconds to read and to write an HTTP/1 head
 *
 *	cc -O2 -I. -D_GNU_SOURCE bench/bench_h1.c build/libpenstock.a -lcrypto
 *
 * Each figure is the best of some rounds: what the code costs when nothing
 * else runs. */
#include <stdio.h>

#include "base/clock.h"
#include "gateway/http/h1_parse.h"
#include "gateway/http/h1_write.h"

#define ROUNDS 15
#define RUNS 100000

static const struct h1_limits limits = {.header_bytes = 65536,
    .header_count = 128,
    .trailer_bytes = 16384,
    .chunk_extension_bytes = 4096};

static const char curl[] =
    "GET http://api.example.com/v1/models?limit=20 HTTP/1.1\r\n"
    "Host: api.example.com\r\n"
    "User-Agent: curl/7.88.1\r\n"
    "Accept: */*\r\n"
    "Accept-Encoding: deflate, gzip, br, zstd\r\n"
    "Content-Type: application/json\r\n"
    "Content-Length: 1024\r\n"
    "X-Request-Id: 5f3b8c1e-7a4d-4a56-9c70-1d2e3f405162\r\n"
    "Proxy-Connection: Keep-Alive\r\n\r\n";

static const char answer[] = "HTTP/1.1 200 OK\r\n"
			     "Server: nginx/1.22.1\r\n"
			     "Date: Sat, 21 Nov 2026 10:00:00 GMT\r\n"
			     "Content-Type: application/json; charset=utf-8\r\n"
			     "Content-Length: 1024\r\n"
			     "Last-Modified: Fri, 20 Nov 2026 10:00:00 GMT\r\n"
			     "Connection: keep-alive\r\n"
			     "ETag: \"655b1d20-400\"\r\n"
			     "Accept-Ranges: bytes\r\n\r\n";

/* The compiler may not think that nobody looks at the results. */
static volatile size_t sink;

struct job {
	const char *name;
	void (*run)(struct job *j);
	struct field fields[64];
	struct head head;
	struct request_target target;
	char room[256], out[2048];
};

static void
fail(const char *what)
{
	fprintf(stderr, "bench_h1: %s\n", what);
	_Exit(1);
}

static void
read_request(struct job *j)
{
	enum h1_error error;
	size_t used = 0;

	j->head.fields = (struct fields){j->fields, 0, 64};
	if (h1_parse_request(SLICE_LITERAL(curl), &limits, &j->head, &used,
		&error) != H1_DONE)
		fail(h1_error_text(error));
	sink = used;
}

static void
read_answer(struct job *j)
{
	enum h1_error error;
	size_t used = 0;

	j->head.fields = (struct fields){j->fields, 0, 64};
	if (h1_parse_response(SLICE_LITERAL(answer), &limits,
		SLICE_LITERAL("GET"), &j->head, &used, &error) != H1_DONE)
		fail(h1_error_text(error));
	sink = used;
}

static void
take_target(struct job *j)
{
	enum h1_error error;

	if (!request_target_parse(SLICE_LITERAL("GET"),
		SLICE_LITERAL("http://api.example.com/v1/models?limit=20"),
		j->room, &j->target, &error))
		fail(h1_error_text(error));
	sink = j->target.path.len;
}

static void
write_request(struct job *j)
{
	struct h1_request_out r = {.method = j->head.method,
	    .path = SLICE_LITERAL("/v1/models"),
	    .query = SLICE_LITERAL("?limit=20"),
	    .host = SLICE_LITERAL("api.example.com"),
	    .from = &j->head,
	    .body = j->head.body,
	    .content_length = j->head.content_length};

	sink = h1_write_request(&r, j->out, sizeof(j->out));
}

static void
write_answer(struct job *j)
{
	struct h1_response_out r = {.status = j->head.status,
	    .phrase = j->head.phrase,
	    .method = SLICE_LITERAL("GET"),
	    .client_minor = 1,
	    .from = &j->head,
	    .body = j->head.body,
	    .content_length = j->head.content_length,
	    .keep_alive = true};

	sink = h1_write_response(&r, j->out, sizeof(j->out));
}

static double
best_ns(struct job *j, void (*run)(struct job *))
{
	uint64_t best = UINT64_MAX;

	for (int round = 0; round < ROUNDS; round++) {
		uint64_t start = clock_monotonic_us(), took;

		for (int i = 0; i < RUNS; i++)
			run(j);
		took = clock_monotonic_us() - start;
		if (took < best)
			best = took;
	}
	return (double)best * 1000 / RUNS;
}

int
main(void)
{
	static struct job j;

	printf("read a request, 8 fields, %zu bytes: %.0f ns\n",
	    sizeof(curl) - 1, best_ns(&j, read_request));
	printf("take its target apart: %.0f ns\n", best_ns(&j, take_target));
	printf("write it: %.0f ns\n", best_ns(&j, write_request));
	printf("read an answer, 8 fields, %zu bytes: %.0f ns\n",
	    sizeof(answer) - 1, best_ns(&j, read_answer));
	printf("write it: %.0f ns\n", best_ns(&j, write_answer));
	return 0;
}
