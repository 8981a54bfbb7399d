/* cmd_status.c - penstock status and penstock reload */
#include <stdio.h>
#include <string.h>

#include "gateway/cli/client.h"
#include "gateway/cli/command.h"
#include "gateway/cli/print.h"

#define STATUS_DRAIN_MS 1000

struct status_flags {
	bool json;
};

OPTIONS(status, struct status_flags,
    OPT_FLAG(struct status_flags, json, "json", 'j', "print one JSON object"));

OPTIONS_NONE(reload);

static const char *
text_in(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "-";
}

static void
print_label(const char *label)
{
	printf("%s%-10s%s ", colour(stdout, COLOUR_BOLD), label,
	    colour(stdout, COLOUR_NONE));
}

static void
print_line(const char *label, const char *value)
{
	print_label(label);
	print_safe(stdout, value);
	putchar('\n');
}

/* Strings, or objects of which the name counts, a space between them. */
static void
print_names(const char *label, const json_t *array)
{
	size_t count = json_array_size(array);

	print_label(label);
	for (size_t i = 0; i < count; i++) {
		const json_t *item = json_array_get(array, i);
		const char *text = json_string_value(item);

		if (i)
			putchar(' ');
		print_safe(stdout, text ? text : text_in(item, "name"));
	}
	printf("%s\n", count ? "" : "-");
}

/* The sandboxes with a CA of their own; nothing where none has one. */
static void
print_own_cas(const json_t *sandboxes)
{
	json_t *own = json_array();

	for (size_t i = 0; i < json_array_size(sandboxes); i++) {
		json_t *one = json_array_get(sandboxes, i);

		if (json_is_object(json_object_get(one, "ca")))
			json_array_append(own, one);
	}
	if (json_array_size(own))
		print_names("own cas", own);
	json_decref(own);
}

static long long
number_in(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void
print_pids(const json_t *pids)
{
	const json_t *workers = json_object_get(pids, "workers");

	print_label("pids");
	printf("supervisor %lld, keeper %lld, auditor %lld, workers",
	    number_in(pids, "supervisor"), number_in(pids, "keeper"),
	    number_in(pids, "auditor"));
	for (size_t i = 0; i < json_array_size(workers); i++)
		printf(" %lld", json_integer_value(json_array_get(workers, i)));
	putchar('\n');
}

/* Whatever figures there are, in the gateway's order. */
static void
print_figures(json_t *figures)
{
	const char *comma = "";

	if (!json_is_object(figures))
		return;
	print_label("figures");
	for (void *at = json_object_iter(figures); at;
	     at = json_object_iter_next(figures, at)) {
		const json_t *value = json_object_iter_value(at);

		if (!json_is_integer(value))
			continue;
		printf("%s%s %lld", comma, json_object_iter_key(at),
		    json_integer_value(value));
		comma = ", ";
	}
	putchar('\n');
}

static void
print_status(const json_t *s)
{
	const json_t *policy = json_object_get(s, "policy");
	const json_t *audit = json_object_get(s, "audit");

	print_names("listening", json_object_get(s, "listeners"));
	print_line("config", text_in(s, "config"));
	print_line("policy", text_in(policy, "digest"));
	print_names("files", json_object_get(policy, "files"));
	print_names("sandboxes", json_object_get(s, "sandboxes"));
	print_line("records", text_in(audit, "file"));
	print_label("lag");
	printf("%lld bytes not yet written\n", number_in(audit, "lag"));
	print_line("ca", text_in(json_object_get(s, "ca"), "file"));
	print_own_cas(json_object_get(s, "sandboxes"));
	print_figures(json_object_get(s, "figures"));
	print_pids(json_object_get(s, "pids"));
}

/* `status` is waited for by scripts, so that no gateway is exit 4 and a
 * sentence, never an empty object. */
int
cmd_status(struct call *call)
{
	const struct status_flags *flags = call->options;
	json_t *answer, *status;
	struct client c;
	struct err err;

	if (!client_open(&c, &err))
		return print_failure(&err);
	/* The lag that is shown is what waits although it was asked for. A
	 * stopped auditor is a thing that status has to tell, not to die of. */
	client_drain(&c, STATUS_DRAIN_MS);
	answer = client_ask_verb(&c, "status", NULL, &err);
	if (!answer) {
		client_done(&c);
		return print_failure(&err);
	}
	status = json_object_get(answer, "status");
	if (flags->json)
		print_json(json_incref(status));
	else
		print_status(status);
	json_decref(answer);
	client_done(&c);
	return EXIT_DONE;
}

int
cmd_reload(struct call *call)
{
	struct client c;
	struct err err;
	json_t *answer;

	(void)call;
	if (!client_open(&c, &err))
		return print_failure(&err);
	answer = client_ask_verb(&c, "reload", NULL, &err);
	client_done(&c);
	if (!answer)
		return print_failure(&err);
	printf("policy %.16s is live\n", text_in(answer, "digest"));
	json_decref(answer);
	return EXIT_DONE;
}
