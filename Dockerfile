# syntax=docker/dockerfile:1
# The image of every function: one program, which SENTINEL_FUNCTION tells what it is. Built once, the same bytes run
# everywhere; what each instance may do is its account's rights. docs/deploy.md says how it is built and pushed.
#
# A build that has to be repeated to the byte names both images by digest: --build-arg RUST_IMAGE=rust@sha256:...
ARG RUST_IMAGE=rust:1.95.0-slim-bookworm
ARG BASE_IMAGE=debian:bookworm-slim

FROM ${RUST_IMAGE} AS build
WORKDIR /src
COPY . .
# The commit: it stands in each run's row and in each line of the logs.
ARG GIT_HASH=""
# Only this package, so that nothing of a laptop's stores is compiled or linked.
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    SENTINEL_GIT_HASH="${GIT_HASH}" cargo build --release --locked --package sentinel-cloud --bin sentinel-function \
    && install -D --mode=0755 --strip target/release/sentinel-function /image/sentinel-function \
    && install -D --mode=0644 /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ca-certificates.crt

FROM ${BASE_IMAGE}
COPY --from=build /image/ /
# Which function it is where nobody sets SENTINEL_FUNCTION; without it, the image is any of them.
ARG FUNCTION=""
ENV SENTINEL_FUNCTION=${FUNCTION}
# Nobody: it owns no file, and writes none.
USER 65532:65532
ENTRYPOINT ["/sentinel-function"]
