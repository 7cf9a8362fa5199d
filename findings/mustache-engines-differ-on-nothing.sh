#!/usr/bin/env bash
# mustache 4.2.0, handlebars 4.7.10 (npm), chevron 0.14.0, pystache 0.6.8 (PyPI): which values show a section, and what null and true look like.
# Handlebars, which names itself compatible, shows {{#x}} for 0 and for the empty text; the two of Python hide it for an object
# without members, JavaScript shows it; pystache writes None for null (the manual of mustache has nothing), both of Python True. A text for a
# customer changes with the engine.
# Guess before: sections alike; True in Python.
# Seen, for 0, "", [], {} in a section and its opposite, then null and true as values:
#   mustache no no no yes "" true, handlebars yes yes no yes "" true, chevron no no no no "" True, pystache no no no no None True.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent mustache@4.2.0 handlebars@4.7.10 >/dev/null
python3 -m venv python >/dev/null && python/bin/pip install --quiet chevron==0.14.0 pystache==0.6.8 >/dev/null
section() { echo -n "{{#$1}}yes{{/$1}}{{^$1}}no{{/$1}} "; }
export TEMPLATE="$(section zero)$(section text)$(section list)$(section object)\"{{none}}\" {{true_}}"
export VALUES='{"zero":0,"text":"","list":[],"object":{},"none":null,"true_":true}'
cat > try.cjs <<'JS'
const { TEMPLATE, VALUES } = process.env
console.log('mustache', require('mustache').render(TEMPLATE, JSON.parse(VALUES)))
console.log('handlebars', require('handlebars').compile(TEMPLATE)(JSON.parse(VALUES)))
JS
cat > try.py <<'PY'
import chevron, json, os, pystache
template, values = os.environ["TEMPLATE"], json.loads(os.environ["VALUES"])
print("chevron", chevron.render(template, values))
print("pystache", pystache.render(template, values))
PY
seen=$(node try.cjs; python/bin/python try.py); echo "$seen"
[ "$seen" = 'mustache no no no yes "" true
handlebars yes yes no yes "" true
chevron no no no no "" True
pystache no no no no "None" True' ]
