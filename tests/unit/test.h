/* test.h - the few lines a unit test needs
 *
 *	#include "tests/unit/test.h"
 *	#include "base/slice.c"		(the file under test, statics and all)
 *
 *	TEST(slice_trim_removes_tabs) { EXPECT(slice_is(..., "x")); }
 *
 * Every TEST is run, each in a process of its own; the program's last line is
 * "N passed, N failed" and its exit code tells the same. */
#ifndef TESTS_UNIT_TEST_H
#define TESTS_UNIT_TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct test {
	const char *name;
	void (*run)(void);
	struct test *next;
};

void test_register(struct test *t);
_Noreturn void test_fail(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* This test cannot run here (no suites folder, no namespaces): counted apart.
 */
_Noreturn void test_skip(const char *why);
/* A copy of `len` bytes that ends right before a page that faults on any
 * access: reading one byte too far is seen (never freed). */
char *test_guarded(const void *bytes, size_t len);
/* The suites folder (PENSTOCK_SUITES, default ../shared/suites) joined with
 * `name`, valid for four calls; skips the test when it is absent. */
const char *test_suite(const char *name);

#define TEST(test_name)                                                        \
	static void test_name(void);                                           \
	static struct test test_name##_test = {#test_name, test_name, NULL};   \
	__attribute__((constructor)) static void test_name##_register(void)    \
	{                                                                      \
		test_register(&test_name##_test);                              \
	}                                                                      \
	static void test_name(void)

#define EXPECT(what)                                                           \
	((what) ? (void)0 : test_fail(__FILE__, __LINE__, "expected %s", #what))
#define EXPECT_INT(is, wanted)                                                 \
	do {                                                                   \
		long long is_ = (long long)(is),                               \
			  wanted_ = (long long)(wanted);                       \
		if (is_ != wanted_)                                            \
			test_fail(__FILE__, __LINE__,                          \
			    "%s: expected %lld, got %lld", #is, wanted_, is_); \
	} while (0)
#define EXPECT_TEXT(is, wanted)                                                \
	test_expect_text(__FILE__, __LINE__, #is, is, wanted)
void test_expect_text(const char *file, int line, const char *what,
    const char *is, const char *wanted);

#endif
