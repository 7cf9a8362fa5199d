#!/usr/bin/env bash
# requests 2.34.2 (PyPI), parse-link-header 2.0.0, li 1.3.0 (npm): valid Link headers (RFC 8288, section 3) lose their next page without an
# error, and paging ends early. A ";" in the address, or "=" or ";" in a quoted title, hides `rel` from requests; a space
# before "=" or a capital REL (parameter names count in any case) hides it from the two of npm. http-link-header 1.1.4 reads all.
# Guess before: the two of npm fail at the ";", requests reads all.
# Seen, in the order of the headers below: requests no no no yes no, parse-link-header yes yes yes no no, li yes yes yes no no,
# http-link-header yes yes yes yes yes.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent parse-link-header@2.0.0 li@1.3.0 http-link-header@1.1.4 >/dev/null
python3 -m venv python >/dev/null && python/bin/pip install --quiet requests==2.34.2 >/dev/null
cat > headers.json <<'JSON'
[
  "<https://api.example.com/orders;state=open?page=2>; rel=\"next\"",
  "<https://api.example.com/orders?page=2>; title=\"state=open\"; rel=\"next\"",
  "<https://api.example.com/orders?page=2>; title=\"orders; page 2\"; rel=\"next\"",
  "<https://api.example.com/orders?page=2>; rel = \"next\"",
  "<https://api.example.com/orders?page=2>; REL=\"next\""
]
JSON
cat > try.py <<'PY'
import json, requests
for header in json.load(open("headers.json")):
    response = requests.Response()
    response.headers["link"] = header
    print("yes" if "next" in response.links else "no", end=" ")
PY
cat > try.mjs <<'JS'
import { readFileSync } from 'node:fs'
import httpLinkHeader from 'http-link-header'
import li from 'li'
import parseLinkHeader from 'parse-link-header'
const headers = JSON.parse(readFileSync('headers.json', 'utf8'))
const told = (has) => console.log(headers.map((header) => (has(header) ? 'yes' : 'no')).join(' '))
told((header) => parseLinkHeader(header)?.next)
told((header) => li.parse(header).next)
told((header) => httpLinkHeader.parse(header).has('rel', 'next'))
JS
seen="$(python/bin/python try.py)
$(node try.mjs)"; echo "$seen"
[ "$seen" = 'no no no yes no 
yes yes yes no no
yes yes yes no no
yes yes yes yes yes' ]
