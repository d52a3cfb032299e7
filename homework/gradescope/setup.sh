#!/usr/bin/env bash
# Gradescope runs this once, when it builds the autograder's image: Python, and what the grader needs.
set -euo pipefail
apt-get update
apt-get install -y --no-install-recommends python3 python3-venv
python3 -m venv /autograder/environment
/autograder/environment/bin/pip install -r /autograder/source/requirements.txt
