#!/usr/bin/env bash
# ajv 8.20.0 (npm, ajv/dist/2020) against @hyperjump/json-schema 1.18.0 (npm) and jsonschema 4.26.0 (PyPI): three schemas of draft 2020-12 that
# it takes and answers otherwise. Entries that "contains" does not match stay unevaluated (core 11.2): ajv lets them pass where
# unevaluatedItems is false. A $dynamicRef to an anchor beside it checks nothing. And a property named "constructor" counts as
# there in every object, since an object of JavaScript has one: {} is refused for it.
# Guess before: all three alike, with an error for what is not supported.
# Seen, [1,2] / [1] / {}: ajv true true false, hyperjump false false true, jsonschema False False True.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent ajv@8.20.0 @hyperjump/json-schema@1.18.0 >/dev/null
python3 -m venv python >/dev/null && python/bin/pip install --quiet jsonschema==4.26.0 >/dev/null
cat > cases.json <<'JSON'
[
  [{ "contains": { "const": 1 }, "unevaluatedItems": false }, [1, 2]],
  [{ "items": { "$dynamicRef": "#sku" }, "$defs": { "sku": { "$dynamicAnchor": "sku", "type": "string" } } }, [1]],
  [{ "properties": { "constructor": { "type": "string" } } }, {}]
]
JSON
cat > try.mjs <<'JS'
import { readFileSync } from 'node:fs'
import { registerSchema, validate } from '@hyperjump/json-schema/draft-2020-12'
import Ajv from 'ajv/dist/2020.js'
const $schema = 'https://json-schema.org/draft/2020-12/schema'
const cases = JSON.parse(readFileSync('cases.json', 'utf8'))
console.log('ajv', ...cases.map(([schema, value]) => new Ajv.default({ strict: false }).compile({ $schema, ...schema })(value)))
const told = []
for (const [at, [schema, value]] of cases.entries()) {
  registerSchema(schema, `https://example.com/${at}`, $schema)
  told.push((await validate(`https://example.com/${at}`, value)).valid)
}
console.log('hyperjump', ...told)
JS
cat > try.py <<'PY'
import json, jsonschema
print("jsonschema", *[jsonschema.Draft202012Validator(schema).is_valid(value) for schema, value in json.load(open("cases.json"))])
PY
seen=$(node try.mjs; python/bin/python try.py); echo "$seen"
[ "$seen" = $'ajv true true false\nhyperjump false false true\njsonschema False False True' ]
