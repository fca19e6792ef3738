# hitless with the docker command line, Compose and an SSH client:
#   docker build -t hitless .
#   docker run --rm -v /var/run/docker.sock:/var/run/docker.sock -v "$PWD:$PWD" -w "$PWD" hitless deploy
# Whoever may use that socket is root on the host: docs/security.md.
FROM docker:cli AS docker

FROM python:3-slim
# ssh for hosts that DOCKER_HOST=ssh://… names; git tells the revision that a release is made from
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates git openssh-client && \
    rm -rf /var/lib/apt/lists/*
COPY --from=docker /usr/local/bin/docker /usr/local/bin/
COPY --from=docker /usr/local/libexec/docker/cli-plugins /usr/local/libexec/docker/cli-plugins
# The application's folder belongs to somebody of the host, which git would refuse
RUN git config --system --add safe.directory '*'
RUN --mount=target=/source pip install --no-cache-dir --root-user-action ignore /source
ENTRYPOINT ["hitless"]
