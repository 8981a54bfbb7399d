/* fuzz_settings.c - any text as penstock.yaml
 *
 * It never crashes; what is refused has a place; of what is read, every limit
 * is within its range and every listener is written and read again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "conf/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static void
check_limits(const struct limits *l)
{
#define OPTION_NUMBER(key, field, default_value, low, high, what)              \
	CHECK(l->field + 1 > (low) && l->field <= (high));
#define OPTION_TIME OPTION_NUMBER
#define OPTION_SIZE OPTION_NUMBER
#include "conf/limits.def"
#undef OPTION_NUMBER
#undef OPTION_TIME
#undef OPTION_SIZE
}

static void
check_listener(const struct listen_setting *l)
{
	struct listen_setting again;
	char text[256];

	listen_setting_format(l, text, sizeof(text));
	CHECK(listen_setting_parse(text, &again, NULL));
	CHECK(address_equal(&again.address, &l->address));
	free(again.unix_path);
}

static void
check_sandbox(const struct sandbox_setting *s)
{
	CHECK((s->listen_count > 0) + (s->token != NULL) +
		(s->source.family != 0) ==
	    1);
	for (size_t i = 0; i < s->listen_count; i++)
		check_listener(&s->listen[i]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct err err = {0};
	struct settings s;

	/* No file beside it: a token_file is always missing. */
	if (!settings_parse("/nonexistent/f",
		(struct slice){(const char *)at, len}, &s, &err)) {
		CHECK(err.kind == ERR_CONF);
		CHECK(strncmp(err.text, "/nonexistent/f:", 15) == 0);
		return 0;
	}
	check_limits(&s.limits);
	for (size_t i = 0; i < s.listen_count; i++)
		check_listener(&s.listen[i]);
	for (size_t i = 0; i < s.sandbox_count; i++)
		check_sandbox(&s.sandboxes[i]);
	settings_done(&s);
	return 0;
}
