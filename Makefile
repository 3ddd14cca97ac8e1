# weir - one Makefile for all rooms. `make help` lists what it does.
#
# MODE=debug|release|asan|tsan|cov keeps its objects in build/$(MODE); modes never share one. Plain `make` builds
# release; the test targets take debug, in which CHECK() is on. BUILD=dir puts everything somewhere else, so that two
# people or two checkouts of one tree do not write the same objects.
DEBUG_GOALS := unit replay layers names
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
MODE_fuzz    := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
ifeq ($(MODE_$(MODE)),)
$(error MODE=$(MODE) is none of debug, release, asan, tsan, cov, fuzz)
endif
CFLAGS   = -std=c17 $(WARN) $(SANE) $(MODE_$(MODE)) $(FAST)
CXXFLAGS = -std=c++17 $(WARN_BOTH) $(SANE) $(MODE_$(MODE)) $(FAST) \
           -DSIMDJSON_EXCEPTIONS=0 -fno-exceptions -fno-rtti
CPPFLAGS = -D_GNU_SOURCE -DH2O_USE_EPOLL=1 -I. -I$(B)/gen -MMD -MP
LDFLAGS  = $(MODE_$(MODE)) -pthread -Wl,--as-needed
# simdjson's own flags would turn its threads on, so only the library is named.
PACKAGES := libh2o-evloop openssl zlib sqlite3 libpq rocksdb jansson yaml-0.1 libcurl libxxhash libzstd
LDLIBS   = $(shell pkg-config --libs $(PACKAGES)) -lsimdjson -lre2 -lstdc++ -lm

# --- what there is -----------------------------------------------------------------------------------------------
# A room is a folder, with folders of its own where it is large; a new file needs no line here. Each room is an archive, and what is linked names the rooms
# that it may use, lower ones last: a test of cep/ cannot lean on rules/, nor be broken by it.
ROOMS := base state cep rules io server
USES_base   := base
USES_state  := state base
USES_cep    := cep state base
USES_rules  := rules cep base
USES_io     := io cep state base
USES_server := server rules io cep state base
archives = $(patsubst %,$(B)/lib/%.a,$(1))

in_rooms = $(wildcard $(addsuffix /$(1),$(ROOMS)) $(addsuffix /*/$(1),$(ROOMS)))
SRC     := $(filter-out server/main.c,$(call in_rooms,*.c))
SHIMS   := $(call in_rooms,*.cpp)
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
.PHONY: all weir web install deps test unit replay e2e asan tsan coverage lint layers names length \
        tidy format format-check fuzz docs bench bench-checkpoint bench-hot-key bench-workers bench-upgrades demo clean help FORCE

all: weir web                     ## build ./weir and the dashboard (MODE=debug|release|asan|tsan|cov)
weir: $(B)/weir                   ## build ./weir alone
	@ln -f $< $@ 2>/dev/null || cp -f $< $@
$(B)/weir: $(B)/server/main.o $(call archives,$(USES_server))
	$(call say,link,$@)$(CC) $(LDFLAGS) $^ $(LDLIBS) -o $@

# The dashboard: node is needed to build it, never to run it.
WEB := $(if $(wildcard web/package.json),$(BUILD)/web.stamp)
WEB_SRC := $(shell find web -type f -not -path 'web/node_modules/*' -not -path 'web/dist/*' 2>/dev/null)
web: $(WEB)                       ## build web/dist alone
$(BUILD)/web-modules.stamp: $(wildcard web/package.json web/package-lock.json)
	@mkdir -p $(@D)
	$(call say,npm,web/package-lock.json)cd web && npm ci --no-audit --no-fund --loglevel=error
	@touch $@
$(BUILD)/web.stamp: $(BUILD)/web-modules.stamp $(WEB_SRC)
	$(call say,vite,web/dist)cd web && npm run --silent build
	@touch $@

.PHONY: web-check
web-check: $(if $(WEB),$(BUILD)/web-modules.stamp) ## types of the dashboard's source
	@$(if $(WEB),cd web && npm run --silent check,:)

DESTDIR ?=
PREFIX  ?= /usr/local
install: all                      ## install weir, its dashboard and examples under DESTDIR and PREFIX
	install -D -m 755 $(B)/weir $(DESTDIR)$(PREFIX)/bin/weir
	mkdir -p $(DESTDIR)$(PREFIX)/share/weir
	if [ -d web/dist ]; then cp -r web/dist $(DESTDIR)$(PREFIX)/share/weir/web; fi
	if [ -d examples ]; then cp -r examples $(DESTDIR)$(PREFIX)/share/weir/; fi

# --- objects -----------------------------------------------------------------------------------------------------
# Loops over columns are worth more than -O2 gives them.
FASTER := $(patsubst %.c,$(B)/%.o,$(filter cep/expr/expr% cep/row/batch%,$(SRC)))
$(FASTER): private FAST = $(if $(filter release,$(MODE)),-O3)

# Who prints the version is told the commit; a new commit compiles those files again and no others.
COMMIT ?= $(or $(shell git rev-parse --short=12 HEAD 2>/dev/null),unknown)
VERSIONED := $(patsubst %.c,$(B)/%.o,$(shell grep -ls '^#include "server/version.h"' $(filter server/%,$(SRC))))
$(VERSIONED): private CPPFLAGS += -DVERSION_COMMIT='"$(COMMIT)"'
$(VERSIONED): $(B)/commit
$(B)/commit: FORCE
	@mkdir -p $(@D)
	@echo '$(COMMIT)' | cmp -s - $@ || echo '$(COMMIT)' > $@

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
# Both come of one run; lemon leaves an unchanged header as old as it was, so it is touched.
$(B)/gen/%.c $(B)/gen/%.h: %.y
	@mkdir -p $(@D)
	$(call say,lemon,$<)lemon -q -d$(@D) $<
	@touch $(B)/gen/$*.h
$(B)/gen/%.sql.h: %.sql tools/embed.sh
	@mkdir -p $(@D)
	$(call say,embed,$<)tools/embed.sh $< > $@
# Generated headers must be there before what may include them is compiled for the first time.
$(filter-out $(B)/base/% $(B)/cep/%,$(HANDMADE)) $(filter %.o,$(GEN:%.c=%.o)) $(B)/server/main.o \
  $(TESTLIB) $(addsuffix .o,$(filter-out $(B)/tests/unit/base/% $(B)/tests/unit/cep/%,$(UNIT)) $(FUZZ)) \
  $(patsubst %.c,$(B)/%.o,$(wildcard tests/bench/*.c)): | $(GEN)

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
deps:                             ## install the Debian packages that are missing (root or sudo)
	@tools/install_deps.sh build web run test

# Debug for what looks inside, release for what a user would run; one after the other, since both cores are taken.
test: deps                        ## all that must pass before a commit: unit, fuzz corpora, checks, whole system
	@$(SUBMAKE) MODE=debug unit replay layers names length
	@$(SUBMAKE) MODE=release all web-check $(addprefix $(BUILD)/release/,$(BENCHES))
	@$(SUBMAKE) MODE=release rule-tests
	@$(SUBMAKE) MODE=release e2e

unit: $(UNIT)                     ## unit tests (T=test_arena: that one; T=unit/base: that room)
	@$(SANITIZERS) tools/run_units.sh $(UNIT)
define unit_room
$(B)/tests/unit/$(1)/test_%: $(B)/tests/unit/$(1)/test_%.o $(B)/lib/tests.a $(call archives,$(USES_$(1)))
	$$(call say,link,$$@)$(CC) $(LDFLAGS) $$^ -lcmocka $$(LDLIBS) -o $$@
endef
$(foreach room,$(ROOMS),$(eval $(call unit_room,$(room))))

replay: $(FUZZ)                   ## every fuzz target over its saved inputs
	@set -e; for f in $(FUZZ); do d=tests/fuzz/corpus/$${f##*/fuzz_}; [ -d $$d ] || d=; $(SANITIZERS) $$f $$d; done
FUZZ_MAIN = $(if $(filter fuzz,$(MODE)),-fsanitize=fuzzer,$(B)/tests/fuzz/replay_main.o)
$(B)/tests/fuzz/fuzz_%: $(B)/tests/fuzz/fuzz_%.o $(B)/tests/fuzz/replay_main.o $(B)/lib/tests.a $(call archives,$(USES_server))
	$(call say,link,$@)$(CC) $(LDFLAGS) $< $(FUZZ_MAIN) $(filter %.a,$^) $(LDLIBS) -o $@

.PHONY: rule-tests
rule-tests: $(B)/weir             ## the unit tests of the example rules (weir test)
	@$(SANITIZERS) $(B)/weir test examples/*.test.sql >$(B)/rule-tests.tap || { cat $(B)/rule-tests.tap; exit 1; }
	@tail -n 1 $(B)/rule-tests.tap

# Python of the system, for which `make deps` installs pytest; another one by PYTHON=.
PYTHON ?= $(firstword $(wildcard /usr/bin/python3) python3)
E2E     = $(wildcard tests/e2e/test_*.py)
e2e: $(B)/weir $(if $(filter release,$(MODE)),all,web) ## tests of the running server (K=expression, as pytest's -k; MODE=asan)
	@$(if $(E2E),WEIR=$(CURDIR)/$(B)/weir $(SANITIZERS) $(SLOW) PYTHONDONTWRITEBYTECODE=1 timeout $(E2E_SECONDS) \
	  $(PYTHON) -m pytest -q -p no:cacheprovider $(if $(K),-k '$(K)',-n $(E2E_JOBS) --dist loadfile) tests/e2e,echo "there is no tests/e2e/test_*.py")
E2E_SECONDS ?= $(if $(SLOW),5400,900)
# What tests allow a step is multiplied by this where the build makes all slower (tests/e2e/weirserver.py).
SLOW = $(if $(filter asan tsan,$(MODE)),SLOW=4)
E2E_JOBS    ?= $(shell expr $(JOBS) + 1) # they wait for conditions more than they compute; a file's tests stay together
PAIRS ?= 100000
KILLS ?= 200
.PHONY: nightly
nightly: $(B)/weir                ## what takes too long for every day: 100,000 random patterns (PAIRS=, SEED=), 200 crashes (KILLS=), two minutes of overload
	WEIR=$(CURDIR)/$(B)/weir $(PYTHON) tests/random/patterns.py --pairs $(PAIRS) $(if $(SEED),--seed $(SEED))
	WEIR=$(CURDIR)/$(B)/weir $(PYTHON) tests/random/patterns.py --snapshots --pairs $(PAIRS) $(if $(SEED),--seed $(SEED))
	WEIR=$(CURDIR)/$(B)/weir OVERLOAD_SECONDS=120 $(PYTHON) -m pytest -q -s -p no:cacheprovider tests/e2e/test_overload.py
	WEIR=$(CURDIR)/$(B)/weir $(PYTHON) tests/e2e/crashing.py --kills $(KILLS) --seconds 600 $(if $(SEED),--seed $(SEED))
	WEIR=$(CURDIR)/$(B)/weir $(PYTHON) tests/e2e/storm.py --seconds 120 $(if $(SEED),--seed $(SEED))

# Known noise of libraries only; what is ours is never put on these lists.
SANITIZERS = $(if $(filter asan fuzz,$(MODE)),LSAN_OPTIONS=suppressions=$(CURDIR)/tools/lsan.supp:print_suppressions=0) \
             $(if $(filter tsan,$(MODE)),TSAN_OPTIONS=suppressions=$(CURDIR)/tools/tsan.supp:ignore_noninstrumented_modules=1:die_after_fork=0)
asan tsan:                        ## unit tests and fuzz corpora under ASan + UBSan, or TSan
	@$(SUBMAKE) MODE=$@ unit replay
# Processes that are killed on purpose leave counts that gcovr would stumble over.
coverage:                         ## lines and branches reached by unit tests, fuzz corpora and e2e
	@tools/install_deps.sh build test lint
	@find $(BUILD)/cov -name '*.gcda' -delete 2>/dev/null || true
	@$(SUBMAKE) MODE=cov unit replay $(BUILD)/cov/weir
	-@$(SUBMAKE) MODE=cov e2e
	gcovr -r . --object-directory $(BUILD)/cov --exclude '$(BUILD).*' --exclude 'tests/.*' --print-summary \
	  --exclude-unreachable-branches --gcov-ignore-parse-errors -o $(BUILD)/cov/report.txt

# --- checks ------------------------------------------------------------------------------------------------------
OWN_C = $(call in_rooms,*.[ch]) $(wildcard tests/unit/*/*.c tests/fuzz/*.c tests/lib/*.[ch])
lint: layers names length format-check tidy ## all checks of the text: layers, names, length, format, clang-tidy, cppcheck, shellcheck
	cppcheck -q --std=c17 --error-exitcode=1 --inline-suppr -j $(JOBS) -DERR_TYPE= -D_GNU_SOURCE -I. \
	  --suppressions-list=tools/cppcheck.supp $(SRC) server/main.c
	shellcheck -x tools/*.sh .ci/run
tidy: $(GEN)
	@printf '%s\n' $(SRC) $(wildcard server/main.c) | xargs -P $(JOBS) -n 8 sh -c \
	  'clang-tidy --quiet "$$@" -- -std=c17 -D_GNU_SOURCE -DH2O_USE_EPOLL=1 -I. -I$(B)/gen 2>&1' tidy | \
	  awk '!/warnings? (generated|treated as errors?)\.?$$|^Suppressed|^Use -header-filter/; /(warning|error):/ {n++} END {exit n > 0}'
layers:                           ## which room includes which
	@tools/check_layers.sh
names: $(HANDMADE)                ## global symbols carry their file's name
	@tools/check_names.sh $(HANDMADE)
length:                           ## 600 lines a file, 70 a function, licence and card at the top
	@tools/check_length.sh
format:                           ## clang-format in place
	clang-format -i $(OWN_C)
format-check:
	@clang-format --dry-run -Werror $(OWN_C)
# What it finds stays in build/; an input worth keeping is copied into the corpus under a name that says why.
fuzz:                             ## libFuzzer: F=bytes S=60, starting from tests/fuzz/corpus/bytes
	@tools/install_deps.sh build lint
	@$(SUBMAKE) MODE=fuzz CC=clang CXX=clang++ $(BUILD)/fuzz/tests/fuzz/fuzz_$(F)
	@mkdir -p tests/fuzz/corpus/$(F) $(BUILD)/fuzz/found/$(F)
	LSAN_OPTIONS=suppressions=tools/lsan.supp $(BUILD)/fuzz/tests/fuzz/fuzz_$(F) -max_total_time=$(or $(S),60) \
	  -artifact_prefix=$(BUILD)/fuzz/ $(addprefix -dict=,$(wildcard tests/fuzz/$(F).dict)) \
	  $(BUILD)/fuzz/found/$(F) tests/fuzz/corpus/$(F)

docs:                             ## write docs/CONFIGURATION.md from the list of options (make unit checks that it is right)
	@UPDATE_DOCS=1 $(SUBMAKE) MODE=debug unit T=unit/server/test_config

# --- running -----------------------------------------------------------------------------------------------------
BENCHES := $(patsubst %.c,%,$(wildcard tests/bench/bench_*.c))
$(B)/tests/bench/%: $(B)/tests/bench/%.o $(call archives,$(USES_server))
	$(call say,link,$@)$(CC) $(LDFLAGS) $^ $(LDLIBS) -o $@
bench: all $(addprefix $(B)/,$(BENCHES)) ## throughput of the reference rules (tools/bench.sh)
	@tools/bench.sh
bench-checkpoint: all             ## what checkpoints cost: throughput, the stop at 1 GB of state, the second one, recovery
	@WEIR=$(CURDIR)/weir python3 tests/bench/checkpoints.py
bench-hot-key: all                ## a hot key on two workers, with and without two-phase aggregation
	@WEIR=$(CURDIR)/weir python3 tests/bench/hot_key.py
bench-upgrades: all               ## upgrades of a rule with 100 MB of state under load: what is lost, how long rows stand still
	@WEIR=$(CURDIR)/weir python3 tests/bench/upgrades.py
bench-workers: all $(B)/tests/bench/bench_exchange ## fraud7 from files on one worker and on two
	@WEIR=$(CURDIR)/weir python3 tests/bench/workers.py --exchange $(CURDIR)/$(B)/tests/bench/bench_exchange
demo:                             ## build and run weir with example rules and traffic; Ctrl-C ends it
	@tools/install_deps.sh build web run
	@$(SUBMAKE) MODE=release all
	@exec tools/demo.sh
clean:                            ## remove what was built
	rm -rf $(BUILD) weir web/dist
help:                             ## this list
	@awk -F':.*## ' '/^[a-z0-9 -]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

-include $(shell find $(B) -name '*.d' 2>/dev/null)
