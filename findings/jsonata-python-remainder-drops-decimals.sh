#!/usr/bin/env bash
# jsonata-python 0.7.1 (PyPI) against jsonata 2.2.2 (npm): % works on whole numbers only, without an error.
# A formula that takes the rest of an amount gives another value after it moved from JavaScript to Python.
# $formatNumber differs too: halves go to the even neighbour in JavaScript and up in Python.
# Seen: JavaScript [1.5,0.5,"2","0.12"], Python [1,0,"3","0.13"].
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent jsonata@2.2.2 >/dev/null
python3 -m venv python >/dev/null && python/bin/pip install --quiet jsonata-python==0.7.1 >/dev/null
export FORMULA='[7.5 % 2, 5.5 % 1, $formatNumber(2.5, "0"), $formatNumber(0.125, "0.00")]'
cat > try.cjs <<'JS'
require('jsonata')(process.env.FORMULA).evaluate({}).then((value) => console.log(JSON.stringify(value)))
JS
cat > try.py <<'PY'
import json, os, jsonata
print(json.dumps(jsonata.Jsonata(os.environ["FORMULA"]).evaluate({}), separators=(",", ":")))
PY
seen="$(node try.cjs) $(python/bin/python try.py)"; echo "$seen"
[ "$seen" = '[1.5,0.5,"2","0.12"] [1,0,"3","0.13"]' ]
