/* services.c - the services that are known by name */
#include "conf/services.h"

#include <string.h>

#include "base/check.h"

static const struct service services[] = {
#define SERVICE(name, title, env, placeholder) {#name, title, env, placeholder},
#define GOES(name, way, header, text, rank, hosts)
#define ALSO(name, header, text)
#include "conf/services.def"
#undef SERVICE
#undef GOES
#undef ALSO
};

static const struct service_way ways[] = {
#define SERVICE(name, title, env, placeholder)
#define GOES(name, way, header, text, rank, hosts)                             \
	{#name, way, header, text, rank, hosts},
#define ALSO(name, header, text)
#include "conf/services.def"
#undef SERVICE
#undef GOES
#undef ALSO
};

static const struct service_also others[] = {
#define SERVICE(name, title, env, placeholder)
#define GOES(name, way, header, text, rank, hosts)
#define ALSO(name, header, text) {#name, header, text},
#include "conf/services.def"
#undef SERVICE
#undef GOES
#undef ALSO
};

size_t
service_count(void)
{
	return ARRAY_SIZE(services);
}

const struct service *
service_at(size_t index)
{
	CHECK(index < ARRAY_SIZE(services));
	return &services[index];
}

const struct service *
service_find(struct slice name)
{
	for (size_t i = 0; i < ARRAY_SIZE(services); i++)
		if (slice_is(name, services[i].name))
			return &services[i];
	return NULL;
}

const struct service_way *
service_next_way(const struct service *s, size_t *at)
{
	while (*at < ARRAY_SIZE(ways)) {
		const struct service_way *w = &ways[(*at)++];

		if (strcmp(w->service, s->name) == 0)
			return w;
	}
	return NULL;
}

const struct service_also *
service_also(const struct service *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (strcmp(others[i].service, s->name) == 0)
			return &others[i];
	return NULL;
}

bool
service_next_host(struct slice *rest, struct slice *host)
{
	if (rest->len == 0)
		return false;
	slice_cut(*rest, ' ', host, rest);
	return true;
}
