# smoke-gate as an image: the action's container, and the same command line for `docker run`.
#
# Built from hash-pinned requirements only. The final stage has Debian's Python and one virtual environment: no pip, no
# compiler, no package cache, no packages' tests. Behind a private CA: docker build --secret id=ca,src=ca.crt .

ARG BASE=debian:trixie-slim

# hadolint ignore=DL3006 -- releases give the base by digest
FROM ${BASE} AS base
# Debian's versions are the ones of its stable release: they are not pinned one by one. The font has Korean, Japanese and
# Chinese letters. No program in it runs with more rights than who starts it (setuid). A private CA becomes one that the image trusts, in the one place where all of it looks.
# hadolint ignore=DL3008
RUN --mount=type=secret,id=ca,target=/usr/local/share/ca-certificates/private.crt \
    apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates fonts-wqy-microhei python3 \
    && find /usr/share/doc -type f ! -name copyright -delete \
    && rm -rf /var/lib/apt/lists/* /var/cache/* /var/log/* /usr/share/man/* /usr/share/locale/* \
    && find / -xdev -type f -perm /6000 -exec chmod a-s {} +

FROM base AS build
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends binutils python3-pip python3-venv
# PYTHONHASHSEED: byte code that holds a set comes out the same each time.
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore \
    PIP_CERT=/etc/ssl/certs/ca-certificates.crt PYTHONHASHSEED=0
WORKDIR /build
COPY requirements/build.txt requirements/runtime.txt requirements/
RUN python3 -m venv --without-pip /opt/smoke-gate \
    && python3 -m pip --python /opt/smoke-gate/bin/python install --no-compile --no-deps --require-hashes \
        -r requirements/runtime.txt \
    && python3 -m venv tools \
    && tools/bin/pip install --no-deps --require-hashes -r requirements/build.txt
# Left behind: the packages' own tests, what only compilers, debuggers and type checkers read, and the descriptions of
# every AWS service but those that S3 needs; and fonts for PDF, which matplotlib would read before it draws a PNG. The
# wheels' bundled libraries stay as they are: stripping breaks some.
# Certificates are Debian's everywhere, so that a private CA is given in one place.
WORKDIR /opt/smoke-gate/lib
RUN find . -type d \( -name tests -o -name test -o -name include -o -name sample_data -o -name afm -o -name pdfcorefonts \) \
        -prune -exec rm -rf {} + \
    && find . -type f -regextype egrep -regex '.*\.(a|c|cpp|h|pxd|pyi|pyx)' -delete \
    && find . -path '*/botocore/data/*' -prune -type d ! -name 's3*' ! -name 'sso*' ! -name sts ! -name signin -exec rm -rf {} + \
    && find . -type f -name '*.so' ! -path '*.libs/*' -exec strip --strip-unneeded {} + \
    && find . -name cacert.pem -exec ln -sf /etc/ssl/certs/ca-certificates.crt {} \; \
    && python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash .
WORKDIR /build
COPY pyproject.toml README.md LICENSE ./
COPY src src
# Byte code that never looks at times, and one time for all files: the same input makes the same layer.
ARG SOURCE_DATE_EPOCH=0
RUN tools/bin/pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
    && python3 -m pip --python /opt/smoke-gate/bin/python install --no-compile --no-deps dist/*.whl \
    && python3 -m compileall -q --invalidation-mode unchecked-hash /opt/smoke-gate/lib/python3*/site-packages/smoke_gate \
    && find /opt/smoke-gate -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +

FROM base
COPY --from=build /opt/smoke-gate /opt/smoke-gate
COPY entrypoint.sh /entrypoint.sh
# A read-only root, or a user without a home, leaves matplotlib no other place for its list of fonts.
ENV PATH=/opt/smoke-gate/bin:$PATH MPLCONFIGDIR=/tmp/matplotlib
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="smoke-gate" \
      org.opencontainers.image.description="Decides whether a matrix of machine-learning runs can be trusted" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENTRYPOINT ["/entrypoint.sh"]
