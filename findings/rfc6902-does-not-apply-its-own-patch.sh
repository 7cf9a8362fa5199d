#!/usr/bin/env bash
# rfc6902 5.4.0 (npm): where the whole document becomes of another kind, createPatch() replaces the root (path "", RFC 6901, section 5),
# and applyPatch() of the same package answers such a patch with a MissingError and changes nothing. It returns its errors,
# so that code that does not look at them goes on with the old document. fast-json-patch 3.1.1 applies that patch.
# Guess before: the package applies what it made.
# Seen: [{"op":"replace","path":"","value":[1]}], rfc6902 MissingError {"a":1}, fast-json-patch [1].
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent fast-json-patch@3.1.1 rfc6902@5.4.0 >/dev/null
cat > try.cjs <<'JS'
const rfc6902 = require('rfc6902')
const document = { a: 1 }
const patch = rfc6902.createPatch(document, [1])
const errors = rfc6902.applyPatch(document, patch)
console.log(JSON.stringify(patch))
console.log('rfc6902', errors.map((error) => error?.name).join(), JSON.stringify(document))
console.log('fast-json-patch', JSON.stringify(require('fast-json-patch').applyPatch({ a: 1 }, patch).newDocument))
JS
seen=$(node try.cjs); echo "$seen"
[ "$seen" = '[{"op":"replace","path":"","value":[1]}]
rfc6902 MissingError {"a":1}
fast-json-patch [1]' ]
