#!/usr/bin/env bash
# github.com/evanphx/json-patch/v5 v5.9.11: a merge patch that sets a list loses the nulls in the objects of that list. RFC 7396 (section 2)
# takes whatever is not an object as it is, lists too: null means "remove" only where objects are merged. json-merge-patch 1.0.2
# (npm) and json-merge-patch 0.3.0 (PyPI) keep them. Documents that two services patch alike differ afterwards.
# Guess before: all three keep them.
# Seen: Go {"lines":[{"sku":"a"}]}, npm and PyPI {"lines":[{"sku":"a","note":null}]}.
set -euo pipefail
dir=$(mktemp -d); trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent json-merge-patch@1.0.2 >/dev/null
python3 -m venv python >/dev/null && python/bin/pip install --quiet json-merge-patch==0.3.0 >/dev/null
export PATCH='{"lines":[{"sku":"a","note":null}]}'
cat > main.go <<'GO'
package main

import (
	"fmt"
	"os"

	jsonpatch "github.com/evanphx/json-patch/v5"
)

func main() {
	merged, err := jsonpatch.MergePatch([]byte(`{"lines":[]}`), []byte(os.Getenv("PATCH")))
	fmt.Println("Go", string(merged), err)
}
GO
export GOPATH="$dir/go" GOFLAGS=-mod=mod
go mod init try >/dev/null 2>&1 && go get github.com/evanphx/json-patch/v5@v5.9.11 >/dev/null 2>&1
cat > try.cjs <<'JS'
console.log('npm', JSON.stringify(require('json-merge-patch').apply({ lines: [] }, JSON.parse(process.env.PATCH))))
JS
cat > try.py <<'PY'
import json, json_merge_patch, os
print("PyPI", json.dumps(json_merge_patch.merge({"lines": []}, json.loads(os.environ["PATCH"])), separators=(",", ":")))
PY
seen=$(go run .; node try.cjs; python/bin/python try.py); echo "$seen"
[ "$seen" = 'Go {"lines":[{"sku":"a"}]} <nil>
npm {"lines":[{"sku":"a","note":null}]}
PyPI {"lines":[{"sku":"a","note":null}]}' ]
