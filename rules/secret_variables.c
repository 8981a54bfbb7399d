/* secret_variables.c - in which of a guest's variables a placeholder may stand
 */
#include "rules/secret_binding.h"

#include "base/check.h"

static bool
is_meant(struct slice name, const char *pattern)
{
	struct slice p = slice_of(pattern);

	if (p.at[p.len - 1] != '*')
		return slice_equal(name, p);
	p.len--;
	return slice_equal(slice_first(name, p.len), p);
}

bool
secret_variable_is_valid(struct slice name, const char **who)
{
	static const struct {
		const char *pattern, *who;
	} taken[] = {
#define VARIABLE(pattern, who) {pattern, who},
#include "rules/secret_variables.def"
#undef VARIABLE
	};

	*who = NULL;
	if (!secret_env_is_valid(name))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(taken); i++)
		if (is_meant(name, taken[i].pattern)) {
			*who = taken[i].who;
			return false;
		}
	return true;
}
