# Node's supported release, by its tag; docs/operations/install.md says how to pin its digest.
# Stage 1: compile, then keep what running needs.
FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json manifest.json ./
COPY server server
COPY src src
COPY simulators simulators
RUN npm run build && rm -rf dist/simulators && npm prune --omit=dev

# Stage 2: the connector, as an ordinary user, with its data on a volume. It may take 25 s to stop: give it
# `docker run --stop-timeout 30`, since Docker kills after 10 s otherwise.
FROM node:24-slim
ENV NODE_ENV=production DATA_DIR=/data
WORKDIR /app
COPY LICENSE package.json require-build.js ./
COPY assets assets
COPY pages pages
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 8082
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 8082}/health`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--min-semi-space-size=16", "--max-semi-space-size=16", "--no-allocation-site-pretenuring", "--heap-growing-percent=100", "dist/server/main.js"]
