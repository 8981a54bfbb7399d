/* cmd_ca_rotate.c - penstock ca rotate: another CA in the place of one
 *
 * With --all they are rotated one after the other, each as if alone: where one
 * cannot be, those before it have been, and are printed. */
#include <stdio.h>
#include <string.h>

#include "gateway/cli/client.h"
#include "gateway/cli/command.h"
#include "gateway/cli/print.h"
#include "gateway/control.h"

#define OVERLAP_S (7 * 86400)

struct ca_rotate_flags {
	const char *overlap, *sandbox;
	bool all, json;
};

OPTIONS(ca_rotate, struct ca_rotate_flags,
    OPT_TEXT(struct ca_rotate_flags, overlap, "overlap", 0, "TIME",
	"how long the old CA vouches for the new one (7d); 0: not at all"),
    OPT_TEXT(struct ca_rotate_flags, sandbox, "sandbox", 's', "NAME",
	"the CA that this sandbox has of its own; without: the shared one"),
    OPT_FLAG(struct ca_rotate_flags, all, "all", 0,
	"the shared one and all that sandboxes have of their own"),
    OPT_FLAG(struct ca_rotate_flags, json, "json", 'j', "print JSON"));

struct rotation {
	const struct ca_rotate_flags *flags;
	const struct client *client;
	int64_t overlap_s;
	json_t *done; /* the answers */
};

static bool
read_flags(const struct ca_rotate_flags *flags, int64_t *overlap_s,
    struct err *err)
{
	int64_t us = (int64_t)OVERLAP_S * 1000000;

	if (flags->all && flags->sandbox)
		return err_set(err, ERR_USAGE,
		    "--all and --sandbox do not go together");
	if (flags->overlap && !strcmp(flags->overlap, "0"))
		us = 0;
	else if (flags->overlap && !age_read(flags->overlap, &us))
		return err_set(err, ERR_USAGE,
		    "--overlap takes a time such as 12h or 7d, or 0, not "
		    "\"%.40s\"",
		    flags->overlap);
	*overlap_s = us / 1000000;
	return true;
}

static void
print_rotated(const json_t *answer, const struct ca_rotate_flags *flags)
{
	int64_t until = json_integer_value(json_object_get(answer,
	    "overlap_until"));
	const char *fingerprint = json_string_value(json_object_get(answer,
	    "fingerprint"));
	const char *sandbox = json_string_value(json_object_get(answer,
	    "sandbox"));
	char text[SHORT_TIME];

	printf("there is a new CA%s%s, SHA-256 %s\n",
	    sandbox ? " of the sandbox " : "", sandbox ? sandbox : "",
	    fingerprint);
	if (until) {
		long_time(until * 1000000, text);
		printf("who trusts the old one alone can go on until %s; "
		       "penstock ca export%s%s prints both until then\n",
		    text, sandbox ? " --sandbox " : "", sandbox ? sandbox : "");
	} else {
		printf("who trusts the old one alone trusts the gateway no "
		       "longer%s\n",
		    flags->overlap ? "" : ": the old one may vouch for nobody");
	}
}

/* `sandbox` is given up. */
static bool
rotate_one(struct rotation *r, json_t *sandbox, struct err *err)
{
	json_t *answer = client_ask(r->client,
	    json_pack("{s:s, s:I, s:o}", "verb", "ca-rotate", "overlap_s",
		(json_int_t)r->overlap_s, "sandbox", sandbox),
	    NULL, err);

	if (!answer)
		return false;
	json_object_del(answer, "ok");
	if (!r->flags->json)
		print_rotated(answer, r->flags);
	json_array_append_new(r->done, answer);
	return true;
}

static bool
rotate_all(struct rotation *r, struct err *err)
{
	json_t *answer = client_ask_verb(r->client, "status", NULL, err);
	const json_t *list = json_object_get(json_object_get(answer, "status"),
	    "sandboxes");
	bool done = answer && rotate_one(r, json_null(), err);

	for (size_t n = 0; done && n < json_array_size(list); n++) {
		const json_t *one = json_array_get(list, n);

		if (json_is_object(json_object_get(one, "ca")))
			done = rotate_one(r,
			    json_incref(json_object_get(one, "name")), err);
	}
	json_decref(answer);
	return done;
}

static bool
run(struct rotation *r, struct err *err)
{
	const struct ca_rotate_flags *flags = r->flags;
	bool done;

	r->done = json_array();
	done = flags->all
	    ? rotate_all(r, err)
	    : rotate_one(r,
		  flags->sandbox ? control_text(flags->sandbox) : json_null(),
		  err);
	if (flags->json && flags->all)
		print_json(json_pack("{s:O}", "authorities", r->done));
	else if (flags->json && done)
		print_json(json_incref(json_array_get(r->done, 0)));
	json_decref(r->done);
	return done;
}

int
cmd_ca_rotate(struct call *call)
{
	struct rotation r = {.flags = call->options};
	struct err err = {.kind = ERR_NONE};
	struct client c;
	bool done;

	if (!read_flags(r.flags, &r.overlap_s, &err) || !client_open(&c, &err))
		return print_failure(&err);
	r.client = &c;
	done = run(&r, &err);
	client_done(&c);
	return done ? EXIT_DONE : print_failure(&err);
}
