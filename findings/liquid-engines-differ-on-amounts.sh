#!/usr/bin/env bash
# liquidjs 10.30.1 (npm), python-liquid 2.3.6 (PyPI), github.com/osteele/liquid v1.6.0: the same template, three sets of amounts. The
# documentation of Liquid rounds a division by a whole number down (liquidjs does not), and 7.0 / 2 is 3.5 (3 in Go); a half goes up
# (to the even neighbour in Python); 4.10 times 100 is 410 only in Python, which counts in decimals as the Ruby original does.
# Guess before: rounding alike, division alike.
# Seen, for 7|divided_by:2, 7.0|divided_by:2, 2.5|round, 4.10|times:100, -7|modulo:3:
#   liquidjs 3.5 3.5 3 409.99999999999994 2, python-liquid 3 3.5 2 410.0 2, Go 3 3 3 409.99999999999994 -1.
set -euo pipefail
dir=$(mktemp -d); trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent liquidjs@10.30.1 >/dev/null
python3 -m venv python >/dev/null && python/bin/pip install --quiet python-liquid==2.3.6 >/dev/null
export TEMPLATE='{{ 7 | divided_by: 2 }} {{ 7.0 | divided_by: 2 }} {{ 2.5 | round }} {{ 4.10 | times: 100 }} {{ -7 | modulo: 3 }}'
cat > try.cjs <<'JS'
const { Liquid } = require('liquidjs')
console.log('liquidjs', new Liquid().parseAndRenderSync(process.env.TEMPLATE))
JS
cat > try.py <<'PY'
import liquid, os
print("python-liquid", liquid.render(os.environ["TEMPLATE"]))
PY
cat > main.go <<'GO'
package main

import (
	"fmt"
	"os"

	"github.com/osteele/liquid"
)

func main() {
	text, err := liquid.NewEngine().ParseAndRenderString(os.Getenv("TEMPLATE"), map[string]any{})
	fmt.Println("Go", text, err)
}
GO
export GOPATH="$dir/go" GOFLAGS=-mod=mod
go mod init try >/dev/null 2>&1 && go get github.com/osteele/liquid@v1.6.0 >/dev/null 2>&1
seen=$(node try.cjs; python/bin/python try.py; go run .); echo "$seen"
[ "$seen" = 'liquidjs 3.5 3.5 3 409.99999999999994 2
python-liquid 3 3.5 2 410.0 2
Go 3 3 3 409.99999999999994 -1 <nil>' ]
