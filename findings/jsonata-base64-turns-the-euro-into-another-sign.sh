#!/usr/bin/env bash
# jsonata 2.2.2 (npm): $base64encode() keeps the lowest eight bits of each character. "5 €" comes back from $base64decode() as "5 ¬", and
# "ü" is one byte, where com.dashjoin:jsonata, jsonata-python 0.7.1 (PyPI) and receivers of a Basic header (RFC 7617) count in UTF-8.
# No error is raised. Formulas that move between ports write other headers.
# Guess before: UTF-8, or an error as of btoa().
# Seen: JavaScript ["5 ¬","/A=="], Python ["5 €","w7w="].
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent jsonata@2.2.2 >/dev/null
python3 -m venv python >/dev/null && python/bin/pip install --quiet jsonata-python==0.7.1 >/dev/null
export FORMULA='[$base64decode($base64encode("5 €")), $base64encode("ü")]'
cat > try.cjs <<'JS'
require('jsonata')(process.env.FORMULA).evaluate({}).then((value) => console.log('JavaScript', JSON.stringify(value)))
JS
cat > try.py <<'PY'
import json, os, jsonata
print("Python", json.dumps(jsonata.Jsonata(os.environ["FORMULA"]).evaluate({}), separators=(",", ":"), ensure_ascii=False))
PY
seen=$(node try.cjs; PYTHONUTF8=1 python/bin/python try.py); echo "$seen"
[ "$seen" = $'JavaScript ["5 ¬","/A=="]\nPython ["5 €","w7w="]' ]
