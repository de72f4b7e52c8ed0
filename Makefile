# The one way to do each thing; CI calls the same names (.circleci/config.yml, .ci/run).

# what make rehearse is to find, help lists what there is; and a folder that make package made, such
# as dist/x86_64
BACKUP ?= good
ZIPS ?=
# 1: show the record of the run and the status afterwards; ask the doctor instead of a run
STATUS ?=
DOCTOR ?=
# full: on a terminal too the log is printed whole
LOG ?=
# how many nights make simulate plays, and after how many minutes it begins no more
SEEDS ?= 1000
MINUTES ?=
# how often make bench starts each program
RUNS ?= 21
# which part of the mutants make mutants tries, of how many
SHARD ?= 0/1

export PATH := $(PATH):/usr/sbin:/sbin
BUILT := $(or $(CARGO_TARGET_DIR),target)
REHEARSE := $(BUILT)/debug/rehearse
VENV := .tools/venv
BENCH := .tools/bench
LINTERS := .tools/linters
PACKAGER := .tools/packager
MUTANTS := .tools/mutants
# whether make lint asks RustSec as well
ADVISORIES ?=
# x86_64 or arm64: what make package builds for
ARCHITECTURE ?= $(subst aarch64,arm64,$(shell uname -m))
STEPS := step1-snapshot step2-volume step3-attach step4-mount step5-run-test step6-await-result
MUTATE = $(MUTANTS)/bin/cargo-mutants mutants --output $(MUTANTS) --copy-target=true --shard $(SHARD) \
  $(STEPS:%=--package %) --package common
SCRIPTS := $(wildcard crates/rehearsal/host/*.sh) \
  $(filter-out %.md,$(wildcard crates/rehearsal/host/shims/*)) \
  documents/tests/assemble documents/tests/run .ci/lint-template .ci/need .ci/run crates/bench/reference/bootstrap

.DEFAULT_GOAL := help
.PHONY: help rehearse simulate mutants bench test test-programs test-documents test-delivery lint lint-rust lint-dependencies lint-shell lint-template lint-ci lint-datadog package release fmt docs documents build setup setup-rust setup-documents setup-host setup-lint

help: ## List the targets
	@awk -F ':.* ## ' '/^[a-z-]+:.* ## / { printf "%-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

ifeq ($(BACKUP),help)
rehearse:
	@crates/rehearsal/host/damage.sh help
else
# make itself ends with 2 whatever a command ends with, so the status is said.
rehearse: NIGHT = $(REHEARSE) --backup $(BACKUP) $(if $(ZIPS),--zips $(ZIPS)) $(if $(STATUS),--status) $(if $(DOCTOR),--doctor)
rehearse: setup-host build ## Watch one night: make rehearse BACKUP=good STATUS=1 ZIPS=dist/x86_64 LOG=full; BACKUP=help lists the others
	@if [ -t 1 ] && [ "$(LOG)" != full ]; then \
	  COLUMNS="$${COLUMNS:-$$(tput cols 2>/dev/null)}" bash -o pipefail -c '$(NIGHT) | crates/rehearsal/host/shorten'; \
	else $(NIGHT); fi || { status=$$?; echo "exit status $$status of $(NIGHT)" >&2; exit $$status; }
endif

# Debug build: the release build of aws-sdk-ec2 takes a quarter of an hour more.
simulate: build ## Play bad nights, drawn from seeds: make simulate SEEDS=1000 MINUTES=10
	$(dir $(REHEARSE))simulate --seeds $(SEEDS) $(if $(MINUTES),--minutes $(MINUTES))

# Each mutant is tried with the tests of its own crate; what they miss, with those of all seven; what these miss,
# with nights of the simulation. Not part of CI: it takes hours. What survives is in
# .tools/mutants/mutants.out/missed.txt. Not optimised, since each mutant is compiled once and its tests are few.
# cargo-mutants ends with 2 if a mutant survived, and with 3 if one made a test hang.
mutants: export CARGO_PROFILE_DEV_OPT_LEVEL = 0
mutants: setup-rust documents $(MUTANTS)/bin/cargo-mutants ## Mutate steps and common, and see which tests notice: make mutants SHARD=0/8
	$(MUTATE) -- --lib || [ $$? -eq 2 ] || [ $$? -eq 3 ]
	$(MUTATE) --iterate $(STEPS:%=--test-package %) --test-package common -- --lib || [ $$? -eq 2 ] || [ $$? -eq 3 ]
	$(MUTATE) --iterate --test-package simulation -- --test all -- --skip invariants::

# The programs are those of the zips; only the baseline is built beside them, and alone, since it would
# get the features that others ask for.
bench: package $(BENCH)/ready ## Measure the functions into docs/performance.md: make bench RUNS=21
	cargo build --release -p baseline
	cargo build --release -p bench
	$(BUILT)/release/bench --binaries $(BUILT)/lambda --baseline $(BUILT)/release/baseline --runs $(RUNS) \
	  --python $(BENCH)/bin/python --reference crates/bench/reference

test: test-programs test-documents test-delivery ## Run all tests, side by side: make --jobs=2 test

test-programs: setup-host build ## Run the tests of the functions, the stand-in and the rehearsal alone
	cargo test --workspace

test-documents: setup-host documents ## Run the tests of the documents alone
	documents/tests/run

test-delivery: build $(VENV)/ready $(LINTERS)/ready ## Run the tests of .ci/ and datadog/ alone
	@.ci/need gcc git objdump
	$(VENV)/bin/python -m unittest discover --start-directory datadog/tests
	$(VENV)/bin/python -m unittest discover --start-directory .ci/tests

lint: lint-rust lint-dependencies lint-shell lint-template lint-ci lint-datadog ## Run all linters

lint-rust: setup-rust setup-documents ## Check the Rust code
	cargo fmt --all --check
	.ci/circles
	cargo clippy --workspace --all-targets -- -D warnings

# Advisories are kept at GitHub: where that cannot be reached, ADVISORIES=1 fails.
lint-dependencies: setup-rust $(LINTERS)/ready ## Check the crates' licences and sources, and for unused ones: make lint-dependencies ADVISORIES=1
	$(LINTERS)/bin/cargo-shear --locked
	$(LINTERS)/bin/cargo-deny --locked check bans licenses sources $(if $(ADVISORIES),advisories)

# The documents' parts are read as the whole that the test host gets. SC2317: what a trap calls
# looks unreachable. SC1091: the parts are in the document already.
lint-shell: setup-lint ## Check the shell scripts
	for document in mount programs test release manifest; do \
	  documents/tests/assemble $$document | shellcheck -e SC2317,SC1091 - || exit; done
	shellcheck $(SCRIPTS)
	documents/tests/lint-outside documents/*.sh
	for program in documents/*.pl documents/tests/infobright/client crates/rehearsal/host/shorten; do perl -wc $$program || exit; done

lint-template: documents $(VENV)/ready $(LINTERS)/ready ## Check template.yaml
	.ci/lint-template template.yaml

lint-ci: $(LINTERS)/ready ## Check .circleci/config.yml and renovate.json against their schemas
	$(LINTERS)/bin/check-jsonschema --builtin-schema vendor.circle-ci .circleci/config.yml
	$(LINTERS)/bin/check-jsonschema --builtin-schema vendor.renovate renovate.json

lint-datadog: $(VENV)/ready ## Check dashboard and monitors against the models of Datadog's client
	$(VENV)/bin/python datadog/apply --check

include datadog/datadog.mk

# Release builds share nothing with debug builds: a quarter of an hour of CPU time the first time.
package: setup-rust setup-documents $(PACKAGER)/ready ## Pack the functions for Lambda: make package ARCHITECTURE=arm64
	@.ci/need objdump
	$(PACKAGER)/bin/python .ci/package $(ARCHITECTURE)

release: $(VENV)/ready ## Make the GitHub release of this commit from dist/; DRY_RUN=1 prints its notes
	@.ci/need gh git
	@$(VENV)/bin/python .ci/release $(if $(DRY_RUN),--dry-run)

fmt: setup-rust ## Format the Rust code
	cargo fmt --all

docs: build $(VENV)/ready ## Write the tables of the documentation that come from the code
	$(VENV)/bin/python .ci/docs
	$(VENV)/bin/python .ci/deployer-policy template.yaml >.tools/deployer-policy.json
	mv .tools/deployer-policy.json docs/
	documents/tests/globals --write
	MAKE_DOCS=1 cargo test -p simulation papers::

documents: setup-documents ## Make the files that template.yaml includes: what the SSM documents run
	@documents/build

# The whole workspace at once: features then unify to one set, and aws-sdk-ec2 is built once.
build: setup-rust documents ## Build the programs
	cargo build --workspace --bins

setup: setup-rust setup-documents setup-host setup-lint ## Install what is missing (apt-get, .tools/)

setup-rust:
	@.ci/need cargo gcc

setup-documents:
	@.ci/need python3 shfmt zopfli

setup-host: setup-rust setup-documents
	@.ci/need mariadbd mariadb-install-db mariadb bats mkfs.xfs mkfs.ext4 mkfs.btrfs fuser losetup perl python3 unzip

setup-lint: $(VENV)/ready
	@.ci/need shellcheck

$(MUTANTS)/bin/cargo-mutants:
	cargo install --locked --root $(MUTANTS) --version 27.1.0 cargo-mutants

$(VENV)/ready: .ci/requirements.txt datadog/requirements.txt
$(BENCH)/ready: .ci/requirements-bench.txt
$(LINTERS)/ready: .ci/requirements-lint.txt
$(PACKAGER)/ready: .ci/requirements-package.txt
$(VENV)/ready $(BENCH)/ready $(LINTERS)/ready $(PACKAGER)/ready:
	@.ci/need python3 python3-venv
	rm -rf $(@D)
	python3 -m venv $(@D) || python3 -m virtualenv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check -r $<
	touch $@
