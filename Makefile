# The two commands of the README are `make up` and `make test`; `make` alone lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help deps build up down test compose-test lint bench bench-http bench-gateway bench-cache bench-overload bench-checkout bench-recovery observe observe-check crash fmt fuzz interop transfer simulate mutation

# Everything here is Debian's; no package of another origin is built or fetched.
DEPENDENCIES := libpq-dev libssl-dev libcurl4-openssl-dev zlib1g-dev libyajl-dev postgresql pkg-config curl
CODE := Sources gateway load Tests Package.swift
# An import that Package.swift does not declare is a broken arrow of the architecture.
IMPORTS := --explicit-target-dependency-import-check error
# Linked with the Swift runtime, as the images are: nothing to install beside a program, and calls into the runtime cost less.
# lld, because the usual linker warns with each program of a function of Foundation's that nothing here calls.
RELEASE := -c release --static-swift-stdlib -Xswiftc -use-ld=lld
UP ?=
BENCH ?=

help: ## list these targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

deps: ## install the Debian packages that are missing, and only those
	@missing=(); \
	for package in $(DEPENDENCIES); do \
	  dpkg-query -W -f='$${Status}' "$$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$$package"); \
	done; \
	[ $${#missing[@]} -eq 0 ] && exit 0; \
	echo "installing: $${missing[*]}"; \
	root=(); [ "$$(id -u)" -eq 0 ] || root=(sudo); \
	"$${root[@]}" apt-get update -q >/dev/null; \
	"$${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends "$${missing[@]}" >/dev/null

build: deps ## build everything in release mode
	swift build $(RELEASE) $(IMPORTS)

up: build ## build, start the whole platform, say what to try; UP="--lean --port 9090" for options
	@exec .build/release/stack up $(UP)

down: ## stop what `make up` started
	@.build/release/stack down

test: deps ## build and run all tests
	swift build --build-tests $(IMPORTS)
	@# What failed is said again at the end, where it is looked for; all that was printed stays in .build/test.log.
	@swift test $(IMPORTS) --disable-xctest --no-parallel 2>&1 | tee .build/test.log || { \
	  grep 'recorded an issue' .build/test.log | cut -c 1-500 || :; grep 'Test run with' .build/test.log | tail -n 1; exit 1; }

COMPOSE_TEST ?=
compose-test: ## build the images, bring everything up in containers, break it, verify; COMPOSE_TEST="--no-build --keep"
	deploy/compose/test.py $(COMPOSE_TEST)

lint: ## check the format and the imports
	swift format lint --strict --parallel --recursive $(CODE)
	swift build $(IMPORTS)

fmt: ## format the code in place
	swift format --in-place --parallel --recursive $(CODE)

bench: build ## send checkouts to a running stack and print rate and percentiles
	.build/release/load checkout --data .anyway

bench-http: deps ## compare our HTTP server with nginx, and count what idle connections cost
	swift build $(RELEASE) --product HTTPBench
	deploy/bench/http.py $(BENCH)
	deploy/bench/idle.py

bench-cache: deps ## compare pages from the gateway's cache with nginx proxy_cache
	swift build $(RELEASE) --product gateway
	deploy/bench/cache.py $(BENCH)

bench-gateway: deps ## compare our gateway with HAProxy doing the same and with nginx as a plain proxy; BENCH="--rounds 9"
	swift build $(RELEASE) --product gateway
	deploy/bench/gateway.py $(BENCH)

bench-overload: deps ## ask for three times what an upstream can do: goodput, p99, checkouts before browsing; BENCH="--seconds 20"
	swift build $(RELEASE) --product gateway
	deploy/bench/overload.py $(BENCH)

bench-checkout: build ## compare checkouts a second with pgbench running the same SQL; BENCH="--old-orders 1000000"
	deploy/bench/checkout.py $(BENCH)

bench-recovery: build ## kill every order process with 1,000 sagas in flight; how long until all have ended
	deploy/bench/recovery.py $(BENCH)

observe: ## watch a running stack with Debian's Prometheus, at http://127.0.0.1:9090
	@exec deploy/observability/run.sh

observe-check: ## check rules, their tests and configuration with promtool (Debian package prometheus)
	promtool check config --syntax-only deploy/observability/prometheus.yml
	promtool check config --syntax-only deploy/observability/prometheus.compose.yml
	promtool check rules deploy/observability/rules.yml
	promtool test rules deploy/observability/rules.test.yml

SEED ?= 1
CASE ?=
CRASH ?=
crash: build ## break a checkout at every point there is; SEED=1, CASE=order/success/kill-before/write.product.2 for one alone
	.build/release/stack crash --seed $(SEED) $(if $(CASE),--case $(CASE) --verbose) $(CRASH)

# Bash counts its own SECONDS, so only a value given on make's command line is taken.
FUZZ_SECONDS := $(if $(filter command line,$(origin SECONDS)),$(SECONDS),60)

fuzz: deps ## fuzz parsers, chunks and URLs under AddressSanitizer; SECONDS=60 in all
	ANYWAY_FUZZ=1 swift build -c release --scratch-path .build/fuzz --product Fuzz \
	  -Xswiftc -sanitize=fuzzer,address -Xswiftc -parse-as-library -Xswiftc -enable-testing -Xswiftc -use-ld=lld
	deploy/fuzz/run.sh $(FUZZ_SECONDS)

transfer: deps ## move TRANSFER_MIB=1024 MiB up and down through the gateway; memory must not grow by 5
	swift build --build-tests $(IMPORTS)
	TRANSFER_MIB=$${TRANSFER_MIB:-1024} swift test --skip-build --disable-xctest --filter StreamingTests

interop: deps ## talk to our server with curl, Python, Node, and through nginx and HAProxy
	ANYWAY_INTEROP=1 swift build --scratch-path .build/interop --product Interop
	deploy/interop/run.sh .build/interop/debug/Interop

SCHEDULES ?= 1000000

simulate: deps ## run the saga engine through SCHEDULES=1000000 schedules of faults, from SEED=1 on
	swift build $(RELEASE) --product Simulate
	.build/release/Simulate --schedules $(SCHEDULES) --seed $(SEED)

mutation: deps ## take each guard out of a copy of the code; some test must fail for each
	deploy/mutation/run.py $(MUTANTS)
