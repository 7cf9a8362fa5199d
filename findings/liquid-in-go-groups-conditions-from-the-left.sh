#!/usr/bin/env bash
# github.com/osteele/liquid v1.6.0: "or" and "and" are taken from left to right with the same weight. The documentation of Liquid takes them from
# right to left: "true or false and false" is true there, and in liquidjs 10.30.1 (npm) and python-liquid 2.3.6 (PyPI), false in
# Go. Templates that moved to Go skip a branch. "capitalize" leaves capitals within a word there, and '' is not `empty`.
# Guess before: all alike.
# Seen: liquidjs "yes Big sale yes", python-liquid the same, Go "no BIG sale no".
set -euo pipefail
dir=$(mktemp -d); trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent liquidjs@10.30.1 >/dev/null
python3 -m venv python >/dev/null && python/bin/pip install --quiet python-liquid==2.3.6 >/dev/null
export TEMPLATE="{% if true or false and false %}yes{% else %}no{% endif %} {{ 'BIG sale' | capitalize }} {% if '' == empty %}yes{% else %}no{% endif %}"
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
[ "$seen" = 'liquidjs yes Big sale yes
python-liquid yes Big sale yes
Go no BIG sale no <nil>' ]
