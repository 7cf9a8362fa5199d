#!/usr/bin/env bash
# The products that stories here drive: those of npm, those of PyPI where there is a Python for them, and Kafka where there is Java.
set -euo pipefail
cd "$(dirname "$0")"
npm ci --no-audit --no-fund
python3 -m venv node_modules/.python &&
  node_modules/.python/bin/pip install --quiet --disable-pip-version-check uv==0.13.9 &&
  node_modules/.python/bin/uv pip install --quiet --python node_modules/.python/bin/python --no-deps -r requirements.txt ||
  { rm -rf node_modules/.python; echo 'The products of PyPI cannot be had; their stories are left out.'; }
if command -v mvn >/dev/null && command -v java >/dev/null; then
  mvn -q -B -f kafka/pom.xml org.apache.maven.plugins:maven-dependency-plugin:3.7.0:copy-dependencies -DoutputDirectory="$PWD/node_modules/.kafka" ||
    { rm -rf node_modules/.kafka; echo 'Kafka cannot be had; its stories are left out.'; }
else
  echo 'There is no Java with Maven; the stories of Kafka are left out.'
fi
