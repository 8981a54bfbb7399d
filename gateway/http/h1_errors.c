/* h1_errors.c - the table h1_errors.def as text and status */
#include "base/check.h"
#include "gateway/http/h1_parse.h"

const char *
h1_error_text(enum h1_error e)
{
	static const char *const texts[] = {
#define H1_ERROR(id, text, status) [H1_##id] = text,
#include "gateway/http/h1_errors.def"
#undef H1_ERROR
	};

	CHECK((size_t)e < ARRAY_SIZE(texts));
	return texts[e];
}

int
h1_error_status(enum h1_error e)
{
	static const int statuses[] = {
#define H1_ERROR(id, text, status) [H1_##id] = status,
#include "gateway/http/h1_errors.def"
#undef H1_ERROR
	};

	CHECK((size_t)e < ARRAY_SIZE(statuses));
	return statuses[e];
}
