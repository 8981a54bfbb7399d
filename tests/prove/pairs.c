/* pairs.c - random policies and questions, judged by both matchers
 *
 *	build/prove/pairs [COUNT [SEED]]
 *
 * COUNT pairs of a policy and a question (1e8 will do), compiled and naively;
 * the first difference is printed and ends the run with 1. What `make check`
 * does for a second (tests/unit/rules/match.c) goes on here for as long as one
 * likes. Each policy has a seed of its own, made from SEED and its number, so
 * that a difference is found again at once:
 *
 *	build/prove/pairs --policy NUMBER SEED
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/unit/rules/compare.h"

#define QUESTIONS 400 /* to one policy */
#define REPORT_EVERY 20000

static unsigned long long seed = 20261121, policy_now;

/* In the place of the unit tests' own. */
void
test_fail(const char *file, int line, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s:%d: ", file, line);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\nagain: build/prove/pairs --policy %llu %llu\n",
	    policy_now, seed);
	exit(1);
}

/* splitmix64: neighbouring numbers give unlike seeds; never zero. */
static void
compare_numbered(unsigned long long number)
{
	uint64_t z = seed + (number + 1) * 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	random_state = (z ^ z >> 31) | 1;
	policy_now = number;
	compare_policy(QUESTIONS);
}

static double
cpu_seconds(void)
{
	return (double)clock() / CLOCKS_PER_SEC;
}

static void
report_kinds(void)
{
#define PRINT(name, text) printf("%12llu %s\n", met.name, text);
	PAIR_KINDS(PRINT)
#undef PRINT
}

static void
report(unsigned long long policies)
{
	printf("%llu policies, %llu pairs: no difference (%.0f s of CPU)\n",
	    policies, policies * QUESTIONS, cpu_seconds());
	fflush(stdout);
}

static int
run(unsigned long long pairs)
{
	unsigned long long policies = (pairs + QUESTIONS - 1) / QUESTIONS;

	for (unsigned long long n = 0; n < policies; n++) {
		compare_numbered(n);
		if ((n + 1) % REPORT_EVERY == 0)
			report(n + 1);
	}
	report(policies);
	report_kinds();
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "--policy") == 0) {
		seed = strtoull(argv[3], NULL, 0);
		compare_numbered(strtoull(argv[2], NULL, 0));
		return 0;
	}
	if (argc > 2)
		seed = strtoull(argv[2], NULL, 0);
	return run(argc > 1 ? (unsigned long long)strtod(argv[1], NULL)
			    : 1000000);
}
