# The one way to do each thing; CI calls the same names (.ci/run).

# good, damaged, filesystem or none
BACKUP ?= good
# how many nights make simulate plays
SEEDS ?= 1000

export PATH := $(PATH):/usr/sbin:/sbin
REHEARSE := $(or $(CARGO_TARGET_DIR),target)/debug/rehearse
VENV := .tools/venv
SCRIPTS := $(wildcard crates/rehearsal/host/*.sh) \
  $(filter-out %.md,$(wildcard crates/rehearsal/host/shims/*)) \
  documents/tests/assemble documents/tests/run .ci/need .ci/run

.DEFAULT_GOAL := help
.PHONY: help rehearse simulate test lint lint-shell lint-template fmt embed build setup setup-rust setup-host setup-lint

help: ## List the targets
	@awk -F ':.* ## ' '/^[a-z-]+:.* ## / { printf "%-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# make itself ends with 2 whatever a command ends with, so the status is said.
rehearse: setup-host build ## Watch one night: make rehearse BACKUP=good|damaged|filesystem|none
	@$(REHEARSE) --backup $(BACKUP) || { status=$$?; \
	  echo "exit status $$status of $(REHEARSE) --backup $(BACKUP)" >&2; exit $$status; }

# Debug build: the release build of aws-sdk-ec2 takes a quarter of an hour more.
simulate: build ## Play bad nights, drawn from seeds: make simulate SEEDS=1000
	$(dir $(REHEARSE))simulate --seeds $(SEEDS)

test: setup-host build ## Run all tests
	cargo test --workspace
	documents/tests/run

lint: setup-rust lint-shell lint-template ## Run all linters
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

# The documents' parts are read as the whole that the test host gets. SC2317: what a trap calls
# looks unreachable. SC1091: the parts are in the document already.
lint-shell: setup-lint ## Check the shell scripts
	for document in mount test release; do \
	  documents/tests/assemble $$document | shellcheck -e SC2317,SC1091 - || exit; done
	shellcheck $(SCRIPTS)
	for program in documents/*.pl documents/tests/infobright/client; do perl -wc $$program || exit; done

lint-template: $(VENV)/ready ## Check template.yaml
	documents/embed --check
	$(VENV)/bin/cfn-lint template.yaml
	$(VENV)/bin/python .ci/transform template.yaml > .tools/transformed.json
	$(VENV)/bin/cfn-lint .tools/transformed.json

fmt: setup-rust ## Format the Rust code
	cargo fmt --all

embed: ## Put the scripts of documents/ into template.yaml
	documents/embed

# The whole workspace at once: features then unify to one set, and aws-sdk-ec2 is built once.
build: setup-rust ## Build the programs
	cargo build --workspace --bins

setup: setup-rust setup-host setup-lint ## Install what is missing (apt-get, .tools/)

setup-rust:
	@.ci/need cargo gcc

setup-host: setup-rust
	@.ci/need mariadbd mariadb-install-db mariadb bats mkfs.xfs mkfs.ext4 fuser losetup perl python3

setup-lint: $(VENV)/ready
	@.ci/need shellcheck

$(VENV)/ready: .ci/requirements.txt
	@.ci/need python3 python3-venv
	rm -rf $(VENV)
	python3 -m venv $(VENV) || python3 -m virtualenv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r .ci/requirements.txt
	touch $@
