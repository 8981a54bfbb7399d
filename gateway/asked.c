/* asked.c - one target, whatever names stand in a message */
#include "gateway/asked.h"

#include "gateway/http/h1_parse.h"

#define HTTP_PORT 80
#define HTTPS_PORT 443

/* Is this form of the request line served here? NULL: yes. */
static const char *
judge_form(const struct request_target *rt, bool in_tunnel, bool is_tls)
{
	if (rt->form == FORM_AUTHORITY)
		return "CONNECT inside a tunnel is not served";
	if (rt->form != FORM_ABSOLUTE && !in_tunnel)
		return "this is a proxy: the request target must be absolute, "
		       "http://HOST/PATH";
	if (rt->form == FORM_ABSOLUTE && rt->is_https && !is_tls)
		return "https:// goes through CONNECT, not through an "
		       "absolute-form request";
	if (rt->form == FORM_ABSOLUTE && !rt->is_https && is_tls)
		return "http:// inside TLS names another resource";
	return NULL;
}

const char *
asked_read(const struct head *head, const struct target *tunnel, bool is_tls,
    char *room, struct asked *asked)
{
	uint16_t default_port = is_tls ? HTTPS_PORT : HTTP_PORT;
	struct request_target rt;
	struct target named;
	enum h1_error error;
	const char *why;

	*asked = (struct asked){0};
	if (!request_target_parse(head->method, head->target, room, &rt,
		&error))
		return h1_error_text(error);
	why = judge_form(&rt, tunnel != NULL, is_tls);
	if (why != NULL)
		return why;
	if (rt.form != FORM_ABSOLUTE)
		asked->target = *tunnel;
	else if (!target_parse(rt.authority, default_port, &asked->target,
		     &why))
		return why;
	asked->has_target = true;
	asked->path = rt.path;
	asked->query = rt.query;
	asked->is_misdirected = true;
	if (tunnel != NULL && !target_same(&asked->target, tunnel))
		return "the request names another resource than its tunnel";
	if (head->has_host &&
	    (!target_parse(head->host,
		 tunnel != NULL ? tunnel->port : default_port, &named, &why) ||
		!target_same(&named, &asked->target))) {
		asked->is_misdirected = tunnel != NULL;
		return "the Host field and the request target name different "
		       "resources";
	}
	asked->is_misdirected = false;
	return NULL;
}
