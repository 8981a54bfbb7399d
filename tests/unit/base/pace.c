/* pace.c - long work in small portions */
#include "tests/unit/test.h"
#include "base/pace.c"

#include <sys/resource.h>

/* How often this thread gave the processor away by itself during `ms` of work. */
static long
pauses_in(unsigned ms)
{
	struct rusage before, after;
	uint64_t until;

	getrusage(RUSAGE_THREAD, &before);
	until = used_us() + ms * 1000u;
	while (used_us() < until)
		pace_step();
	getrusage(RUSAGE_THREAD, &after);
	return after.ru_nvcsw - before.ru_nvcsw;
}

TEST(only_who_asked_for_it_pauses)
{
	EXPECT_INT(pauses_in(10), 0);
	pace_set(true);
	EXPECT(pauses_in(10) >= 10 * 1000 / PACE_PORTION_US / 2);
	EXPECT(pauses_in(10) <= 10 * 1000 / PACE_PORTION_US + 5);
	pace_set(false);
	EXPECT_INT(pauses_in(10), 0);
}
