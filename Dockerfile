# One image per process, from one build: docker build --build-arg SERVICE=order .
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
    done

FROM debian:bookworm-slim
RUN apt-get update -q \
 && apt-get install -yq --no-install-recommends libpq5 libssl3 libcurl4 zlib1g libyajl2 ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --no-create-home --uid 10001 anyway \
 # Volumes mounted below take over this ownership.
 && for name in gateway user product order payment notification provider postgres; do \
      install -d -o anyway -g anyway "/provision/$name"; \
    done \
 && install -d -o anyway -g anyway -m 0700 /var/lib/anyway/journal
ARG SERVICE
COPY --from=build /programs/${SERVICE} /usr/local/bin/service
USER anyway
ENTRYPOINT ["/usr/local/bin/service"]
