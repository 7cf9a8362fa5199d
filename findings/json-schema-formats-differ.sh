#!/usr/bin/env bash
# The same formats, three answers: ajv 8.20.0 with ajv-formats 3.0.1 (npm), jsonschema[format] 4.26.0, jsonschema-rs 0.61.2 (PyPI). JSON Schema
# (validation 7.3.1) takes moments and durations from RFC 3339: a leap second counts (Python refuses it), PT0.5S and PT1H2S are no
# durations there (Python takes both, ajv the second), though ISO 8601 has them. An address with a quoted local part (RFC 5321) is
# none for ajv, nor one at a bare host.
# Guess before: alike on moments, unlike on addresses.
# Seen, for a leap second / PT0.5S / PT1H2S / "a b"@example.com / a@host: ajv true false true false false, jsonschema False True True
# True True, jsonschema-rs True False False True True.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent ajv@8.20.0 ajv-formats@3.0.1 >/dev/null
python3 -m venv python >/dev/null && python/bin/pip install --quiet 'jsonschema[format]==4.26.0' jsonschema-rs==0.61.2 >/dev/null
cat > cases.json <<'JSON'
[
  ["date-time", "2016-12-31T23:59:60Z"],
  ["duration", "PT0.5S"],
  ["duration", "PT1H2S"],
  ["email", "\"a b\"@example.com"],
  ["email", "a@host"]
]
JSON
cat > try.mjs <<'JS'
import { readFileSync } from 'node:fs'
import Ajv from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
const ajv = addFormats.default(new Ajv.default({ strict: false }))
console.log('ajv', ...JSON.parse(readFileSync('cases.json', 'utf8')).map(([format, value]) => ajv.validate({ format }, value)))
JS
cat > try.py <<'PY'
import json, jsonschema, jsonschema_rs
cases = json.load(open("cases.json"))
one = jsonschema.Draft202012Validator
print("jsonschema", *[one({"format": format}, format_checker=one.FORMAT_CHECKER).is_valid(value) for format, value in cases])
print("jsonschema-rs", *[jsonschema_rs.Draft202012Validator({"format": format}, validate_formats=True).is_valid(value) for format, value in cases])
PY
seen=$(node try.mjs; python/bin/python try.py); echo "$seen"
[ "$seen" = $'ajv true false true false false\njsonschema False True True True True\njsonschema-rs True False False True True' ]
