#!/usr/bin/env bash
# The products that stories here drive: those of npm, and those of PyPI where there is a Python for them.
set -euo pipefail
cd "$(dirname "$0")"
npm ci --no-audit --no-fund
python3 -m venv node_modules/.python &&
  node_modules/.python/bin/pip install --quiet --disable-pip-version-check uv==0.13.9 &&
  node_modules/.python/bin/uv pip install --quiet --python node_modules/.python/bin/python --no-deps -r requirements.txt ||
  { rm -rf node_modules/.python; echo 'The products of PyPI cannot be had; their stories are left out.'; }
