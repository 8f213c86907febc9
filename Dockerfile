# One image per process, from one build: docker build --build-arg SERVICE=order .
# `--target tools` is the one that provisions, verifies and breaks: stack and load beside psql.
FROM swift:6.3-bookworm AS build
RUN apt-get update -q \
 && apt-get install -yq --no-install-recommends libpq-dev libssl-dev libcurl4-openssl-dev zlib1g-dev libyajl-dev pkg-config \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY Package.swift ./
COPY Sources Sources
COPY gateway gateway
COPY load load
# The manifest names the test targets, so their folders must be there.
COPY Tests Tests
RUN swift build -c release --static-swift-stdlib --explicit-target-dependency-import-check error \
 && mkdir /programs \
 && for name in gateway user product order payment notification provider stack load; do \
      install -s ".build/release/$name" /programs/; \
    done \
 && install -D -t /programs/lib /usr/lib/*-linux-gnu/libyajl.so.2 \
 && rm -rf .build

FROM postgres:17-bookworm AS tools
COPY --from=build /programs/lib /usr/local/lib/
COPY --from=build /programs/stack /programs/load /usr/local/bin/
# Volumes mounted below take over this ownership.
RUN ldconfig \
 && for name in gateway user product order payment notification provider verify; do \
      install -d -o 10001 -g 10001 "/provision/$name" "/provision/$name-postgres"; \
    done
USER 10001:10001
ENTRYPOINT ["/usr/local/bin/stack"]

FROM debian:bookworm-slim AS service
RUN apt-get update -q \
 && apt-get install -yq --no-install-recommends libpq5 libssl3 libcurl4 zlib1g libyajl2 ca-certificates \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/debconf/*-old /var/log/*.log /var/log/apt/* \
 && useradd --system --no-create-home --uid 10001 anyway \
 # As above.
 && install -d -o anyway -g anyway -m 0700 /var/lib/anyway/journal
ARG SERVICE
COPY --from=build /programs/${SERVICE} /usr/local/bin/service
USER anyway
# The program asks itself, so an image needs neither a shell nor an HTTP client.
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=3 CMD ["/usr/local/bin/service", "health"]
ENTRYPOINT ["/usr/local/bin/service"]
