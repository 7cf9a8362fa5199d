#!/usr/bin/env bash
# jsonpath-plus 10.4.0 and jsonpath 1.3.0 (npm): filters compare as JavaScript does. RFC 9535 (2.3.5.2) has null and texts neither below nor
# above a number, null unlike what is missing, and a bare path true where there is a value, whatever it is. A filter for cheap
# lines takes those without a price; one for lines with a discount leaves out a discount of 0. json-p3 2.3.1 (npm) and jsonpath-ng
# 1.16.0 (PyPI) go by the RFC.
# Guess before: all alike; these are the plainest filters there are.
# Seen, for @.n<5 / @.n==null / @.n / !@.n over n = 0, 7, null, "3", none: jsonpath-plus and jsonpath a,c,d / c,e / b,d / a,c,e,
# the others a / c / a,b,c,d / e.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent jsonpath-plus@10.4.0 jsonpath@1.3.0 json-p3@2.3.1 >/dev/null
python3 -m venv python >/dev/null && python/bin/pip install --quiet jsonpath-ng==1.16.0 >/dev/null
echo '{"lines":[{"sku":"a","n":0},{"sku":"b","n":7},{"sku":"c","n":null},{"sku":"d","n":"3"},{"sku":"e"}]}' > document.json
echo '["$.lines[?(@.n<5)].sku","$.lines[?(@.n==null)].sku","$.lines[?(@.n)].sku","$.lines[?(!@.n)].sku"]' > paths.json
cat > try.mjs <<'JS'
import { readFileSync } from 'node:fs'
import { jsonpath as p3 } from 'json-p3'
import jsonpath from 'jsonpath'
import { JSONPath } from 'jsonpath-plus'
const [json, paths] = ['document.json', 'paths.json'].map((name) => JSON.parse(readFileSync(name, 'utf8')))
console.log('jsonpath-plus', paths.map((path) => JSONPath({ path, json })).join(' / '))
console.log('jsonpath', paths.map((path) => jsonpath.query(json, path)).join(' / '))
console.log('json-p3', paths.map((path) => p3.query(path, json).values()).join(' / '))
JS
cat > try.py <<'PY'
import json
from jsonpath_ng.ext import parse
document, paths = json.load(open("document.json")), json.load(open("paths.json"))
print("jsonpath-ng", " / ".join(",".join(match.value for match in parse(path).find(document)) for path in paths))
PY
seen=$(node try.mjs; python/bin/python try.py); echo "$seen"
[ "$seen" = 'jsonpath-plus a,c,d / c,e / b,d / a,c,e
jsonpath a,c,d / c,e / b,d / a,c,e
json-p3 a / c / a,b,c,d / e
jsonpath-ng a / c / a,b,c,d / e' ]
