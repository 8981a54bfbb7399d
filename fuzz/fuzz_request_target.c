/* fuzz_request_target.c - a canonical path is canonical: read again, it is
 * itself, and it holds nothing that climbs */
#include <stdlib.h>

#include "fuzz/h1_fuzz.h"

static void
check_path(const struct request_target *t)
{
	struct request_target again;
	enum h1_error error;
	char *room = malloc(t->path.len + 1);

	CHECK(room != NULL && t->path.len > 0 && t->path.at[0] == '/');
	CHECK(request_target_parse(SLICE_LITERAL("GET"), t->path, room, &again,
	    &error));
	CHECK(again.form == FORM_ORIGIN && again.query.len == 0);
	CHECK(slice_equal(again.path, t->path));
	CHECK(memmem(t->path.at, t->path.len, "/../", 4) == NULL);
	CHECK(memmem(t->path.at, t->path.len, "/./", 3) == NULL);
	CHECK(!slice_ends(t->path, "/.") && !slice_ends(t->path, "/.."));
	free(room);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	static const char *const methods[] = {"GET", "OPTIONS", "CONNECT"};
	struct slice in = {(const char *)at + 1, len - 1};
	struct request_target t;
	enum h1_error error = H1_NO_ERROR;
	char *room;

	if (len == 0)
		return 0;
	room = malloc(in.len + 1);
	CHECK(room != NULL);
	if (!request_target_parse(slice_of(methods[at[0] % 3]), in, room, &t,
		&error)) {
		CHECK(error == H1_BAD_TARGET);
	} else {
		CHECK(t.query.len == 0 || t.query.at[0] == '?');
		CHECK((t.authority.len > 0) ==
		    (t.form == FORM_ABSOLUTE || t.form == FORM_AUTHORITY));
		if (t.form == FORM_ORIGIN ||
		    (t.form == FORM_ABSOLUTE && !slice_is(t.path, "*")))
			check_path(&t);
	}
	free(room);
	return 0;
}
