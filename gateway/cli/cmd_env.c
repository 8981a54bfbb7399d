/* cmd_env.c - penstock env: the variables that point a shell at the gate
 *
 *	eval "$(penstock env)"
 *
 * The proxy, the certificates that make clients trust what the gateway shows
 * them, and for each secret what a guest holds in its place: never a value. The
 * output is fed to a shell, so every value is quoted, and nothing but the
 * gateway's own answers and files goes into it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "gateway/cli/client.h"
#include "gateway/cli/command.h"
#include "gateway/cli/placeholders.h"
#include "gateway/cli/print.h"
#include "gateway/cli/variables.h"
#include "gateway/control.h"

#define URL_MAX 4096
/* One's own services are reached directly, as from inside a sandbox; those of
 * the host have the name host.docker.internal. */
#define NO_PROXY "localhost,127.0.0.1,::1"

struct env_flags {
	const char *sandbox, *shell;
	bool json;
};

OPTIONS(env, struct env_flags,
    OPT_TEXT(struct env_flags, sandbox, "sandbox", 's', "NAME",
	"be this sandbox: by its own listener or its token"),
    OPT_TEXT(struct env_flags, shell, "shell", 0, "sh|fish|json",
	"for which shell, or as one JSON object; the default is sh"),
    OPT_FLAG(struct env_flags, json, "json", 'j', "as --shell json"));

static void
add(struct variables *v, const char *name, const char *value)
{
	variables_add(v, slice_of(name), value);
}

static void
add_proxy(struct variables *v, const char *url)
{
	static const char *const proxies[] = {"HTTP_PROXY", "HTTPS_PROXY",
	    "http_proxy", "https_proxy", "grpc_proxy"};

	for (size_t i = 0; i < ARRAY_SIZE(proxies); i++)
		add(v, proxies[i], url);
	add(v, "NO_PROXY", NO_PROXY);
	add(v, "no_proxy", NO_PROXY);
	add(v, "NODE_USE_ENV_PROXY", "1");
}

/* --- certificates --- */

/* The file that the gateway names, or NULL with a note: a client that was told
 * of a file it cannot read would trust nobody. */
static const char *
readable(const json_t *ca, const char *key)
{
	const char *path = json_string_value(json_object_get(ca, key));

	if (path && access(path, R_OK) == 0)
		return path;
	fprintf(stderr,
	    "penstock: note: %s cannot be read: clients will not trust the "
	    "certificates of the gateway\n",
	    path ? path : "the CA certificate");
	return NULL;
}

static void
add_files(struct variables *v, const json_t *ca)
{
	const char *trust = readable(ca, "trust");
	const char *bundle = trust ? readable(ca, "bundle") : NULL;

	if (!trust || !bundle)
		return;
#define ADDED(name, who) add(v, name, trust);
#define REPLACED(name, who) add(v, name, bundle);
#include "conf/ca_variables.def"
#undef ADDED
#undef REPLACED
}

/* Of the CA that signs for the sandbox: its own, or the shared one. */
static bool
add_certificates(struct variables *v, const struct client *c,
    const char *sandbox, struct err *err)
{
	json_t *ca = client_ask(c,
	    json_pack("{s:s, s:o}", "verb", "ca-files", "sandbox",
		sandbox ? control_text(sandbox) : json_null()),
	    NULL, err);

	if (ca)
		add_files(v, ca);
	json_decref(ca);
	return ca != NULL;
}

/* --- placeholders --- */

static bool
add_placeholders(struct variables *v, const struct client *c,
    const char *sandbox, struct err *err)
{
	json_t *list = placeholders_read(c, sandbox ? sandbox : "default", err);

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *one = json_array_get(list, i);
		const json_t *env = json_object_get(one, "env");
		const char *placeholder = json_string_value(json_object_get(one,
		    "placeholder"));

		for (size_t n = 0; placeholder && n < json_array_size(env); n++)
			add(v, json_string_value(json_array_get(env, n)),
			    placeholder);
	}
	json_decref(list);
	return list != NULL;
}

/* --- the proxy's URL --- */

/* Nobody connects to "every address": this machine's own stands for it. */
static void
add_dialable(struct text *url, const struct address *listener)
{
	struct address a = *listener;
	static const uint8_t none[16];
	char text[ADDRESS_TEXT];

	if (!memcmp(a.bytes, none, sizeof(none)))
		a.bytes[a.family == 4 ? 0 : 15] = a.family == 4 ? 127 : 1;
	if (a.family == 4 && a.bytes[0] == 127 && !a.bytes[3])
		a.bytes[3] = 1;
	address_format_with_port(&a, text);
	text_add(url, text);
}

static void
add_percent(struct text *url, const char *s)
{
	for (; *s; s++)
		if (strchr("-._~", *s) || (*s >= '0' && *s <= '9') ||
		    (ascii_lower(*s) >= 'a' && ascii_lower(*s) <= 'z'))
			text_add_char(url, *s);
		else
			text_add_format(url, "%%%02X", (uint8_t)*s);
}

/* The first TCP listener in a list of texts. */
static bool
first_listener(const json_t *list, struct address *a)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));

		if (text && address_parse_with_port(slice_of(text), a))
			return true;
	}
	return false;
}

/* The listeners of the sandbox `name` in the status, or NULL. */
static const json_t *
sandbox_listeners(const json_t *status, const char *name)
{
	const json_t *list = json_object_get(status, "sandboxes");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *item = json_array_get(list, i);
		const char *is = json_string_value(json_object_get(item,
		    "name"));

		if (is && !strcmp(is, name))
			return json_object_get(item, "listeners");
	}
	return NULL;
}

static const struct sandbox_setting *
find_setting(const struct settings *s, const char *name)
{
	for (size_t i = 0; i < s->sandbox_count; i++)
		if (!strcmp(s->sandboxes[i].name, name))
			return &s->sandboxes[i];
	return NULL;
}

static bool
own_listener(const struct sandbox_setting *set, struct address *a)
{
	for (size_t i = 0; set && i < set->listen_count; i++) {
		*a = set->listen[i].address;
		if (a->family && a->port && !set->listen[i].tls)
			return true;
	}
	return false;
}

/* http://[NAME:TOKEN@]HOST:PORT */
static bool
make_url(const json_t *status, const struct settings *s, const char *sandbox,
    struct text *url, struct err *err)
{
	const struct sandbox_setting *set = sandbox ? find_setting(s, sandbox)
						    : NULL;
	struct address a;
	bool own = sandbox &&
	    (first_listener(sandbox_listeners(status, sandbox), &a) ||
		own_listener(set, &a));

	if (sandbox && !own && (!set || !set->token))
		return err_set(err, ERR_USAGE,
		    "the sandbox \"%s\" has "
		    "neither a TCP listener nor a token: see sandboxes: in "
		    "penstock.yaml",
		    sandbox);
	if (!own && !first_listener(json_object_get(status, "listeners"), &a))
		return err_set(err, ERR_OTHER,
		    "the gateway has no TCP "
		    "listener");
	text_add(url, "http://");
	if (sandbox && !own) {
		add_percent(url, sandbox);
		text_add_char(url, ':');
		add_percent(url, set->token);
		text_add_char(url, '@');
	}
	add_dialable(url, &a);
	return true;
}

static bool
collect(const struct client *c, const char *sandbox, struct variables *v,
    struct err *err)
{
	json_t *answer = client_ask_verb(c, "status", NULL, err), *status;
	struct settings settings;
	struct text url;
	bool done;

	if (!answer)
		return false;
	status = json_object_get(answer, "status");
	done = client_settings_live(c, status, &settings, err);
	if (done) {
		text_init(&url, URL_MAX);
		done = make_url(status, &settings, sandbox, &url, err);
		settings_done(&settings);
		if (done)
			add_proxy(v, url.at);
		text_done(&url);
	}
	json_decref(answer);
	return done && add_certificates(v, c, sandbox, err) &&
	    add_placeholders(v, c, sandbox, err);
}

static int
run(const struct client *c, const struct env_flags *f)
{
	const char *sandbox = f->sandbox;
	struct variables v = {0};
	enum shell shell = SHELL_SH;
	struct err err = {.kind = ERR_NONE};
	bool done = true;

	if (sandbox && !strcmp(sandbox, "default"))
		sandbox = NULL;
	if (f->shell || f->json)
		done = shell_read(f->shell ? f->shell : "json", &shell, &err);
	done = done && collect(c, sandbox, &v, &err);
	if (done)
		variables_print(&v, shell, stdout);
	variables_done(&v);
	return done ? EXIT_DONE : print_failure(&err);
}

int
cmd_env(struct call *call)
{
	struct client c;
	struct err err;
	int code;

	if (!client_open(&c, &err))
		return print_failure(&err);
	code = run(&c, call->options);
	client_done(&c);
	return code;
}
