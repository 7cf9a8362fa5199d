#!/usr/bin/env bash
# jsonata 2.2.2 (npm): $toMillis with the picture [Y,2-2] reads 24 as 1924 in JavaScript. jsonata-python 0.7.1 (PyPI) reads
# it as the year 24. Neither reads 2024, and neither complains.
# Seen: "1924-01-02 0024-01-02".
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent jsonata@2.2.2 >/dev/null
python3 -m venv python >/dev/null && python/bin/pip install --quiet jsonata-python==0.7.1 >/dev/null
export FORMULA='$toMillis("1/2/24", "[M]/[D]/[Y,2-2]")'
cat > try.cjs <<'JS'
require('jsonata')(process.env.FORMULA).evaluate({}).then((ms) => console.log(new Date(ms).toISOString().slice(0, 10)))
JS
cat > try.py <<'PY'
import datetime, os, jsonata
ms = jsonata.Jsonata(os.environ["FORMULA"]).evaluate({})
print((datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=ms)).date().isoformat())
PY
seen="$(node try.cjs) $(python/bin/python try.py)"; echo "$seen"
[ "$seen" = '1924-01-02 0024-01-02' ]
