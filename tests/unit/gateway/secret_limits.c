/* Limits of one secret: methods, paths, hours, calls. */
#include "gateway/secret_limits.c"

#include "tests/unit/gateway/inject_fixture.h"

static struct secret_calls calls;

static enum secret_limit
judge(const struct secret_binding *b, const char *method, const char *path,
    int64_t now_s)
{
	struct secret_limits *l = secret_limits_new(&calls);
	struct secret_use u = {.binding = b,
	    .sandbox = "web",
	    .method = slice_of(method),
	    .path = slice_of(path),
	    .now_s = now_s};
	enum secret_limit limit = secret_limits_judge(l, &u);

	EXPECT_INT(secret_limits_judge(l, &u), limit);
	secret_limits_free(l);
	return limit;
}

TEST(a_secret_without_limits_is_for_all)
{
	EXPECT_INT(judge(BINDING(.way = SECRET_HEADER), "BREW", "/a//..%2f", 7),
	    SECRET_LIMIT_NONE);
}

TEST(methods_are_compared_letter_by_letter)
{
	const struct secret_binding *b = BINDING(.methods = "GET,POST");

	EXPECT_INT(judge(b, "GET", "/", 0), SECRET_LIMIT_NONE);
	EXPECT_INT(judge(b, "POST", "/", 0), SECRET_LIMIT_NONE);
	EXPECT_INT(judge(b, "get", "/", 0), SECRET_LIMIT_METHOD);
	EXPECT_INT(judge(b, "POS", "/", 0), SECRET_LIMIT_METHOD);
	EXPECT_INT(judge(b, "PUT", "/", 0), SECRET_LIMIT_METHOD);
}

TEST(paths_are_globs_over_canonical_paths)
{
	const struct secret_binding *b =
	    BINDING(.paths = "/v1/*/list /repos/** /a%20b");

	EXPECT_INT(judge(b, "GET", "/v1/x/list", 0), SECRET_LIMIT_NONE);
	EXPECT_INT(judge(b, "GET", "/%76%31/x/list", 0), SECRET_LIMIT_NONE);
	EXPECT_INT(judge(b, "GET", "/repos", 0), SECRET_LIMIT_NONE);
	EXPECT_INT(judge(b, "GET", "/repos/a/b", 0), SECRET_LIMIT_NONE);
	EXPECT_INT(judge(b, "GET", "/a%20b", 0), SECRET_LIMIT_NONE);
	EXPECT_INT(judge(b, "GET", "/v1/x/y/list", 0), SECRET_LIMIT_PATH);
	EXPECT_INT(judge(b, "GET", "/v1/x/list/", 0), SECRET_LIMIT_PATH);
	EXPECT_INT(judge(b, "GET", "/", 0), SECRET_LIMIT_PATH);
	EXPECT_INT(judge(b, "GET", "*", 0), SECRET_LIMIT_PATH);
	/* What has two readings fits none. */
	EXPECT_INT(judge(b, "GET", "/repos/%2e%2e/x", 0), SECRET_LIMIT_PATH);
	EXPECT_INT(judge(b, "GET", "/repos//x", 0), SECRET_LIMIT_PATH);
}

TEST(a_long_path_is_judged_too)
{
	static char path[70000];
	const struct secret_binding *b = BINDING(.paths = "/**/end");

	memset(path, 'a', sizeof(path) - 5);
	path[0] = '/';
	EXPECT_INT(judge(b, "GET", path, 0), SECRET_LIMIT_PATH);
	strcpy(path + sizeof(path) - 5, "/end");
	EXPECT_INT(judge(b, "GET", path, 0), SECRET_LIMIT_NONE);
}

TEST(what_is_no_glob_fits_nothing)
{
	EXPECT_INT(judge(BINDING(.paths = "no-slash"), "GET", "/no-slash", 0),
	    SECRET_LIMIT_PATH);
}

TEST(hours_are_of_the_day_in_utc)
{
	const struct secret_binding *day = BINDING(.from_minute = 9 * 60,
	    .to_minute = 17 * 60 + 30);
	const struct secret_binding *night = BINDING(.from_minute = 22 * 60,
	    .to_minute = 60);
	const struct secret_binding *whole = BINDING(.to_minute = 1440);
	const int64_t days = 19000 * 86400;

	EXPECT_INT(judge(day, "GET", "/", days + 9 * 3600), SECRET_LIMIT_NONE);
	EXPECT_INT(judge(day, "GET", "/", days + 9 * 3600 - 1),
	    SECRET_LIMIT_HOURS);
	EXPECT_INT(judge(day, "GET", "/", days + 17 * 3600 + 1799),
	    SECRET_LIMIT_NONE);
	EXPECT_INT(judge(day, "GET", "/", days + 17 * 3600 + 1800),
	    SECRET_LIMIT_HOURS);
	EXPECT_INT(judge(night, "GET", "/", days + 23 * 3600),
	    SECRET_LIMIT_NONE);
	EXPECT_INT(judge(night, "GET", "/", days), SECRET_LIMIT_NONE);
	EXPECT_INT(judge(night, "GET", "/", days + 3600), SECRET_LIMIT_HOURS);
	EXPECT_INT(judge(whole, "GET", "/", days + 86399), SECRET_LIMIT_NONE);
}

static unsigned
take_all(const struct secret_binding *b, const char *sandbox, uint64_t now_us)
{
	struct secret_limits *l = secret_limits_new(&calls);
	struct secret_use u = {
	    .binding = b, .sandbox = sandbox, .now_us = now_us};
	unsigned taken = 0;

	while (taken < 1000 && secret_limits_take(l, &u))
		taken++;
	secret_limits_free(l);
	return taken;
}

TEST(calls_are_counted_for_each_sandbox_and_secret)
{
	const struct secret_binding *b = BINDING(.name = "one",
	    .calls_per_minute = 60);
	const struct secret_binding *other = BINDING(.name = "other",
	    .calls_per_minute = 6);
	uint64_t now = 5 * (uint64_t)MINUTE_US;

	EXPECT_INT(take_all(b, "web", now), 60);
	EXPECT_INT(take_all(b, "web", now), 0);
	EXPECT_INT(take_all(b, "lab", now), 60);
	EXPECT_INT(take_all(other, "web", now), 6);
	EXPECT_INT(take_all(b, "web", now + 999999), 0);
	EXPECT_INT(take_all(b, "web", now + 1000000), 1);
	EXPECT_INT(take_all(b, "web", now + 11000000), 10);
	EXPECT_INT(take_all(b, "web", now + 5 * (uint64_t)MINUTE_US), 60);
	EXPECT_INT(take_all(BINDING(.name = "free"), "web", now), 1000);
}

TEST(a_slot_whose_minute_has_passed_is_taken_over)
{
	uint64_t now = MINUTE_US;
	unsigned fit = 0, refused = 0;

	memset(&calls, 0, sizeof(calls));
	for (int i = 0; i < 3 * SECRET_CALLS_SLOTS; i++) {
		char sandbox[16];

		snprintf(sandbox, sizeof(sandbox), "box-%d", i);
		if (take_all(BINDING(.calls_per_minute = 1), sandbox, now) == 1)
			fit++;
		else
			refused++;
	}
	/* Without room to count, nothing passes. */
	EXPECT(fit > SECRET_CALLS_SLOTS / 2 && fit <= SECRET_CALLS_SLOTS);
	EXPECT(refused > 0);
	for (int i = 0; i < 100; i++) {
		char sandbox[16];

		snprintf(sandbox, sizeof(sandbox), "new-%d", i);
		EXPECT_INT(take_all(BINDING(.calls_per_minute = 1), sandbox,
			       now + MINUTE_US),
		    1);
	}
}

TEST(each_limit_has_its_clause)
{
	EXPECT(secret_limit_clause(SECRET_LIMIT_NONE) == NULL);
	for (int i = SECRET_LIMIT_METHOD; i <= SECRET_LIMIT_CALLS; i++)
		EXPECT(secret_limit_clause((enum secret_limit)i) != NULL);
	EXPECT_INT(secret_limit_status(SECRET_LIMIT_CALLS), 429);
	EXPECT_INT(secret_limit_status(SECRET_LIMIT_PATH), 403);
}
