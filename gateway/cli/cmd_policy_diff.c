/* cmd_policy_diff.c - penstock policy diff: what would a change change?
 *
 * For review: two files, directories or images, no gateway, no network. */
#include <stdio.h>
#include <time.h>

#include "gateway/cli/client.h"
#include "gateway/cli/command.h"
#include "gateway/cli/diff_text.h"
#include "gateway/cli/print.h"
#include "gateway/control.h"

#define REGIONS_MAX 500 /* in words */

struct diff_flags {
	const char *sandbox;
	bool json;
};

OPTIONS(policy_diff, struct diff_flags,
    OPT_TEXT(struct diff_flags, sandbox, "sandbox", 's', "NAME",
	"only what changes for this sandbox"),
    OPT_FLAG(struct diff_flags, json, "json", 'j',
	"print one JSON object with every difference"));

static void
print_all_json(struct call *call, const struct diff *d,
    const struct diff_images *images)
{
	json_t *regions = json_array(), *secrets = json_array();

	for (size_t n = 0; n < diff_count(d); n++)
		json_array_append_new(regions,
		    diff_region_json(diff_at(d, n), images));
	for (size_t n = 0; n < diff_secret_count(d); n++)
		json_array_append_new(secrets,
		    diff_secret_json(diff_secret_at(d, n), images));
	print_json(json_pack("{s:o, s:o, s:s, s:s, s:I, s:o, s:o}", "old",
	    control_text(call->operands[0]), "new",
	    control_text(call->operands[1]), "old_digest",
	    image_digest(images->old_image), "new_digest",
	    image_digest(images->new_image), "differences",
	    (json_int_t)diff_count(d) + (json_int_t)diff_secret_count(d),
	    "regions", regions, "secrets", secrets));
}

static const char *
heading(enum diff_change change)
{
	switch (change) {
	case DIFF_REACHABLE:
		return "Reachable now";
	case DIFF_UNREACHABLE:
		return "Unreachable now";
	case DIFF_CHANGED:
		return "Allowed as before, in another manner";
	case DIFF_POSSIBLE:
		break;
	}
	return "Possibly changed (too many patterns overlap here to tell)";
}

static void
print_secrets(const struct diff *d, const struct diff_images *images)
{
	size_t count = diff_secret_count(d);

	if (count == 0)
		return;
	printf("%sSecrets:\n", diff_count(d) > 0 ? "\n" : "");
	for (size_t n = 0; n < count && n < REGIONS_MAX; n++)
		diff_print_secret(diff_secret_at(d, n), images);
	if (count > REGIONS_MAX)
		printf("\n.. and %zu more (--json prints all)\n",
		    count - REGIONS_MAX);
}

static void
print_all(const struct diff *d, const struct diff_images *images)
{
	size_t count = diff_count(d);

	if (count == 0 && diff_secret_count(d) == 0)
		printf(
		    "No difference: both policies judge everything alike.\n");
	for (size_t n = 0; n < count && n < REGIONS_MAX; n++) {
		const struct diff_region *r = diff_at(d, n);

		if (n == 0 || r->change != diff_at(d, n - 1)->change)
			printf("%s%s:\n", n > 0 ? "\n" : "",
			    heading(r->change));
		diff_print_region(r, images);
	}
	if (count > REGIONS_MAX)
		printf("\n.. and %zu more (--json prints all)\n",
		    count - REGIONS_MAX);
	print_secrets(d, images);
}

static int
compare(struct call *call, const struct diff_images *images)
{
	const struct diff_flags *flags = call->options;
	struct diff_options options = {
	    .now = time(NULL), .sandbox = flags->sandbox};
	struct diff *d = diff_new(images->old_image, images->new_image,
	    &options);
	int code = diff_count(d) + diff_secret_count(d) > 0 ? EXIT_NO
							    : EXIT_DONE;

	if (flags->json)
		print_all_json(call, d, images);
	else
		print_all(d, images);
	diff_free(d);
	return code;
}

/* Whatever cannot be read is a policy that cannot be compared. */
static bool
open_one(char *path, struct judge *judge)
{
	struct err err;

	if (judge_open_paths(&path, 1, judge, &err))
		return true;
	print_failure(&err);
	return false;
}

int
cmd_policy_diff(struct call *call)
{
	struct judge judges[2];
	int code;

	if (!open_one(call->operands[0], &judges[0]))
		return EXIT_CONF;
	if (!open_one(call->operands[1], &judges[1])) {
		judge_close(&judges[0]);
		return EXIT_CONF;
	}
	code = compare(call,
	    &(struct diff_images){judges[0].image, judges[1].image});
	judge_close(&judges[0]);
	judge_close(&judges[1]);
	return code;
}
