/* cmd_secret_custom.c - penstock secret set-custom: a secret of any service
 *
 *	penstock secret set-custom --host api.example.com --env EXAMPLE_KEY \
 *		--header X-Api-Key
 *
 * What is typed becomes a binding in the local rules, in the language of policy
 * files, and the value goes into the store. The placeholder that a guest will
 * hold is printed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "conf/yaml_edit.h"
#include "gateway/cli/command.h"
#include "gateway/cli/placeholders.h"
#include "gateway/cli/print.h"
#include "gateway/cli/secret_flags.h"
#include "gateway/cli/variables.h"
#include "gateway/store.h"

#define BINDING_MAX 65536
#define EVERYWHERE "[headers, query, path, body]"

struct custom_flags {
	struct secret_flags secret;
	struct option_list host, env;
	const char *value, *name, *header, *format, *basic, *query,
	    *placeholder;
	bool swap, certificate, plaintext, quiet;
};

OPTIONS(secret_set_custom, struct custom_flags,
    OPT_LIST(struct custom_flags, host, "host", 0, "HOST[:PORT]",
	"it goes into requests to this host, on 443 or this port"),
    OPT_LIST(struct custom_flags, env, "env", 'e', "VARIABLE",
	"the guest's variable that holds the placeholder"),
    OPT_TEXT(struct custom_flags, name, "name", 0, "NAME",
	"its name; else that of the variable, else the host's"),
    OPT_TEXT(struct custom_flags, header, "header", 0, "NAME",
	"set this header"),
    OPT_TEXT(struct custom_flags, format, "format", 0, "FORMAT",
	"with --header: what it is set to, %s being the value (\"Bearer %s\")"),
    OPT_TEXT(struct custom_flags, basic, "basic", 0, "USER",
	"set Authorization: Basic, as this user"),
    OPT_TEXT(struct custom_flags, query, "query", 0, "NAME",
	"set this query parameter"),
    OPT_FLAG(struct custom_flags, swap, "swap", 0,
	"put it wherever the placeholder stands (the default)"),
    OPT_FLAG(struct custom_flags, certificate, "client-certificate", 0,
	"show it to the host when it is connected to: PEM, with its key"),
    OPT_TEXT(struct custom_flags, placeholder, "placeholder", 0, "TEXT",
	"what the guest holds: 'sk-{rand}', 'key-{hex:40}', or fixed text"),
    OPT_FLAG(struct custom_flags, plaintext, "plaintext", 0,
	"also into requests without TLS, to a service of this machine"),
    OPT_FLAG(struct custom_flags, quiet, "quiet", 'q',
	"print the placeholder alone"),
    OPT_TEXT(struct custom_flags, value, "value", 0, "VALUE",
	"another spelling of --token"),
    OPT_SECRET(struct custom_flags, secret));

static bool
variables_fit(const struct custom_flags *f, struct err *err)
{
	for (size_t i = 0; i < f->env.count; i++) {
		const char *name = f->env.at[i], *who;

		if (secret_variable_is_valid(slice_of(name), &who))
			continue;
		if (who == NULL)
			return err_set(err, ERR_USAGE,
			    "--env: \"%.80s\" is no name of a variable", name);
		return err_set(err, ERR_USAGE,
		    "--env: \"%.80s\" tells %s how to run: no placeholder "
		    "stands there",
		    name, who);
	}
	return true;
}

static bool
ways_fit(const struct custom_flags *f, struct err *err)
{
	if (!f->host.count)
		return err_set(err, ERR_USAGE,
		    "say where it goes: --host api.example.com");
	if (f->certificate &&
	    (f->header || f->basic || f->query || f->swap || f->env.count ||
		f->placeholder || f->plaintext))
		return err_set(err, ERR_USAGE,
		    "--client-certificate: a certificate is put into no "
		    "request, and no guest holds anything in its place; of "
		    "these flags it goes with --host and --name alone");
	if ((f->header != NULL) + (f->basic != NULL) + (f->query != NULL) > 1)
		return err_set(err, ERR_USAGE,
		    "--header, --basic and --query each say how it goes; give "
		    "one");
	if (f->format && !f->header)
		return err_set(err, ERR_USAGE, "--format is about --header");
	return variables_fit(f, err);
}

/* "JIRA_TOKEN" is called jira_token, "https" the host. To free(). */
static char *
name_of(const struct custom_flags *f)
{
	char *name = memory_text(f->name ? f->name
		: f->env.count		 ? f->env.at[0]
					 : f->host.at[0]);

	if (f->name)
		return name;
	name[strcspn(name, ":")] = '\0';
	for (char *c = name; *c; c++)
		*c = ascii_lower(*c);
	/* A pattern's name is that of the domain. */
	while (*name == '*' || *name == '.')
		memmove(name, name + 1, strlen(name));
	return name;
}

static void
add_list(struct text *t, const char *key, const struct option_list *list)
{
	if (!list->count)
		return;
	text_add_format(t, "%s%s: [", t->len > 1 ? ", " : "", key);
	for (size_t i = 0; i < list->count; i++) {
		if (i)
			text_add(t, ", ");
		yaml_edit_quote(t, slice_of(list->at[i]));
	}
	text_add(t, "]");
}

static void
add_quoted(struct text *t, const char *before, const char *value,
    const char *after)
{
	text_add(t, before);
	json_quote(t, slice_of(value));
	text_add(t, after);
}

static void
add_way(struct text *t, const struct custom_flags *f)
{
	if (f->certificate) {
		text_add(t, ", client-certificate: true");
		return;
	}
	if (f->header) {
		add_quoted(t, ", inject: {header: ", f->header, ", ");
		add_quoted(t, "format: ", f->format ? f->format : "%s", "}");
	} else if (f->basic) {
		add_quoted(t, ", inject: {basic: {username: ", f->basic, "}}");
	} else if (f->query) {
		add_quoted(t, ", inject: {query: ", f->query, "}");
	}
	if (f->swap || !(f->header || f->basic || f->query))
		text_add(t, ", swap: " EVERYWHERE);
}

static void
write_binding(const struct custom_flags *f, struct text *t)
{
	text_add(t, "{");
	add_list(t, "hosts", &f->host);
	add_way(t, f);
	add_list(t, "env", &f->env);
	if (f->placeholder)
		add_quoted(t, ", placeholder: ", f->placeholder, "");
	if (f->plaintext)
		text_add(t, ", plaintext: true");
	if (f->secret.command)
		text_add(t, ", ");
	secret_flags_from(&f->secret, t);
	text_add(t, "}");
}

/* Of the sandbox it is for, else of the default one. */
static bool
print_placeholder(const struct client *c, const struct secret_put *p,
    struct err *err)
{
	const char *sandbox = p->scope ? p->scope : "default";
	json_t *list = placeholders_read(c, sandbox, err);
	const char *placeholder = placeholder_of(list, p->name);

	if (placeholder && p->quiet)
		printf("%s\n", placeholder);
	else if (placeholder)
		printf("Placeholder in the sandbox %s: %s\n", sandbox,
		    placeholder);
	json_decref(list);
	return list || err_wrap(err, "the placeholder");
}

static int
set(const struct custom_flags *f, const struct client *c,
    const struct secret_put *wanted, struct err *err)
{
	struct secret_put p = *wanted;
	struct text binding;
	char *name = name_of(f);
	int code;

	text_init(&binding, BINDING_MAX);
	write_binding(f, &binding);
	p.name = name;
	p.kind = f->certificate ? STORE_CERTIFICATE : "custom";
	p.quiet = f->quiet;
	p.binding = binding.at;
	code = secret_flags_put(&f->secret, c, &p, err);
	if (code == EXIT_DONE && !f->certificate &&
	    !print_placeholder(c, &p, err))
		code = print_failure(err);
	text_done(&binding);
	free(name);
	return code;
}

int
cmd_secret_set_custom(struct call *call)
{
	struct custom_flags *f = call->options;
	struct err err = {.kind = ERR_NONE};
	struct secret_put p = {0};
	struct client c;
	int code;

	if (!f->secret.token)
		f->secret.token = f->value;
	if (!ways_fit(f, &err) || !secret_flags_fit(&f->secret, &err) ||
	    !secret_flags_scope(&f->secret,
		call->operand_count ? call->operands[0] : NULL, &p.scope,
		&err) ||
	    !client_open(&c, &err))
		return print_failure(&err);
	code = set(f, &c, &p, &err);
	client_done(&c);
	return code;
}
