#!/usr/bin/env bash
# jsonpath-plus 10.4.0 (npm): $.lines[-1] finds nothing, without an error, and so do [::-1] and two names in one pair of brackets. RFC 9535
# (2.3.3, 2.3.4, 2.3.1) has the last member, the list backwards, and both members. jsonpath 1.3.0 (npm) does the last two;
# json-p3 2.3.1 (npm) and com.jayway.jsonpath do [-1] as written. In the other direction, "$.name[0]" is a letter of the text in
# jsonpath-plus, and $.lines.length the number of lines; by the RFC both are nothing.
# Guess before: [-1] works, as [-1:] does.
# Seen, for $.l[-1], $.l[-1:], $.l[::-1], $.o['a','b'], $.s[0], $.l.length: jsonpath-plus [] [3] [] [] ["x"] [3],
# jsonpath [] [3] [3,2,1] [1,2] [] [3], json-p3 [3] [3] [3,2,1] [1,2] [] [].
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent jsonpath-plus@10.4.0 jsonpath@1.3.0 json-p3@2.3.1 >/dev/null
cat > try.mjs <<'JS'
import { jsonpath as p3 } from 'json-p3'
import jsonpath from 'jsonpath'
import { JSONPath } from 'jsonpath-plus'
const json = { l: [1, 2, 3], o: { a: 1, b: 2 }, s: 'xyz' }
const told = (name, query) =>
  console.log(name, ...['$.l[-1]', '$.l[-1:]', '$.l[::-1]', "$.o['a','b']", '$.s[0]', '$.l.length'].map((path) => JSON.stringify(query(path))))
told('jsonpath-plus', (path) => JSONPath({ path, json }))
told('jsonpath', (path) => jsonpath.query(json, path))
told('json-p3', (path) => p3.query(path, json).values())
JS
seen=$(node try.mjs); echo "$seen"
[ "$seen" = 'jsonpath-plus [] [3] [] [] ["x"] [3]
jsonpath [] [3] [3,2,1] [1,2] [] [3]
json-p3 [3] [3] [3,2,1] [1,2] [] []' ]
