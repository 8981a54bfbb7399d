# Penstock - GNU make; `make help` lists the targets, `make V=1` shows commands
CC      ?= cc
PREFIX  ?= /usr/local
BUILD   ?= build
VERSION := 0.1.0
COMMIT  := $(shell git rev-parse --short HEAD 2>/dev/null)

LIBS_PKG := openssl libcares yaml-0.1 libnghttp2 jansson libidn2
CPPFLAGS += -I. -D_GNU_SOURCE -DPENSTOCK_VERSION='"$(VERSION)"' \
            -DPENSTOCK_COMMIT='"$(COMMIT)"' $(shell pkg-config --cflags $(LIBS_PKG) 2>/dev/null)
LDLIBS   += $(shell pkg-config --libs $(LIBS_PKG) 2>/dev/null || \
              echo -lssl -lcrypto -lcares -lyaml -lnghttp2 -ljansson -lidn2) -lev -lm

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes \
  -Wmissing-prototypes -Wcast-qual -Wformat=2 -Wundef -Wvla -Wimplicit-fallthrough \
  -Wpointer-arith -Wwrite-strings
HARDEN   := -fstack-protector-strong -fstack-clash-protection -fPIE
CFLAGS   ?= -O2 -g
ifeq ($(SAN),1)
  OUT    := $(BUILD)/san
  CFLAGS += -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
  LDSAN  := -fsanitize=address,undefined
else
  OUT    := $(BUILD)
  CPPFLAGS += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
endif
ifeq ($(ERR),1)
  WARNINGS += -Werror
endif
ALL_CFLAGS = -std=gnu17 $(WARNINGS) $(HARDEN) $(CFLAGS)
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now,-z,noexecstack $(LDSAN) $(LDFLAGS)
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-5s %s\n' $(1) $(2))

FOLDERS  := base rules conf audit gateway/net gateway/tls gateway/http gateway/dns gateway gateway/cli
SOURCES  := $(foreach d,$(FOLDERS),$(wildcard $(d)/*.c))
MAINS    := gateway/cli/main.c
OBJECTS  := $(patsubst %.c,$(OUT)/obj/%.o,$(filter-out $(MAINS),$(SOURCES)))
LIBRARY  := $(OUT)/libpenstock.a

.PHONY: all
all: $(OUT)/penstock

$(OUT)/penstock: $(OUT)/obj/gateway/cli/main.o $(LIBRARY)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS)

$(LIBRARY): $(OBJECTS)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

$(OUT)/obj/%.o: %.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Unit tests: tests/unit/DIR/x.c includes DIR/x.c, so statics are reachable;
# it is linked with the library, whose x.o then stays out.
UNITS    := $(patsubst tests/unit/%.c,$(OUT)/unit/%,$(shell find tests/unit -name '*.c' ! -name test.c 2>/dev/null))
$(OUT)/unit/%: tests/unit/%.c tests/unit/test.c $(LIBRARY)
	$(call say,UNIT,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -MF $@.d -o $@ $< tests/unit/test.c \
	  $(ALL_LDFLAGS) $(LIBRARY) $(LDLIBS)

.PHONY: units
units: $(UNITS)

-include $(OBJECTS:.o=.d) $(OUT)/obj/gateway/cli/main.d $(addsuffix .d,$(UNITS))
