# weir and its dashboard. Three stages: node builds the dashboard, gcc the server, and what runs has neither.
FROM debian:bookworm-slim AS web
WORKDIR /src
COPY tools/install_deps.sh tools/
RUN tools/install_deps.sh web && rm -rf /var/lib/apt/lists/*
COPY web/package.json web/package-lock.json web/.npmrc web/
RUN cd web && npm ci --no-audit --no-fund --loglevel=error
COPY web web
RUN cd web && npm run --silent build

FROM debian:bookworm-slim AS server
WORKDIR /src
COPY tools/install_deps.sh tools/
RUN tools/install_deps.sh build && rm -rf /var/lib/apt/lists/*
COPY Makefile ./
COPY tools tools
COPY base base
COPY state state
COPY cep cep
COPY rules rules
COPY io io
COPY server server
ARG COMMIT=unknown
RUN make -j"$(nproc)" weir COMMIT="$COMMIT"

FROM debian:bookworm-slim
RUN apt-get update -qq && \
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
      ca-certificates curl libh2o-evloop0.13 libssl3 zlib1g libsqlite3-0 libpq5 librocksdb7.8 libjansson4 libyaml-0-2 \
      libcurl4 libxxhash0 libzstd1 libsimdjson14 libre2-9 tzdata > /dev/null && \
    rm -rf /var/lib/apt/lists/* && \
    useradd --system --uid 10001 --home-dir /var/lib/weir --create-home --shell /usr/sbin/nologin weir
COPY --from=server /src/weir /usr/bin/weir
COPY --from=web /src/web/dist /usr/share/weir/web
COPY examples /usr/share/weir/examples
USER weir
WORKDIR /var/lib/weir
VOLUME /var/lib/weir
EXPOSE 8080
# SIGTERM ends it in order; a container that is killed starts again from what is durable.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 \
  CMD ["curl", "-fsS", "-o", "/dev/null", "http://127.0.0.1:8080/healthz"]
ENTRYPOINT ["weir"]
CMD ["serve", "--data", "/var/lib/weir", "--bind", "0.0.0.0", "--port", "8080", "--web", "/usr/share/weir/web", \
     "--load", "/usr/share/weir/examples/demo.sql"]
