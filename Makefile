# weir - one Makefile for all rooms. `make help` lists what it does.
#
# MODE=debug|release|asan|tsan|cov keeps its objects in build/$(MODE); modes never share one. Plain `make` builds
# release; the test targets take debug, in which CHECK() is on. BUILD=dir puts everything somewhere else, so that two
# people or two checkouts of one tree do not write the same objects.
DEBUG_GOALS := unit case replay layers names
MODE  ?= $(if $(filter $(DEBUG_GOALS),$(MAKECMDGOALS)),debug,release)
BUILD ?= build
B     := $(BUILD)/$(MODE)
JOBS  ?= $(shell nproc)
ifeq ($(origin CC),default)
CC    := gcc
endif
ifeq ($(origin CXX),default)
CXX   := g++
endif
CCACHE := $(shell command -v ccache)
V     ?= 0
ifeq ($(V),0)
say    = @printf '  %-5s %s\n' '$(1)' '$(2)';
endif
# A sub-make gets -j only when the caller has not said how many.
SUBMAKE = $(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$(JOBS))

# --- flags -------------------------------------------------------------------------------------------------------
WARN_BOTH := -Wall -Wextra -Wshadow -Wconversion -Wpointer-arith -Wvla -Wno-format-zero-length -Werror
WARN   := $(WARN_BOTH) -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings
SANE   := -fno-omit-frame-pointer
MODE_debug   := -O1 -g3
MODE_release := -O2 -g -DNDEBUG -D_FORTIFY_SOURCE=2 -fstack-protector-strong
MODE_asan    := -O1 -g3 -fsanitize=address,undefined -fno-sanitize-recover=all
MODE_tsan    := -O1 -g3 -fsanitize=thread
MODE_cov     := -O0 -g --coverage
ifeq ($(MODE_$(MODE)),)
$(error MODE=$(MODE) is none of debug, release, asan, tsan, cov)
endif
CFLAGS   = -std=c17 $(WARN) $(SANE) $(MODE_$(MODE)) $(FAST)
CXXFLAGS = -std=c++17 $(WARN_BOTH) $(SANE) $(MODE_$(MODE)) $(FAST) \
           -DSIMDJSON_EXCEPTIONS=0 -fno-exceptions -fno-rtti
CPPFLAGS = -D_GNU_SOURCE -DH2O_USE_EPOLL=1 -I. -I$(B)/gen -MMD -MP
LDFLAGS  = $(MODE_$(MODE)) -pthread -Wl,--as-needed
# simdjson's own flags would turn its threads on, so only the library is named.
PACKAGES := libh2o-evloop openssl zlib sqlite3 rocksdb jansson yaml-0.1 libcurl libxxhash libzstd
LDLIBS   = $(shell pkg-config --libs $(PACKAGES)) -lsimdjson -lstdc++ -lm

# --- what there is -----------------------------------------------------------------------------------------------
# A room is a folder; a new file in it needs no line here. Each room is an archive, and what is linked names the rooms
# that it may use, lower ones last: a test of cep/ cannot lean on rules/, nor be broken by it.
ROOMS := base state cep rules io server
USES_base   := base
USES_state  := state base
USES_cep    := cep state base
USES_rules  := rules cep base
USES_io     := io cep state base
USES_server := server rules io cep state base
archives = $(patsubst %,$(B)/lib/%.a,$(1))

SRC     := $(filter-out server/main.c,$(wildcard $(addsuffix /*.c,$(ROOMS))))
SHIMS   := $(wildcard $(addsuffix /*.cpp,$(ROOMS)))
GEN     := $(patsubst %.re,$(B)/gen/%.c,$(wildcard rules/*.re)) \
           $(patsubst %.y,$(B)/gen/%.c,$(wildcard rules/*.y)) \
           $(patsubst %,$(B)/gen/%.h,$(wildcard $(addsuffix /*.sql,$(ROOMS))))
objects_of = $(patsubst %.c,$(B)/%.o,$(filter $(1)/%,$(SRC))) $(patsubst %.cpp,$(B)/%.o,$(filter $(1)/%,$(SHIMS))) \
             $(patsubst %.c,%.o,$(filter $(B)/gen/$(1)/%.c,$(GEN)))
HANDMADE := $(SRC:%.c=$(B)/%.o) $(SHIMS:%.cpp=$(B)/%.o)
TESTLIB := $(patsubst %.c,$(B)/%.o,$(wildcard tests/lib/*.c))
T       ?= tests/unit/
UNIT    := $(patsubst %.c,$(B)/%,$(foreach f,$(wildcard tests/unit/*/test_*.c),$(if $(findstring $(T),$(f)),$(f))))
FUZZ    := $(patsubst %.c,$(B)/%,$(wildcard tests/fuzz/fuzz_*.c))

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all unit FORCE

all: weir                         ## build ./weir and the dashboard (MODE=debug|release|asan|tsan|cov)
weir: $(B)/weir
	@ln -f $< $@ 2>/dev/null || cp -f $< $@
$(B)/weir: $(B)/server/main.o $(call archives,$(USES_server))
	$(call say,link,$@)$(CC) $(LDFLAGS) $^ $(LDLIBS) -o $@

# --- objects -----------------------------------------------------------------------------------------------------
# Loops over columns are worth more than -O2 gives them.
$(B)/cep/expr%.o $(B)/cep/batch%.o: FAST = $(if $(filter release,$(MODE)),-O3)

# Other flags are other objects: what was built with is kept in a file that changes with it.
$(B)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(CC) $(CXX) $(CFLAGS) $(CXXFLAGS) $(CPPFLAGS)' | cmp -s - $@ || \
	  printf '%s\n' '$(CC) $(CXX) $(CFLAGS) $(CXXFLAGS) $(CPPFLAGS)' > $@
$(B)/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,cc,$<)$(CCACHE) $(CC) $(CFLAGS) $(CPPFLAGS) -c $< -o $@
$(B)/%.o: %.cpp $(B)/flags
	@mkdir -p $(@D)
	$(call say,c++,$<)$(CCACHE) $(CXX) $(CXXFLAGS) $(CPPFLAGS) -c $< -o $@
# Generated code has the same flags, but no warnings: nobody can mend it by hand.
$(B)/gen/%.o: $(B)/gen/%.c $(B)/flags
	$(call say,cc,$<)$(CCACHE) $(CC) $(CFLAGS) -w $(CPPFLAGS) -I$(dir $*) -c $< -o $@
$(B)/gen/%.c: %.re
	@mkdir -p $(@D)
	$(call say,re2c,$<)re2c -i --no-generation-date -o $@ $<
$(B)/gen/%.c: %.y
	@mkdir -p $(@D)
	$(call say,lemon,$<)lemon -q -d$(@D) $<
$(B)/gen/%.sql.h: %.sql tools/embed.sh
	@mkdir -p $(@D)
	$(call say,embed,$<)tools/embed.sh $< > $@
# Generated headers must be there before what may include them is compiled for the first time.
$(filter-out $(B)/base/% $(B)/cep/%,$(HANDMADE)) $(filter %.o,$(GEN:%.c=%.o)) $(B)/server/main.o \
  $(TESTLIB) $(addsuffix .o,$(filter-out $(B)/tests/unit/base/% $(B)/tests/unit/cep/%,$(UNIT)) $(FUZZ)): | $(GEN)

define archive
$(B)/lib/$(1).a: $(call objects_of,$(1))
	@mkdir -p $$(@D)
	@rm -f $$@
	@$(AR) rcs $$@ $$^
endef
$(foreach room,$(ROOMS),$(eval $(call archive,$(room))))
$(B)/lib/tests.a: $(TESTLIB)
	@mkdir -p $(@D)
	@rm -f $@
	@$(AR) rcs $@ $^

# --- tests -------------------------------------------------------------------------------------------------------
unit: $(UNIT)                     ## unit tests (T=test_arena: that one; T=base: that room)
	@tools/run_units.sh $(UNIT)
define unit_room
$(B)/tests/unit/$(1)/test_%: $(B)/tests/unit/$(1)/test_%.o $(B)/lib/tests.a $(call archives,$(USES_$(1)))
	$$(call say,link,$$@)$(CC) $(LDFLAGS) $$^ -lcmocka $$(LDLIBS) -o $$@
endef
$(foreach room,$(ROOMS),$(eval $(call unit_room,$(room))))

-include $(shell find $(B) -name '*.d' 2>/dev/null)
