# The engine and its command line, without a PostgreSQL of its own: DATABASE_URL names one.
#
#   docker build -t permea .
#   docker run --rm -p 4000:4000 -e DATABASE_URL=postgres://… permea
#
# Other commands: docker run --rm -e DATABASE_URL=… permea backup, migrate, doctor, …

FROM node:24-trixie-slim AS build
WORKDIR /src
COPY . .
RUN npm ci --no-audit --no-fund
RUN npm pack --workspace cli --pack-destination /tmp --silent
RUN npm install --prefix /opt/permea --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund /tmp/permea-*.tgz
# What only people and compilers read.
RUN find /opt/permea -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.[cm]ts' -o -name '*.md' \) -delete
# Sources and tests of others, and the half of OpenTelemetry that nobody loads; its API is loaded by prom-client.
RUN rm -rf /opt/permea/node_modules/zod/src /opt/permea/node_modules/fastify/test /opt/permea/node_modules/bintrees/test
RUN find /opt/permea -path '*/@opentelemetry/*' -not -path '*/@opentelemetry/api/*' -name '*.cjs' -delete

FROM debian:trixie-slim
COPY --from=build /usr/local/bin/node /usr/local/bin/node
COPY --from=build /opt/permea /opt/permea
COPY deploy/docker/healthy.mjs /opt/permea/healthy.mjs
RUN ln -s /opt/permea/node_modules/permea/bin/permea.js /usr/local/bin/permea
RUN mkdir -p /var/lib/permea && chown 10001:10001 /var/lib/permea
USER 10001:10001
WORKDIR /var/lib/permea
# Each thread's heap in the C library keeps what it once had; two are enough.
ENV MALLOC_ARENA_MAX=2
ENV NODE_ENV=production HOME=/var/lib/permea HOST=0.0.0.0 PORT=4000 PERMEA_DATA_DIR=/var/lib/permea
VOLUME /var/lib/permea
EXPOSE 4000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["node", "/opt/permea/healthy.mjs"]
ENTRYPOINT ["permea"]
CMD ["start"]
