/* hosts.c - /etc/hosts and `dns: hosts:` as one kind of table
 *
 * The file is read by the supervisor and sent here as text: a worker opens
 * nothing. */
#include "gateway/dns/hosts.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/memory.h"

#define LINES_MAX 65536
#define NAME_MAX_LEN 253

struct host {
	char *name;
	struct address *addresses;
	size_t count, capacity;
};

struct hosts {
	struct map *map;
};

static struct hosts *
hosts_new(void)
{
	struct hosts *h = memory_new(sizeof(*h));

	h->map = map_new();
	return h;
}

static void
add(struct hosts *h, struct slice name, const struct address *a)
{
	char lower[NAME_MAX_LEN + 1];
	struct host *host;

	if (name.len > 1 && name.at[name.len - 1] == '.')
		name.len--;
	if (name.len == 0 || name.len > NAME_MAX_LEN)
		return;
	for (size_t i = 0; i < name.len; i++)
		lower[i] = ascii_lower(name.at[i]);
	host = map_get(h->map, (struct slice){lower, name.len});
	if (host == NULL) {
		host = memory_new(sizeof(*host));
		host->name = memory_text_of(lower, name.len);
		map_put(h->map, slice_of(host->name), host);
	}
	host->addresses = memory_room(host->addresses, host->count,
	    &host->capacity, sizeof(*a));
	host->addresses[host->count++] = *a;
}

static struct slice
next_word(struct slice *line)
{
	size_t start = 0, end;

	while (start < line->len &&
	    (line->at[start] == ' ' || line->at[start] == '\t'))
		start++;
	for (end = start; end < line->len && line->at[end] != ' ' &&
	     line->at[end] != '\t' && line->at[end] != '\r';
	     end++)
		;
	struct slice word = {line->at + start, end - start};

	*line = slice_from(*line, end);
	return word;
}

static void
read_line(struct hosts *h, struct slice line)
{
	struct address a;
	struct slice word;

	line = slice_first(line, slice_find(line, '#'));
	word = next_word(&line);
	if (!address_parse(word, &a))
		return;
	for (word = next_word(&line); word.len > 0; word = next_word(&line))
		add(h, word, &a);
}

struct hosts *
hosts_parse(struct slice text)
{
	struct hosts *h = hosts_new();
	struct slice line;

	for (int n = 0; n < LINES_MAX && text.len > 0; n++) {
		slice_cut(text, '\n', &line, &text);
		read_line(h, line);
	}
	return h;
}

struct hosts *
hosts_of_settings(const struct settings *s)
{
	struct hosts *h = hosts_new();

	for (size_t i = 0; i < s->host_count; i++)
		for (size_t k = 0; k < s->hosts[i].address_count; k++)
			add(h, slice_of(s->hosts[i].name),
			    &s->hosts[i].addresses[k]);
	return h;
}

void
hosts_free(struct hosts *h)
{
	struct slice key;
	void *value;

	if (h == NULL)
		return;
	for (size_t at = 0; map_next(h->map, &at, &key, &value);) {
		struct host *host = value;

		free(host->addresses);
		free(host->name);
		free(host);
	}
	map_free(h->map);
	free(h);
}

size_t
hosts_find(const struct hosts *h, const char *name,
    const struct address **addresses)
{
	const struct host *host = h == NULL ? NULL
					    : map_get(h->map, slice_of(name));

	if (host == NULL)
		return 0;
	*addresses = host->addresses;
	return host->count;
}
