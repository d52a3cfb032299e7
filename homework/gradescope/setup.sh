#!/usr/bin/env bash
# Gradescope runs this once, when it builds the autograder's image: Python, and what the grader needs.
set -euo pipefail
apt-get update
apt-get install -y --no-install-recommends python3 python3-venv make
make -C /autograder/source/repository PYTHON=python3 .venv/ready
