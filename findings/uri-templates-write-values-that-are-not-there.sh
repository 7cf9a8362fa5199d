#!/usr/bin/env bash
# url-template 3.1.1, uri-templates 0.2.0 (npm), uritemplate 4.2.0 (PyPI): RFC 6570 (2.3) leaves out what is undefined: a list without members,
# and members without a value. Each writes some of it: url-template "?tags=", which many APIs read as the filter for the empty tag,
# uri-templates the word null, uritemplate the word None. And false is false in JavaScript, nothing ("?open=") in Python, true "True".
# Guess before: all leave them out.
# Seen, {?tags} of [] / {/path*} of ["a",null] / {?pair} of {"a":null,"b":1} / {?open} of false:
#   url-template ?tags= /a ?pair=b,1 ?open=false; uri-templates "" /a/null ?pair=a,null,b,1 ?open=false; uritemplate "" /a
#   ?pair=a,None,b,1 ?open=
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent url-template@3.1.1 uri-templates@0.2.0 >/dev/null
python3 -m venv python >/dev/null && python/bin/pip install --quiet uritemplate==4.2.0 >/dev/null
echo '[["{?tags}",{"tags":[]}],["{/path*}",{"path":["a",null]}],["{?pair}",{"pair":{"a":null,"b":1}}],["{?open}",{"open":false}]]' > cases.json
cat > try.mjs <<'JS'
import { readFileSync } from 'node:fs'
import uriTemplates from 'uri-templates'
import { parseTemplate } from 'url-template'
const cases = JSON.parse(readFileSync('cases.json', 'utf8'))
console.log('url-template', ...cases.map(([template, values]) => parseTemplate(template).expand(values) || '""'))
console.log('uri-templates', ...cases.map(([template, values]) => uriTemplates(template).fill(values) || '""'))
JS
cat > try.py <<'PY'
import json, uritemplate
print("uritemplate", *[uritemplate.expand(template, values) or '""' for template, values in json.load(open("cases.json"))])
PY
seen=$(node try.mjs; python/bin/python try.py); echo "$seen"
[ "$seen" = 'url-template ?tags= /a ?pair=b,1 ?open=false
uri-templates "" /a/null ?pair=a,null,b,1 ?open=false
uritemplate "" /a ?pair=a,None,b,1 ?open=' ]
