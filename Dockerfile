# textscf-l2r: `docker run IMAGE /input /output` registers every pair of a Learn2Reg task folder.
# Built by docker/build.sh, which fills in the arguments; needs BuildKit. linux/amd64.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS python
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3 \
    && apt-get clean \
    && rm -rf /var/lib/apt/lists/* /var/cache/debconf /var/cache/ldconfig/aux-cache /var/log/*

# Every package at a locked version with a known hash, in a virtual environment without pip.
FROM python AS dependencies
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates python3-venv
RUN python3 -m venv /opt/pip && python3 -m venv --without-pip /opt/venv
# Another package index than pip's own.
ARG PIP_INDEX_URL
# cpu or cuda; the CUDA build runs on machines without a GPU too.
ARG TORCH=cpu
# Where the CPU build of torch is found, a page or folder of wheels.
ARG TORCH_LINKS=https://download.pytorch.org/whl/cpu/torch/
# yes adds open_clip, which only `embed` needs.
ARG OPEN_CLIP=no
COPY locks/ /locks/
RUN --mount=type=secret,id=certificates \
    set -- -r "/locks/${TORCH}.txt"; \
    [ "${OPEN_CLIP}" = no ] || set -- "$@" -r /locks/open-clip.txt; \
    [ "${TORCH}" = cuda ] || set -- "$@" --find-links "${TORCH_LINKS}"; \
    [ ! -s /run/secrets/certificates ] || export PIP_CERT=/run/secrets/certificates; \
    /opt/pip/bin/pip --python /opt/venv/bin/python install --no-cache-dir --no-deps --require-hashes "$@"
# Headers, static libraries and the packages' own tests are of no use at run time.
RUN cd /opt/venv/lib/python3.11/site-packages \
    && rm -rf torch/include torch/share torch/lib/*.a \
    && find . -type d -path '*/tests' -not -path './torch/*' -prune -exec rm -rf {} +

# matplotlib, which MONAI imports, looks for fonts once and remembers them; the entry point hands the result on.
RUN MPLCONFIGDIR=/opt/venv/share/matplotlib /opt/venv/bin/python -c 'import matplotlib.font_manager'

# What is inside, with every licence text (CycloneDX); the tool itself stays behind.
FROM dependencies AS sbom
RUN --mount=type=secret,id=certificates \
    [ ! -s /run/secrets/certificates ] || export PIP_CERT=/run/secrets/certificates; \
    python3 -m venv --without-pip /opt/sbom \
    && /opt/pip/bin/pip --python /opt/sbom/bin/python install --no-cache-dir --no-deps --require-hashes -r /locks/sbom.txt
RUN mkdir /sbom \
    && /opt/sbom/bin/cyclonedx-py environment --output-reproducible --gather-license-texts \
       --output-file /sbom/python.cdx.json /opt/venv/bin/python
COPY --from=python /var/lib/dpkg/status /tmp/dpkg/status
RUN touch /tmp/dpkg/available && mkdir /tmp/dpkg/info /tmp/dpkg/updates \
    && dpkg-query --admindir=/tmp/dpkg -W -f '${Package}\t${Version}\t${source:Package}\n' >/sbom/debian.tsv

# Weights are compared with the hash that the labels will state.
FROM python AS weights
ARG WEIGHTS_SHA256
COPY weights/ /weights/
RUN test -n "${WEIGHTS_SHA256}" && echo "${WEIGHTS_SHA256}  /weights/HippocampusMR.safetensors" | sha256sum --check

FROM python AS code
COPY LICENSE CITATION.cff README.md /opt/textscf-l2r/
COPY docker/entrypoint.sh docker/test.sh /opt/textscf-l2r/docker/
COPY pairs/ /opt/textscf-l2r/pairs/
COPY cluster/ /opt/textscf-l2r/cluster/
COPY evaluation/ /opt/textscf-l2r/evaluation/
COPY pipeline/ /opt/textscf-l2r/pipeline/
COPY studies/ /opt/textscf-l2r/studies/
COPY transforms/ /opt/textscf-l2r/transforms/
COPY textscf/ /opt/textscf-l2r/textscf/
RUN find /opt/textscf-l2r -name __pycache__ -prune -exec rm -rf {} + \
    && python3 -m compileall -q --invalidation-mode unchecked-hash /opt/textscf-l2r \
    && chmod -R u=rwX,go=rX /opt/textscf-l2r

FROM python AS runtime
COPY --from=dependencies /opt/venv /opt/venv
COPY --from=weights /weights /opt/textscf-l2r/weights
COPY --from=sbom /sbom /opt/textscf-l2r/sbom
COPY --from=code /opt/textscf-l2r /opt/textscf-l2r
# The 2021 and 2022 challenges call ./test.sh or /home/l2r/test.sh.
RUN mkdir -p /l2r /home/l2r \
    && ln -s /opt/textscf-l2r/docker/test.sh /l2r/test.sh \
    && ln -s /opt/textscf-l2r/docker/test.sh /home/l2r/test.sh
# A user id without a passwd entry has neither home nor name; MONAI asks for the name when it is imported.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/opt/textscf-l2r PYTHONSAFEPATH=1 PYTHONNOUSERSITE=1 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    LANG=C.UTF-8 HOME=/tmp USER=textscf TEXTSCF_PROGRAM="docker run IMAGE" \
    XDG_CACHE_HOME=/tmp/.cache MPLCONFIGDIR=/tmp/.matplotlib \
    TORCHINDUCTOR_CACHE_DIR=/tmp/.inductor TRITON_CACHE_DIR=/tmp/.triton \
    HF_HUB_OFFLINE=1 TRANSFORMERS_OFFLINE=1 \
    NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
WORKDIR /l2r
USER 10001:0
STOPSIGNAL SIGTERM
ENTRYPOINT ["/opt/textscf-l2r/docker/entrypoint.sh"]
ARG BASE
ARG VERSION
ARG REVISION
ARG CREATED
ARG WEIGHTS_SHA256
LABEL org.opencontainers.image.title="textscf-l2r" \
      org.opencontainers.image.description="Deformable registration of Learn2Reg tasks with textSCF" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.base.name="${BASE}" \
      textscf-l2r.weights.HippocampusMR.sha256="${WEIGHTS_SHA256}"
