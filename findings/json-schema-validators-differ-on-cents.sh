#!/usr/bin/env bash
# "multipleOf": 0.01, the usual rule for amounts, over the 10000 amounts from 0.01 to 100.00: ajv 8.20.0 (npm) and jsonschema 4.26.0 (PyPI)
# refuse some, among them 19.99 and 4.35, since they divide in binary; @hyperjump/json-schema 1.18.0 (npm) and jsonschema-rs 0.61.2
# (PyPI) take them all. JSON Schema (validation 6.2.1) speaks of the number that is written. A sender's schema refuses the price
# of one order, a receiver's does not.
# Guess before: a handful of refusals, in one of the four.
# Seen, refused of 10000, then 19.99 and 4.35: ajv 1363 false false, hyperjump 0 true true, jsonschema 1363 False False,
# jsonschema-rs 0 True True.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent ajv@8.20.0 @hyperjump/json-schema@1.18.0 >/dev/null
python3 -m venv python >/dev/null && python/bin/pip install --quiet jsonschema==4.26.0 jsonschema-rs==0.61.2 >/dev/null
cat > try.mjs <<'JS'
import { registerSchema, validate } from '@hyperjump/json-schema/draft-2020-12'
import Ajv from 'ajv/dist/2020.js'
const amounts = Array.from({ length: 10_000 }, (_, at) => Number(`${Math.floor((at + 1) / 100)}.${String((at + 1) % 100).padStart(2, '0')}`))
const told = (name, isValid) => console.log(name, amounts.filter((amount) => !isValid(amount)).length, isValid(19.99), isValid(4.35))
told('ajv', new Ajv.default({ strict: false }).compile({ multipleOf: 0.01 }))
registerSchema({ multipleOf: 0.01 }, 'https://example.com/amount', 'https://json-schema.org/draft/2020-12/schema')
const isValid = await validate('https://example.com/amount')
told('hyperjump', (amount) => isValid(amount).valid)
JS
cat > try.py <<'PY'
import jsonschema, jsonschema_rs
amounts = [float(f"{cents // 100}.{cents % 100:02}") for cents in range(1, 10_001)]
for name, is_valid in [
    ("jsonschema", jsonschema.Draft202012Validator({"multipleOf": 0.01}).is_valid),
    ("jsonschema-rs", jsonschema_rs.Draft202012Validator({"multipleOf": 0.01}).is_valid),
]:
    print(name, sum(not is_valid(amount) for amount in amounts), is_valid(19.99), is_valid(4.35))
PY
seen=$(node try.mjs; python/bin/python try.py); echo "$seen"
[ "$seen" = $'ajv 1363 false false\nhyperjump 0 true true\njsonschema 1363 False False\njsonschema-rs 0 True True' ]
