#!/usr/bin/env bash
# json8-patch 1.0.6 (npm): what "copy" puts elsewhere is the original itself. The next operation on the copy changes both, so that the
# document differs from what RFC 6902 (4.5: as if the value were added anew) and fast-json-patch 3.1.1 and rfc6902 5.4.0 make of
# the same patch. "Copy the address, then change the street" changes the address that was copied.
# Guess before: all three alike.
# Seen: json8-patch {"ship":{"city":"B"},"bill":{"city":"B"}}, the others {"ship":{"city":"A"},"bill":{"city":"B"}}.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent json8-patch@1.0.6 fast-json-patch@3.1.1 rfc6902@5.4.0 >/dev/null
cat > try.cjs <<'JS'
const patch = () => [{ op: 'copy', from: '/ship', path: '/bill' }, { op: 'replace', path: '/bill/city', value: 'B' }]
const document = () => ({ ship: { city: 'A' } })
console.log('json8-patch', JSON.stringify(require('json8-patch').apply(document(), patch()).doc))
console.log('fast-json-patch', JSON.stringify(require('fast-json-patch').applyPatch(document(), patch()).newDocument))
const patched = document()
require('rfc6902').applyPatch(patched, patch())
console.log('rfc6902', JSON.stringify(patched))
JS
seen=$(node try.cjs); echo "$seen"
[ "$seen" = 'json8-patch {"ship":{"city":"B"},"bill":{"city":"B"}}
fast-json-patch {"ship":{"city":"A"},"bill":{"city":"B"}}
rfc6902 {"ship":{"city":"A"},"bill":{"city":"B"}}' ]
