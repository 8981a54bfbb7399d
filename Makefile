# Penstock - GNU make; `make help` lists the targets, V=1 shows commands, ERR=1
# makes warnings errors, SAN=1 builds with sanitizers into build/san.
CC       ?= cc
BUILD    ?= build
PREFIX   ?= /usr/local
BINDIR   ?= $(PREFIX)/bin
MANDIR   ?= $(PREFIX)/share/man
SYSTEMDUNITDIR ?= $(PREFIX)/lib/systemd/system
SHAREDIR ?= $(PREFIX)/share/penstock
BASHCOMPDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHCOMPDIR  ?= $(PREFIX)/share/zsh/site-functions
FUZZ_SECONDS ?= 10
VERSION  := 0.1.0
COMMIT   := $(shell git rev-parse --short HEAD 2>/dev/null)
MAKEFLAGS += --no-print-directory

LIBS_PKG := openssl libcares yaml-0.1 jansson libidn2 libxxhash libpsl libnghttp2 zlib libbrotlidec libzstd
ALL_CPPFLAGS := -I. -D_GNU_SOURCE -DPENSTOCK_VERSION='"$(VERSION)"' \
              $(shell pkg-config --cflags $(LIBS_PKG) 2>/dev/null) $(CPPFLAGS)
LIBS     := $(shell pkg-config --libs $(LIBS_PKG) 2>/dev/null || \
              echo -lssl -lcrypto -lcares -lyaml -ljansson -lidn2 -lxxhash -lpsl -lnghttp2 -lz -lbrotlidec -lzstd) -lev -lm -lpthread $(LDLIBS)

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes \
  -Wmissing-prototypes -Wcast-qual -Wformat=2 -Wundef -Wvla -Wimplicit-fallthrough \
  -Wpointer-arith -Wwrite-strings
HARDEN   := -fstack-protector-strong -fstack-clash-protection -fPIE
CFLAGS   ?= -O2 -g
OUT      := $(BUILD)
ifeq ($(FUZZ),1)
  OUT    := $(BUILD)/fuzz
  SANITIZE := fuzzer-no-link,address,undefined
else ifeq ($(SAN),1)
  OUT    := $(BUILD)/san
  SANITIZE := address,undefined
else
  HARDEN += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
endif
SANITIZER := $(if $(SANITIZE),-O1 -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer)
WARNINGS += $(if $(filter 1,$(ERR)),-Werror)
ALL_CFLAGS = -std=gnu17 $(WARNINGS) $(HARDEN) $(CFLAGS) $(SANITIZER)
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now,-z,noexecstack $(SANITIZER) $(LDFLAGS)
COMPILE  = $(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -MT $@ -MF $(basename $@).d
LINK     = $(CC) $(ALL_LDFLAGS) -o $@
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-5s %s\n' $(1) $(2))
objects = $(patsubst %.c,$(OUT)/obj/%.o,$(1))

FOLDERS  := base rules conf audit gateway/net gateway/tls gateway/http gateway/scrub gateway/dns gateway gateway/cli
SOURCES  := $(foreach d,$(FOLDERS),$(wildcard $(d)/*.c))
MAIN     := gateway/cli/main.c
LIBRARY  := $(OUT)/libpenstock.a
PROGRAMS := $(if $(wildcard $(MAIN)),$(OUT)/penstock) $(if $(wildcard vmlaunch/main.c),$(OUT)/vmlaunch)
.PHONY: FORCE all units sims replays fuzzers provers mutants check test run fuzz bench lint format format-check compdb \
  install uninstall clean help
.SECONDARY:
all: $(PROGRAMS) ; @:			## build build/penstock and build/vmlaunch (default)

$(OUT)/penstock: $(call objects,$(MAIN)) $(LIBRARY)
$(OUT)/vmlaunch: $(call objects,$(wildcard vmlaunch/*.c)) $(LIBRARY)
$(OUT)/penstock $(OUT)/vmlaunch:
	$(call say,LD,$@)
	$(Q)$(LINK) $^ $(LIBS)

$(LIBRARY): $(call objects,$(filter-out $(MAIN),$(SOURCES)))
$(OUT)/libtest.a: $(OUT)/obj/tests/unit/test.o
$(OUT)/lib%.a:
	$(call say,AR,$@)
	$(Q)mkdir -p $(@D) && rm -f $@ && ar rcs $@ $^

$(OUT)/obj/%.o: %.c $(OUT)/flags
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(COMPILE) -c -o $@ $<

# Other flags, another compiler or commit: what is affected is built again.
stamp = @mkdir -p $(@D); echo '$(subst ','\'',$(1))' | cmp -s - $@ || echo '$(subst ','\'',$(1))' >$@
$(OUT)/flags: FORCE
	$(call stamp,$(filter-out -Werror,$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) $(ALL_LDFLAGS)))
$(OUT)/commit: FORCE
	$(call stamp,$(COMMIT))
NAMES_COMMIT := $(call objects,$(shell grep -ls PENSTOCK_COMMIT $(SOURCES) $(wildcard vmlaunch/*.c) /dev/null))
$(NAMES_COMMIT): $(OUT)/commit
$(NAMES_COMMIT): COMPILE += -DPENSTOCK_COMMIT='"$(COMMIT)"'

# Unit tests: tests/unit/DIR/x.c includes DIR/x.c, so statics are reachable;
# the library's x.o then stays out of the program. Simulations: test_*.c with
# the rest of tests/sim/, whose loop stands in for gateway/net/loop.c likewise.
# Replayers: each fuzzer over the seeds we keep.
UNITS    := $(patsubst tests/%.c,$(OUT)/%,$(shell find tests/unit -name '*.c' ! -path tests/unit/test.c 2>/dev/null | sort))
SIM_SHARED := $(call objects,$(filter-out tests/sim/test_%,$(wildcard tests/sim/*.c)))
SIMS     := $(patsubst tests/sim/%.c,$(OUT)/sim/%,$(sort $(wildcard tests/sim/test_*.c)))
FUZZERS  := $(patsubst fuzz/%.c,$(OUT)/%,$(sort $(wildcard fuzz/fuzz_*.c)))
PROVERS  := $(patsubst tests/%.c,$(OUT)/%,$(sort $(wildcard tests/prove/*.c)))
REPLAYS  := $(patsubst fuzz/fuzz_%.c,$(OUT)/replay/%,$(sort $(wildcard fuzz/fuzz_*.c)))
$(OUT)/unit/%: tests/unit/%.c $(OUT)/flags $(OUT)/libtest.a $(LIBRARY)
	$(call say,UNIT,$@)
	$(Q)mkdir -p $(@D) && $(COMPILE) -MF $@.d -o $@ $< $(ALL_LDFLAGS) $(filter %.a,$^) $(LIBS)
$(OUT)/sim/%: $(OUT)/obj/tests/sim/%.o $(SIM_SHARED) $(OUT)/libtest.a $(LIBRARY)
	$(call say,SIM,$@)
	$(Q)mkdir -p $(@D) && $(LINK) $^ $(LIBS)
$(OUT)/prove/%: $(OUT)/obj/tests/prove/%.o $(LIBRARY)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D) && $(LINK) $^ $(LIBS)
$(OUT)/replay/%: $(OUT)/obj/fuzz/fuzz_%.o $(OUT)/obj/fuzz/replay.o $(LIBRARY)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D) && $(LINK) $^ $(LIBS)
$(OUT)/fuzz_%: $(OUT)/obj/fuzz/fuzz_%.o $(LIBRARY)
	$(call say,FUZZ,$@)
	$(Q)$(LINK) -fsanitize=fuzzer $^ $(LIBS)

mutants:				## put faults into the rules, one by one; their tests must fail
	$(Q)tests/mutants/run
units: $(UNITS) ; @:			## build the unit tests (SAN=1: with sanitizers)
sims: $(SIMS) ; @:			## build the simulations
replays: $(REPLAYS) ; @:
provers: $(PROVERS) ; @:		## build what proves the rules: build/prove/pairs COUNT SEED
fuzzers: $(FUZZERS) ; @:

# As many jobs as there are processors, unless -j was given.
AGAIN = $(Q)$(MAKE) $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc))
# Units, simulations and replayers run with sanitizers unless SAN=0.
CHECK_OUT := $(BUILD)$(if $(filter 0,$(SAN)),,/san)
check:					## run every test; installs nothing
	$(AGAIN) all
	$(AGAIN) SAN=$(if $(filter 0,$(SAN)),0,1) units sims replays
	$(Q)PENSTOCK_BUILD=$(OUT) tools/run-tests $(patsubst $(OUT)/%,$(CHECK_OUT)/%,$(UNITS) $(SIMS) $(REPLAYS)) \
	  $(sort $(shell find tests/e2e -maxdepth 1 -type f -perm -u+x 2>/dev/null))
test:					## install what the tests need, then check
	$(Q)tools/install-packages build test
	$(Q)$(MAKE) check
run:					## install what is missing, build, start a gateway on 127.0.0.1:3128
	$(Q)tools/install-packages build
	$(AGAIN) all
	$(Q)tools/run $(OUT)/penstock
fuzz:					## run each fuzzer for FUZZ_SECONDS=10 (clang)
	$(AGAIN) FUZZ=1 CC=clang fuzzers
	$(Q)tools/run-fuzzers $(BUILD)/fuzz $(FUZZ_SECONDS)
bench: all				## measure (bench/run)
	$(Q)if [ -x bench/run ]; then bench/run; else echo 'bench: nothing to measure in bench/ yet'; fi
lint: compdb				## layers, docs, names, scripts, man pages, cppcheck, clang-tidy, format
	$(Q)tools/lint

FORMATTED = $(shell git ls-files '*.c' '*.h' 2>/dev/null)
format:					## lay out all C code with clang-format 14
	$(Q)clang-format -i $(FORMATTED)
format-check:				## fail where `make format` would change something
	$(Q)! clang-format --dry-run $(FORMATTED) 2>&1 | sed -n 's/:[0-9]*:[0-9]*: warning: code.*//p' | sort | uniq -c | grep .
compdb:					## write compile_commands.json for editors and clang-tidy
	$(Q)tools/compile-commands '$(CURDIR)' '$(subst ','\'',$(CC) $(ALL_CPPFLAGS) \
	  -DPENSTOCK_COMMIT='"$(COMMIT)"' $(ALL_CFLAGS))' $(SOURCES) $(wildcard vmlaunch/*.c tests/sim/*.c) >compile_commands.json

COMPLETION := $(if $(wildcard gateway/cli/commands.def),$(OUT)/completion/bash/penstock $(OUT)/completion/zsh/_penstock)
$(OUT)/completion/%: $(OUT)/penstock
	$(Q)mkdir -p $(@D) && $< completion $(firstword $(subst /, ,$*)) >$@.new && mv $@.new $@
UNITFILES := $(patsubst dist/%,$(OUT)/%,$(wildcard dist/systemd/*.*))
$(OUT)/systemd/%: dist/systemd/% FORCE
	$(Q)mkdir -p $(@D) && sed 's|/usr/local/bin|$(BINDIR)|g' $< >$@
# put/drop FOLDER, FILES, MODE: nothing where there are no files.
put = $(if $(strip $(2)),$(Q)install -d '$(DESTDIR)$(1)' && install -m $(3) $(2) '$(DESTDIR)$(1)')
drop = $(if $(strip $(2)),$(Q)rm -f $(foreach f,$(notdir $(2)),'$(DESTDIR)$(1)/$(f)'))
define everywhere
	$(call $(1),$(BINDIR),$(PROGRAMS),755)
	$(call $(1),$(MANDIR)/man1,$(wildcard man/*.1),644)
	$(call $(1),$(MANDIR)/man5,$(wildcard man/*.5),644)
	$(call $(1),$(SYSTEMDUNITDIR),$(UNITFILES),644)
	$(call $(1),$(SHAREDIR),dist/git/pre-commit dist/ci/policy-review,755)
	$(call $(1),$(SHAREDIR),$(wildcard dist/git/*.yaml dist/ci/*.yml),644)
	$(call $(1),$(BASHCOMPDIR),$(filter %/penstock,$(COMPLETION)),644)
	$(call $(1),$(ZSHCOMPDIR),$(filter %/_penstock,$(COMPLETION)),644)
endef
install: all $(COMPLETION) $(UNITFILES)		## install below PREFIX (/usr/local), DESTDIR in front of it
	$(call everywhere,put)
uninstall:				## remove what install put there
	$(call everywhere,drop)
clean:					## remove build/
	$(Q)rm -rf $(BUILD) compile_commands.json
help:					## show this
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22

-include $(patsubst %.o,%.d,$(call objects,$(SOURCES) $(wildcard vmlaunch/*.c tests/sim/*.c tests/prove/*.c fuzz/*.c) tests/unit/test.c)) \
  $(addsuffix .d,$(UNITS))
