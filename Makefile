# The one place for commands. `make` alone lists them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
# What scripts/install-tools brings comes first. rustup puts cargo into the other folder; a shell that was open before does
# not know yet.
cache := $(or $(JEROBOAM_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/jeroboam)
export PATH := $(cache)/bin:$(HOME)/.cargo/bin:$(PATH)

.PHONY: help demo down build image test test-slow faults conformance unit lint bench

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Its programs take less long to build than those of `make build`: profile demo of Cargo.toml.
demo: ## from nothing to running clusters: install, build, start, and walk through it
	@source scripts/lib.sh; \
	part 'tools' scripts/install-tools build; \
	part 'Docker Engine' scripts/docker-up; \
	part 'Kubernetes' env JEROBOAM_KEEP_GO_CACHES=1 scripts/install-tools kubectl; \
	part 'node image' images/node/build; \
	part 'test image' images/nginx/build; \
	images/get --drop-go-caches; \
	part 'programs' scripts/build --profile demo; \
	part 'server' scripts/server-up target/demo/jeroboam; \
	part 'tour' scripts/demo target/demo/jeroboam; \
	parts

down: ## stop what `make demo` started: no container, network, volume or process stays
	@scripts/server-down target/demo/jeroboam
	@scripts/docker-down

build: ## build the programs into target/release
	@scripts/install-tools build
	@scripts/build --release

image: ## make the image of nodes and the small image for tests
	@scripts/docker-up
	@images/node/build
	@images/nginx/build

# `make` and not $(MAKE): with that in it, the whole of the recipe would be run by `make -n test` too.
test: ## everything that must hold: lint, then all tests, those on real clusters included
	@source scripts/lib.sh; source images/versions; export JEROBOAM_KEEP_GO_CACHES=1; \
	part 'tools' scripts/install-tools build test deny shear scripts bus world clients; \
	part 'lint' make --no-print-directory lint; \
	part 'Docker Engine' scripts/docker-up; \
	part 'Kubernetes' scripts/install-tools kubectl engines; \
	part 'node image' images/node/build --kubernetes "$${KUBERNETES[@]:0:2}"; \
	part 'test image' images/nginx/build; \
	part 'conformance' tests/conformance/images "$${KUBERNETES[0]}" Agnhost BusyBox Pause >/dev/null; \
	images/get --drop-go-caches; \
	part 'programs' scripts/build; \
	part 'tests' cargo nextest run --locked --workspace; \
	part 'doc tests' cargo test --locked --workspace --doc --quiet

test-slow: ## what takes long besides: clusters of every version of Kubernetes, the fault catalogue, 10,000 random sequences
	@scripts/install-tools build test kubectl
	@scripts/docker-up
	@images/node/build --kubernetes all
	@images/nginx/build
	@scripts/build
	@cargo nextest run --locked --workspace --profile slow

# What was measured is kept by the tests, and the page is made of it after the last of them.
faults: export UPDATE_DOCS := 1
faults: ## break everything once, and write docs/faults.md anew; FAULTS=worker-killed,dockerd-killed does these alone
	@scripts/install-tools build test kubectl
	@scripts/docker-up
	@images/node/build
	@images/nginx/build
	@scripts/build
	@cargo nextest run --locked --package jeroboam-tests --profile slow --test catalogue
	@cargo nextest run --locked --package jeroboam-tests --test catalogue page

conformance: ## Kubernetes' own conformance tests, on a cluster of ours; VERSION=v1.36.3 takes another version
	@scripts/install-tools build
	@scripts/build --release
	@tests/conformance/run target/release/jeroboam $(VERSION)

unit: ## the tests that need no Docker Engine
	@scripts/install-tools build test
	@cargo nextest run --locked --workspace --exclude jeroboam-tests
	@cargo test --locked --workspace --doc --quiet

lint: ## format, clippy, what we depend on (licences, sources, need), shell scripts
	@scripts/install-tools build deny shear scripts
	@cargo fmt --all --check
	@cargo clippy --locked --workspace --all-targets -- -D warnings
	@scripts/lint-dependencies
	@scripts/lint-scripts
	@scripts/lint-versions

bench: ## measure, and print the table of the README
	@scripts/install-tools build kubectl bench
	@$(MAKE) --no-print-directory image
	@scripts/build --release
	@bench/run target/release/jeroboam
