/* hosts.h - names that are answered without a query */
#ifndef GATEWAY_DNS_HOSTS_H
#define GATEWAY_DNS_HOSTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/address.h"
#include "base/slice.h"
#include "conf/settings.h"

struct hosts;

/* Of the text of /etc/hosts (hosts(5)); lines that do not parse are passed
 * over, names are lower-cased. At most 65,536 lines are read. */
struct hosts *hosts_parse(struct slice text);
/* Of `dns: hosts:`. */
struct hosts *hosts_of_settings(const struct settings *s);
void hosts_free(struct hosts *h); /* NULL is fine */
/* The addresses of a canonical name, or 0. They live as long as the table. */
size_t hosts_find(const struct hosts *h, const char *name,
    const struct address **addresses);

#endif
