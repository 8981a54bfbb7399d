/* cmd_secret_set.c - penstock secret set: the key of a service, into the store
 *
 *	penstock secret set openai			asked for, not shown
 *	echo "$OPENAI_API_KEY" | penstock secret set openai
 *	penstock secret set web-1 openai		for one sandbox
 *	penstock secret set --registry ghcr.io --username me --password-stdin
 *
 * Where no policy binds the service, its binding is typed into the local rules
 * as well.
 */
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "conf/services.h"
#include "conf/yaml_edit.h"
#include "gateway/cli/bound.h"
#include "gateway/cli/command.h"
#include "gateway/cli/print.h"
#include "gateway/cli/secret_flags.h"

#define BINDING_MAX 16384

struct set_flags {
	struct secret_flags secret;
	const char *registry, *username, *endpoint;
	bool oauth;
};

OPTIONS(secret_set, struct set_flags, OPT_SECRET(struct set_flags, secret),
    OPT_FLAG(struct set_flags, oauth, "oauth", 0,
	"sign in with a browser: says what to do instead"),
    OPT_TEXT(struct set_flags, registry, "registry", 0, "HOST",
	"the password of a container registry, not of a service"),
    OPT_TEXT(struct set_flags, username, "username", 'u', "NAME",
	"with --registry: who signs in"),
    OPT_TEXT(struct set_flags, endpoint, "registry-auth-endpoint", 0, "URL",
	"with --registry: where it gives out its tokens, if elsewhere"));

/* --- a service --- */

static bool
no_such_service(const char *name, struct err *err)
{
	struct nearest near;
	struct text all;

	nearest_start(&near, slice_of(name));
	text_init(&all, 1024);
	for (size_t i = 0; i < service_count(); i++) {
		nearest_offer(&near, service_at(i)->name);
		text_add_format(&all, "%s%s", i ? ", " : "",
		    service_at(i)->name);
	}
	if (nearest_found(&near))
		err_set(err, ERR_USAGE,
		    "there is no service \"%.64s\"; did you mean \"%s\"?", name,
		    nearest_found(&near));
	else
		err_set(err, ERR_USAGE,
		    "\"%.64s\" is no known service (%s), and no policy binds "
		    "it; penstock secret set-custom --host HOST does",
		    name, all.at);
	text_done(&all);
	return false;
}

/* Signing in takes a client that the provider knows, and none of them lets a
 * program sign in as another one. */
static bool
refuse_oauth(const char *name, struct err *err)
{
	return err_set(err, ERR_USAGE,
	    "--oauth: %s signs in its own programs only; make an API key there "
	    "and store it (penstock secret set %s), sign in inside the "
	    "sandbox, "
	    "or bind an OAuth client of yours in a policy file (inject: "
	    "{oauth2: ..}, penstock-policy(5))",
	    name, name);
}

/* With --command the binding itself says where the value comes from, and only
 * one that is typed, of a known service, is ours to write. */
static bool
may_bind_command(const char *name, const struct secret_binding *b,
    struct err *err)
{
	char place[BOUND_PLACE];

	bound_place(b, place);
	if (strcmp(b->source_kind, "local") != 0)
		return err_set(err, ERR_CONF,
		    "%s is bound in %s; put \"from: {command: ..}\" there",
		    name, place);
	if (!*b->service)
		return err_set(err, ERR_USAGE,
		    "%s was bound by secret set-custom; type that again, with "
		    "--command",
		    name);
	return true;
}

/* What is to be typed into the local rules; nothing where it is bound. */
static bool
plan_binding(const struct secret_flags *f, const struct judge *judge,
    const struct secret_put *p, struct text *binding, struct err *err)
{
	struct secret_binding b;
	bool bound = bound_find(judge->image, p->name, p->scope, &b, NULL);

	if (bound && !f->command) {
		/* Typed with a command before; now it is the store's. */
		if (bound_is_typed(&b, p->scope) && *b.service &&
		    b.source != SOURCE_STORE)
			text_add(binding, "{}");
		return true;
	}
	if (bound && !may_bind_command(p->name, &b, err))
		return false;
	if (!service_find(slice_of(p->name)))
		return no_such_service(p->name, err);
	text_add(binding, "{");
	secret_flags_from(f, binding);
	text_add(binding, "}");
	return true;
}

/* What the policy takes it for says what it must be. */
static const char *
kind_of(const struct judge *judge, const struct secret_put *p)
{
	struct secret_binding b;

	if (bound_find(judge->image, p->name, p->scope, &b, NULL) &&
	    b.way == SECRET_CLIENT_CERTIFICATE)
		return bound_kind(&b);
	return service_find(slice_of(p->name)) ? "service" : "custom";
}

static int
set_service(const struct set_flags *f, const struct client *c,
    const struct secret_put *wanted, struct err *err)
{
	struct secret_put p = *wanted;
	struct text binding;
	struct judge judge;
	bool done;
	int code;

	if (!judge_open(c, &judge, err))
		return print_failure(err);
	text_init(&binding, BINDING_MAX);
	p.kind = kind_of(&judge, &p);
	done = plan_binding(&f->secret, &judge, &p, &binding, err);
	judge_close(&judge);
	p.binding = binding.len ? binding.at : NULL;
	code = done ? secret_flags_put(&f->secret, c, &p, err)
		    : print_failure(err);
	text_done(&binding);
	return code;
}

/* --- a registry --- */

/* Docker's own hub gives out its tokens elsewhere. */
static const char *
token_host(const char *registry)
{
	static const char *const hub[] = {
	    "docker.io", "index.docker.io", "registry-1.docker.io"};

	for (size_t i = 0; i < ARRAY_SIZE(hub); i++)
		if (strcmp(registry, hub[i]) == 0)
			return "auth.docker.io";
	return registry;
}

/* The host of "https://HOST[:PORT]/..". */
static bool
read_endpoint(const char *url, struct slice *host, struct err *err)
{
	struct slice rest;

	if (!slice_starts(slice_of(url), "https://"))
		return err_set(err, ERR_USAGE,
		    "--registry-auth-endpoint must be an https:// URL, not "
		    "\"%.80s\"",
		    url);
	slice_cut(slice_from(slice_of(url), strlen("https://")), '/', host,
	    &rest);
	return true;
}

/* Basic, where the password is asked for; the client gets a token for it. */
static bool
bind_registry(const struct set_flags *f, struct text *binding, struct err *err)
{
	struct slice host = slice_of(token_host(f->registry));

	if (!f->username)
		return err_set(err, ERR_USAGE,
		    "--registry needs --username NAME");
	if (f->endpoint && !read_endpoint(f->endpoint, &host, err))
		return false;
	text_add(binding, "{hosts: [");
	yaml_edit_quote(binding, host);
	text_add(binding, "], inject: {basic: {username: ");
	json_quote(binding, slice_of(f->username));
	text_add(binding, "}}");
	if (f->secret.command)
		text_add(binding, ", ");
	secret_flags_from(&f->secret, binding);
	text_add(binding, "}");
	return true;
}

static int
set_registry(const struct set_flags *f, const struct client *c,
    const struct secret_put *wanted, struct err *err)
{
	struct secret_put p = *wanted;
	char name[SECRET_NAME_MAX + 1];
	struct text binding;
	int code;

	registry_name(f->registry, name);
	text_init(&binding, BINDING_MAX);
	p.name = name;
	p.kind = "registry";
	if (bind_registry(f, &binding, err)) {
		p.binding = binding.at;
		code = secret_flags_put(&f->secret, c, &p, err);
	} else {
		code = print_failure(err);
	}
	text_done(&binding);
	return code;
}

/* --- the verb --- */

static bool
read_call(const struct call *call, struct secret_put *p, struct err *err)
{
	const struct set_flags *f = call->options;
	size_t count = call->operand_count;

	if (!secret_flags_fit(&f->secret, err))
		return false;
	if ((f->username || f->endpoint) && !f->registry)
		return err_set(err, ERR_USAGE,
		    "--username and --registry-auth-endpoint are about "
		    "--registry");
	if (f->registry ? count > 1 : count == 0)
		return err_set(err, ERR_USAGE,
		    f->registry ? "--registry takes the place of a service"
				: "name a service, such as openai");
	if (!f->registry)
		p->name = call->operands[count - 1];
	if (f->oauth)
		return refuse_oauth(f->registry ? f->registry : p->name, err);
	return secret_flags_scope(&f->secret,
	    count == 2 || (f->registry && count) ? call->operands[0] : NULL,
	    &p->scope, err);
}

int
cmd_secret_set(struct call *call)
{
	const struct set_flags *f = call->options;
	struct err err = {.kind = ERR_NONE};
	struct secret_put p = {0};
	struct client c;
	int code;

	if (!read_call(call, &p, &err) || !client_open(&c, &err))
		return print_failure(&err);
	code = f->registry ? set_registry(f, &c, &p, &err)
			   : set_service(f, &c, &p, &err);
	client_done(&c);
	return code;
}
