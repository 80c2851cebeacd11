# `docker build -t hf-compat . && docker run --rm hf-compat` trains with one process and with two, and compares every bit.
# On a cluster, Apptainer reads the same image; there let the cluster's own MPI start the container (docs/many-machines.md).
ARG BASE=python:3.13-slim
FROM ${BASE}
RUN python3 -m venv /opt/hf
ENV PATH=/opt/hf/bin:$PATH OPENBLAS_NUM_THREADS=1
WORKDIR /hf
COPY pyproject.toml README.md LICENSE ./
COPY hf_matlab_compat hf_matlab_compat
COPY tests/goldens tests/goldens
COPY examples examples
COPY tools tools
RUN pip install --no-cache-dir ".[mpi-local]"
CMD ["python", "tools/equal_bits.py", "2"]
