/* paths.c - the environment decides where files live */
#include "tests/unit/test.h"

#include "conf/paths.c"

#include <stdio.h>
#include <string.h>

static void
clear(void)
{
	EXPECT(unsetenv("PENSTOCK_HOME") == 0);
	EXPECT(unsetenv("XDG_CONFIG_HOME") == 0);
	EXPECT(unsetenv("XDG_STATE_HOME") == 0);
	EXPECT(unsetenv("XDG_RUNTIME_DIR") == 0);
	EXPECT(setenv("HOME", "/home/u", 1) == 0);
}

static void
become_user(void)
{
	if (geteuid() == 0)
		EXPECT(setresuid(65534, 65534, 65534) == 0);
}

TEST(penstock_home_holds_everything)
{
	struct paths p;

	clear();
	setenv("PENSTOCK_HOME", "/tmp/h", 1);
	EXPECT(paths_find(&p, NULL));
	EXPECT_TEXT(p.config_file, "/tmp/h/config/penstock.yaml");
	EXPECT_TEXT(p.policy_file, "/tmp/h/config/policy.yaml");
	EXPECT_TEXT(p.local_rules, "/tmp/h/state/local-rules.yaml");
	EXPECT_TEXT(p.ca_dir, "/tmp/h/state/ca");
	EXPECT_TEXT(p.journal_dir, "/tmp/h/state/journal");
	EXPECT_TEXT(p.audit_dir, "/tmp/h/state/audit");
	EXPECT_TEXT(p.lock, "/tmp/h/state/lock");
	EXPECT_TEXT(p.control, "/tmp/h/run/control.sock");
	paths_done(&p);
	EXPECT(!p.control);
}

TEST(a_relative_home_is_made_absolute)
{
	struct paths p;

	clear();
	EXPECT(chdir("/tmp") == 0);
	setenv("PENSTOCK_HOME", "h", 1);
	EXPECT(paths_find(&p, NULL));
	EXPECT_TEXT(p.state, "/tmp/h/state");
	paths_done(&p);
}

TEST(root_uses_the_system_directories)
{
	struct paths p;

	if (geteuid() != 0)
		test_skip("not root");
	clear();
	setenv("PENSTOCK_HOME", "", 1);
	setenv("XDG_STATE_HOME", "/elsewhere", 1);
	EXPECT(paths_find(&p, NULL));
	EXPECT_TEXT(p.config, "/etc/penstock");
	EXPECT_TEXT(p.state, "/var/lib/penstock");
	EXPECT_TEXT(p.run, "/run/penstock");
	paths_done(&p);
}

TEST(a_user_has_xdg_directories)
{
	struct paths p;

	clear();
	become_user();
	EXPECT(paths_find(&p, NULL));
	EXPECT_TEXT(p.config, "/home/u/.config/penstock");
	EXPECT_TEXT(p.state, "/home/u/.local/state/penstock");
	EXPECT_TEXT(p.run, "/run/penstock");
	paths_done(&p);
	setenv("XDG_CONFIG_HOME", "/c", 1);
	setenv("XDG_STATE_HOME", "relative", 1);
	setenv("XDG_RUNTIME_DIR", "/run/user/7", 1);
	EXPECT(paths_find(&p, NULL));
	EXPECT_TEXT(p.config, "/c/penstock");
	EXPECT_TEXT(p.state, "/home/u/.local/state/penstock");
	EXPECT_TEXT(p.run, "/run/user/7/penstock");
	paths_done(&p);
}

TEST(without_any_home_there_is_an_error)
{
	struct paths p;
	struct err err = {0};

	clear();
	become_user();
	unsetenv("HOME");
	EXPECT(!paths_find(&p, &err));
	EXPECT(strstr(err.text, "set HOME or PENSTOCK_HOME"));
}
