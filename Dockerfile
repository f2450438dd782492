# docker build -t streamguard .
# docker run --rm --network none --user "$(id -u)" -v "$PWD:/media" streamguard anonymize clip.mp4
FROM python:3.11-slim-bookworm AS build
WORKDIR /source
COPY . .
# The only step that needs a package index: the models are in the wheel it makes.
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.11-slim-bookworm
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libegl1 libgl1 libgles2 libglib2.0-0 \
    && rm -rf /var/lib/apt/lists/*
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels \
    pip install --no-cache-dir "$(echo /wheels/*.whl)[relay]" \
    && useradd --create-home --uid 1000 streamguard
USER streamguard
WORKDIR /media
ENTRYPOINT ["streamguard"]
CMD ["--help"]
