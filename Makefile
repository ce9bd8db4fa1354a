# All commands of the project. `make` alone lists them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
# Programs from scripts/install-tools take precedence. rustup puts cargo into the second folder, which is not on the
# PATH of shells that were opened before.
cache := $(or $(JEROBOAM_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/jeroboam)
export PATH := $(cache)/bin:$(HOME)/.cargo/bin:$(PATH)

.PHONY: help demo down build image test databases test-slow faults conformance unit lint bench

help: ## list all targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Its programs build faster than those of `make build`: profile demo of Cargo.toml.
demo: ## from a fresh machine to running clusters: install, build, start, and show a tour
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

down: ## stop everything that `make demo` started, and remove its containers, networks and volumes
	@scripts/server-down target/demo/jeroboam
	@scripts/docker-down

build: ## build the programs into target/release
	@scripts/install-tools build
	@scripts/build --release

image: ## build the node image and the small image for tests
	@scripts/docker-up
	@images/node/build
	@images/nginx/build

# `make` and not $(MAKE), as `make -n test` would run the whole recipe if it contained $(MAKE).
test: ## lint, then all tests, including those on real clusters
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

# The excluded test does not end on MariaDB (decision 29, consequences).
databases: ## the tests of the store on PostgreSQL and MariaDB
	@scripts/install-tools build test databases
	@JEROBOAM_TEST_DATABASE=postgresql scripts/with-databases cargo nextest run --locked --workspace --profile databases
	@JEROBOAM_TEST_DATABASE=mariadb scripts/with-databases cargo nextest run --locked --workspace --profile databases \
		-E 'not test(a_read_that_is_given_up_leaves_nothing_open)'

test-slow: ## the slow tests: clusters of every version of Kubernetes, the fault catalogue, 10,000 random sequences
	@scripts/install-tools build test kubectl
	@scripts/docker-up
	@images/node/build --kubernetes all
	@images/nginx/build
	@scripts/build
	@cargo nextest run --locked --workspace --profile slow

# The tests store their measurements, from which the page is generated after the last test.
faults: export UPDATE_DOCS := 1
faults: ## inject every fault, and regenerate docs/faults.md; FAULTS=worker-killed,dockerd-killed injects only these
	@scripts/install-tools build test kubectl
	@scripts/docker-up
	@images/node/build
	@images/nginx/build
	@scripts/build
	@cargo nextest run --locked --workspace --profile slow --no-fail-fast -E "binary(catalogue)"
	@cargo nextest run --locked --workspace -E "binary(catalogue) and test(page)"

conformance: ## the upstream conformance tests of Kubernetes, on a new cluster; VERSION=v1.36.3 selects another version
	@scripts/install-tools build
	@scripts/build --release
	@tests/conformance/run target/release/jeroboam $(VERSION)

unit: ## the tests that need no Docker Engine
	@scripts/install-tools build test
	@cargo nextest run --locked --workspace --exclude jeroboam-tests
	@cargo test --locked --workspace --doc --quiet

lint: ## format, clippy, dependencies (licences, sources, unused ones), shell scripts
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
