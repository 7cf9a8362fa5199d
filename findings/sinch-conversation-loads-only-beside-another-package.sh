#!/usr/bin/env bash
# @sinch/conversation 1.4.0 (npm), alone: loading it fails, since @sinch/sdk-client 1.5.0 beneath it reads the package.json of
# @sinch/sdk-core, which neither of them depends on.
# Seen: "MODULE_NOT_FOUND @sinch/sdk-core/package.json".
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent @sinch/conversation@1.4.0 @sinch/sdk-client@1.5.0 >/dev/null
seen=$(node -e "try { require('@sinch/conversation'); console.log('loaded') } catch (error) { console.log(error.code, /'(.*?)'/.exec(error.message)[1]) }")
echo "$seen"
[ "$seen" = 'MODULE_NOT_FOUND @sinch/sdk-core/package.json' ]
