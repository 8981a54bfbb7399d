/* diff_secret_text.c - which secret reaches which host now, in words and JSON */
#include "gateway/cli/diff_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/cli/print.h"
#include "gateway/cli/rule_text.h"
#include "gateway/cli/secret_text.h"
#include "gateway/control.h"

#define NAMES_MAX 12 /* in words */

static const struct {
	char mark;
	const char *code, *words, *behind;
} changes[] = {
    [DIFF_SECRET_REACHES] = {'+', "reaches", "reaches", ""},
    [DIFF_SECRET_GONE] = {'-', "gone", "no longer reaches", ""},
    [DIFF_SECRET_CHANGED] = {'~', "changed", "goes in another way to", ""},
    [DIFF_SECRET_BOUND] = {'+', "bound", "is bound to",
	", which no rule allows"},
    [DIFF_SECRET_UNBOUND] = {'-', "unbound", "is no longer bound to",
	", which no rule allowed"},
};

static void
print_sandboxes(const struct diff_secret *s)
{
	if (s->other_sandboxes && s->sandboxes.count == 0)
		return;
	fputs(s->other_sandboxes ? "    sandboxes: all but " : "    sandbox: ",
	    stdout);
	for (size_t n = 0; n < s->sandboxes.count && n < NAMES_MAX; n++) {
		fputs(n > 0 ? ", " : "", stdout);
		print_safe(stdout, s->sandboxes.at[n]);
	}
	if (s->sandboxes.count > NAMES_MAX)
		printf(", and %zu more", s->sandboxes.count - NAMES_MAX);
	putchar('\n');
}

static void
print_limits(const struct secret_binding *b)
{
	char limits[SECRET_LIMITS_TEXT];
	const char *const texts[] = {b->methods, b->paths, limits};

	secret_limits_text(b, limits);
	for (size_t n = 0; n < sizeof(texts) / sizeof(*texts); n++) {
		if (!*texts[n])
			continue;
		printf(", ");
		print_safe(stdout, texts[n]);
	}
}

/* "    new: header x-key "%s", from store (policy.yaml:7)" */
static void
print_side(const char *side, const struct image *image, uint32_t secret)
{
	struct secret_binding b;
	struct image_rule like;
	char place[PLACE_TEXT];
	char *what, *from;

	if (secret == SECRET_NONE) {
		printf("    %s: not bound\n", side);
		return;
	}
	image_secret_binding(image, secret, &b);
	like = secret_like_rule(&b);
	rule_place(&like, place);
	what = secret_what(&b);
	from = secret_source_text(&b);
	printf("    %s: ", side);
	print_safe(stdout, what);
	printf(", from ");
	print_safe(stdout, from);
	print_limits(&b);
	printf("%s (", b.plaintext ? ", in clear too" : "");
	print_safe(stdout, place);
	printf(")\n");
	free(what);
	free(from);
}

void
diff_print_secret(const struct diff_secret *s, const struct diff_images *images)
{
	printf("%c secret ", changes[s->change].mark);
	print_safe(stdout, s->name);
	printf(" %s ", changes[s->change].words);
	print_safe(stdout, s->host);
	printf("%s\n", changes[s->change].behind);
	print_sandboxes(s);
	print_side("old", images->old_image, s->secrets[0]);
	print_side("new", images->new_image, s->secrets[1]);
}

static json_t *
side_json(const struct image *image, uint32_t secret)
{
	return secret == SECRET_NONE ? json_null() : secret_json(image, secret);
}

json_t *
diff_secret_json(const struct diff_secret *s, const struct diff_images *images)
{
	json_t *names = json_array();

	for (size_t n = 0; n < s->sandboxes.count; n++)
		json_array_append_new(names, control_text(s->sandboxes.at[n]));
	return json_pack("{s:s, s:s, s:o, s:{s:o}, s:o, s:o}", "change",
	    changes[s->change].code, "secret", s->name, "host",
	    control_text(s->host), "sandboxes",
	    s->other_sandboxes ? "not" : "only", names, "old",
	    side_json(images->old_image, s->secrets[0]), "new",
	    side_json(images->new_image, s->secrets[1]));
}
