/* rules_engine.h - what bench/rules needs to know of one engine
 *
 * Each engine is a program of its own: rules_engine.c, which reads the list
 * and the queries and holds the clock, and one file that fills `engines`. All
 * read the same bytes and are called in the same way. */
#ifndef BENCH_RULES_ENGINE_H
#define BENCH_RULES_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One after the other in `text`, each followed by a newline. */
struct names {
	char *text;
	uint32_t *starts; /* count + 1 */
	size_t count;
};

static inline const char *
name_at(const struct names *n, size_t i)
{
	return n->text + n->starts[i];
}

static inline size_t
name_len(const struct names *n, size_t i)
{
	return n->starts[i + 1] - n->starts[i] - 1u;
}

struct engine {
	const char *name;
	/* A pattern's text as people write it; what is built need not keep
	 * `patterns`. It ends the program when it cannot. */
	void *(*build)(const struct names *patterns);
	/* Does any pattern match this canonical name? */
	bool (*lookup)(void *built, const char *name, size_t len);
	/* In place of `lookup`, for an engine whose caller has parsed the name
	 * for its own ends: `read` does that, into `room` bytes, outside what is
	 * measured; `judge` answers. */
	size_t room;
	void (*read)(void *room, const char *name, size_t len);
	bool (*judge)(void *built, const void *room);
	/* What it occupies; NULL: what the heap has grown by. */
	size_t (*bytes)(void *built);
	/* Print more "extra KEY VALUE" lines; may be NULL. */
	void (*report)(void *built);
};

/* The last one has no name. */
extern const struct engine engines[];

double seconds_now(void); /* CPU time of this process */
void engine_fail(const char *what) __attribute__((noreturn));
/* The program's own main(), for one that is entered otherwise. */
int engine_main(int argc, char **argv);

#ifdef __cplusplus
}
#endif

#endif
