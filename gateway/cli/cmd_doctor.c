/* cmd_doctor.c - penstock doctor: can this machine run the gateway?
 *
 * Every check is one function with one sentence; none changes anything that
 * would not be made at the gateway's first start. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "gateway/cli/client.h"
#include "gateway/cli/command.h"
#include "gateway/cli/print.h"
#include "gateway/confine.h"
#include "gateway/control.h"

#define SAY_MAX 1024
#define DESCRIPTORS_WANTED 4096

struct doctor_flags {
	bool json;
};

OPTIONS(doctor, struct doctor_flags,
    OPT_FLAG(struct doctor_flags, json, "json", 'j', "print one JSON object"));

/* A patient: what the checks look at. */
struct patient {
	struct client client;
	json_t *status; /* of the running gateway; NULL: none runs */
	struct settings settings;
	bool has_settings;
};

enum health { HEALTHY, DOUBTFUL, ILL };

static enum health
check_gateway(struct patient *p, struct text *say)
{
	struct err err = {.kind = ERR_NONE};
	json_t *answer = client_ask_verb(&p->client, "status", NULL, &err);

	p->status = json_incref(json_object_get(answer, "status"));
	json_decref(answer);
	if (p->status) {
		text_add(say, "running and answering");
		return HEALTHY;
	}
	if (err.kind == ERR_NOT_RUNNING) {
		text_add(say, "not running");
		return HEALTHY;
	}
	text_add(say, err.text);
	return ILL;
}

static bool
read_settings(struct patient *p, struct err *err)
{
	return p->status
	    ? client_settings_live(&p->client, p->status, &p->settings, err)
	    : client_settings(&p->client, &p->settings, err);
}

static enum health
check_configuration(struct patient *p, struct text *say)
{
	struct err err;

	p->has_settings = read_settings(p, &err);
	if (!p->has_settings) {
		text_add(say, err.text);
		return ILL;
	}
	text_add(say,
	    p->settings.file ? p->settings.file : "none, so the defaults hold");
	return HEALTHY;
}

static enum health
check_policy(struct patient *p, struct text *say)
{
	struct judge judge;
	struct err err;
	bool none;

	if (!judge_open(&p->client, &judge, &err)) {
		text_add(say, err.text);
		return ILL;
	}
	none = image_is_no_policy(judge.image);
	text_add_format(say, "%u rules%s", image_rule_count(judge.image),
	    none ? ": there is no policy; penstock policy init balanced" : "");
	judge_close(&judge);
	return none ? DOUBTFUL : HEALTHY;
}

/* A directory that is missing is made at the gateway's start, in the nearest
 * one that is there. */
static bool
is_writable(const char *path, struct text *say)
{
	char *at = memory_text(path), *slash;
	bool done;

	while (access(at, F_OK) == -1 && (slash = strrchr(at, '/')) &&
	    slash != at)
		*slash = '\0';
	done = access(at, W_OK | X_OK) == 0;
	if (!done)
		text_add_format(say, "%s: %s ", at, strerror(errno));
	free(at);
	return done;
}

static enum health
check_directories(struct patient *p, struct text *say)
{
	const struct paths *paths = &p->client.paths;
	bool state = is_writable(paths->state, say);
	bool run = is_writable(paths->run, say);

	if (state && run)
		text_add_format(say, "%s and %s", paths->state, paths->run);
	return state && run ? HEALTHY : ILL;
}

static bool
can_listen(const struct address *a)
{
	struct sockaddr_storage to;
	socklen_t len = address_to_sockaddr(a, &to);
	int on = 1,
	    fd = socket(a->family == 4 ? AF_INET : AF_INET6,
		SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool done;

	if (fd == -1)
		return false;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	done = bind(fd, (struct sockaddr *)&to, len) == 0;
	close(fd);
	return done;
}

static enum health
check_listeners(struct patient *p, struct text *say)
{
	enum health health = HEALTHY;
	char text[256];

	if (!p->has_settings)
		return DOUBTFUL;
	for (size_t i = 0; i < p->settings.listen_count; i++) {
		const struct listen_setting *l = &p->settings.listen[i];

		listen_setting_format(l, text, sizeof(text));
		text_add_format(say, "%s%s", i ? ", " : "", text);
		if (p->status || !l->address.family || can_listen(&l->address))
			continue;
		text_add_format(say, " (%s)", strerror(errno));
		health = ILL;
	}
	return health;
}

static enum health
check_landlock(struct patient *p, struct text *say)
{
	int version = confine_landlock();

	(void)p;
	if (version) {
		text_add_format(say, "version %d", version);
		return HEALTHY;
	}
	text_add(say, "not in this kernel: workers are confined less");
	return DOUBTFUL;
}

static enum health
check_descriptors(struct patient *p, struct text *say)
{
	struct rlimit limit;

	(void)p;
	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		return DOUBTFUL;
	text_add_format(say, "up to %llu for each process",
	    (unsigned long long)limit.rlim_max);
	return limit.rlim_max < DESCRIPTORS_WANTED ? DOUBTFUL : HEALTHY;
}

static enum health
check_resolver(struct patient *p, struct text *say)
{
	if (p->has_settings && p->settings.dns_server_count) {
		text_add(say, "dns: servers: of the configuration");
		return HEALTHY;
	}
	if (access("/etc/resolv.conf", R_OK) == 0) {
		text_add(say, "/etc/resolv.conf");
		return HEALTHY;
	}
	text_add(say, "/etc/resolv.conf cannot be read: 127.0.0.1 is asked");
	return DOUBTFUL;
}

static enum health
check_vmlaunch(struct patient *p, struct text *say)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	(void)p;
	if (fd != -1) {
		close(fd);
		text_add(say, "/dev/kvm can be used");
		return HEALTHY;
	}
	text_add_format(say,
	    "/dev/kvm: %s: sandboxes would be slow; the "
	    "gateway does not need it",
	    strerror(errno));
	return DOUBTFUL;
}

static const struct {
	const char *name;
	enum health (*check)(struct patient *p, struct text *say);
} checks[] = {
    {"gateway", check_gateway},
    {"configuration", check_configuration},
    {"directories", check_directories},
    {"policy", check_policy},
    {"listeners", check_listeners},
    {"resolver", check_resolver},
    {"descriptors", check_descriptors},
    {"landlock", check_landlock},
    {"kvm", check_vmlaunch},
};

static const char *
health_text(enum health h)
{
	switch (h) {
	case HEALTHY:
		return "ok";
	case DOUBTFUL:
		return "note";
	case ILL:
		return "failed";
	}
	return "";
}

static void
print_one(const char *name, enum health h, const char *say)
{
	printf("%s%-6s%s  %-14s ",
	    colour(stdout,
		h == ILL	   ? COLOUR_RED
		    : h == HEALTHY ? COLOUR_GREEN
				   : COLOUR_BOLD),
	    health_text(h), colour(stdout, COLOUR_NONE), name);
	print_safe(stdout, say);
	putchar('\n');
}

static size_t
examine(struct patient *p, json_t *results)
{
	size_t ill = 0;

	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		enum health h;
		struct text say;

		text_init(&say, SAY_MAX);
		h = checks[i].check(p, &say);
		ill += h == ILL;
		if (results)
			json_array_append_new(results,
			    json_pack("{s:s, s:s, s:o}", "name", checks[i].name,
				"result", health_text(h), "detail",
				control_text(say.at)));
		else
			print_one(checks[i].name, h, say.at);
		text_done(&say);
	}
	return ill;
}

int
cmd_doctor(struct call *call)
{
	const struct doctor_flags *flags = call->options;
	json_t *results = flags->json ? json_array() : NULL;
	struct patient p = {.has_settings = false};
	struct err err;
	size_t ill;

	if (!client_open(&p.client, &err))
		return print_failure(&err);
	ill = examine(&p, results);
	if (results)
		print_json(json_pack("{s:b, s:o}", "healthy", ill == 0,
		    "checks", results));
	else
		printf("%zu of %zu checks failed\n", ill, ARRAY_SIZE(checks));
	if (p.has_settings)
		settings_done(&p.settings);
	json_decref(p.status);
	client_done(&p.client);
	return ill ? EXIT_NO : EXIT_DONE;
}
