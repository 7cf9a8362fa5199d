#!/usr/bin/env bash
# github.com/evanphx/json-patch/v5 v5.9.11: the operation "test" compares numbers as they are written. RFC 6902 (4.6) has them equal
# "if their values are numerically equal": 20 in the document and 20.0 in the patch, as Python writes an amount, is a failed test
# here, a passed one with jsonpatch 1.48 (PyPI) and fast-json-patch 3.1.1 (npm). A member that is missing passes a test for null
# here; the section wants the target to be there, and the other two fail.
# Guess before: equal numbers pass everywhere, a missing member nowhere.
# Seen: Go failed / passed, Python passed / failed, JavaScript passed / failed.
set -euo pipefail
dir=$(mktemp -d); trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent fast-json-patch@3.1.1 >/dev/null
python3 -m venv python >/dev/null && python/bin/pip install --quiet jsonpatch==1.48 >/dev/null
export NUMBERS='[{"op":"test","path":"/total","value":20.0}]' MISSING='[{"op":"test","path":"/note","value":null}]'
cat > main.go <<'GO'
package main

import (
	"fmt"
	"os"

	jsonpatch "github.com/evanphx/json-patch/v5"
)

func told(text string) string {
	patch, err := jsonpatch.DecodePatch([]byte(text))
	if err != nil {
		return "unread"
	}
	if _, err = patch.Apply([]byte(`{"total":20}`)); err != nil {
		return "failed"
	}
	return "passed"
}

func main() {
	fmt.Println("Go", told(os.Getenv("NUMBERS")), "/", told(os.Getenv("MISSING")))
}
GO
export GOPATH="$dir/go" GOFLAGS=-mod=mod
go mod init try >/dev/null 2>&1 && go get github.com/evanphx/json-patch/v5@v5.9.11 >/dev/null 2>&1
cat > try.py <<'PY'
import jsonpatch, os
def told(text):
    try: jsonpatch.apply_patch({"total": 20}, text)
    except jsonpatch.JsonPatchTestFailed: return "failed"
    return "passed"
print("Python", told(os.environ["NUMBERS"]), "/", told(os.environ["MISSING"]))
PY
cat > try.cjs <<'JS'
const { applyPatch } = require('fast-json-patch')
const told = (text) => {
  try { applyPatch({ total: 20 }, JSON.parse(text)) } catch (error) { return error.name === 'TEST_OPERATION_FAILED' ? 'failed' : error.name }
  return 'passed'
}
console.log('JavaScript', told(process.env.NUMBERS), '/', told(process.env.MISSING))
JS
seen=$(go run .; python/bin/python try.py; node try.cjs); echo "$seen"
[ "$seen" = $'Go failed / passed\nPython passed / failed\nJavaScript passed / failed' ]
