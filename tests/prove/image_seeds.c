/* image_seeds.c - the image fuzzer's seeds, compiled anew
 *
 *	build/prove/image_seeds fuzz/seeds/image
 *
 * Run it when the format changes: a fuzzer that has to find a valid image by
 * itself finds none. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "rules/image.h"
#include "tests/unit/rules/full_policy.h"
#include "tests/unit/rules/random_policy.h"

static const char *folder;

void
test_fail(const char *file, int line, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s:%d: ", file, line);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
	exit(1);
}

static void
write_seed(const char *name, struct policy *p)
{
	char path[1000];
	uint8_t *bytes;
	size_t len;
	FILE *file;

	EXPECT(image_build(p, &bytes, &len, NULL));
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	EXPECT(file && fwrite(bytes, 1, len, file) == len && !fclose(file));
	free(bytes);
	policy_done(p);
}

static void
begin(struct policy *p)
{
	policy_init(p);
	policy_add_origin(p, "p.yaml", "file");
}

static void
write_small(void)
{
	static const struct full_rule one = {.host = "a.b.good.test:443"};
	struct policy p;

	begin(&p);
	p.is_empty = true;
	write_seed("no-policy", &p);
	begin(&p);
	write_seed("no-rules", &p);
	begin(&p);
	full_add(&p, &one);
	write_seed("one-rule", &p);
	begin(&p);
	full_network(&p);
	write_seed("network", &p);
	begin(&p);
	full_http(&p);
	write_seed("http", &p);
	begin(&p);
	full_secrets(&p);
	write_seed("secrets", &p);
	full_policy(&p);
	write_seed("everything", &p);
}

/* Large trees of hosts and of paths. */
static void
write_random(unsigned number)
{
	char name[32];
	struct policy p;

	random_state = 2 * number + 1;
	do
		random_policy(&p);
	while (p.rule_count < 12 && (policy_done(&p), true));
	snprintf(name, sizeof(name), "random-%u", number);
	write_seed(name, &p);
}

int
main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: image_seeds FOLDER\n");
		return 2;
	}
	folder = argv[1];
	write_small();
	for (unsigned n = 0; n < 6; n++)
		write_random(n);
	return 0;
}
