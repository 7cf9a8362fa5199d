#!/usr/bin/env bash
# github.com/blues/jsonata-go v1.5.4 against jsonata 2.2.2 (npm): midnight on a clock of twelve hours is 0:00 am, not 12:00 am, and
# $encodeUrlComponent makes a space a plus, as forms do: in a path a plus is a plus, so that an address with a name in it leads elsewhere.
# Seen: JavaScript "12:00 am a%20b", Go "0:00 am a+b".
set -euo pipefail
dir=$(mktemp -d); trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent jsonata@2.2.2 >/dev/null
export FORMULA='$fromMillis(1704067200000, "[h]:[m01] [P]") & " " & $encodeUrlComponent("a b")'
cat > try.cjs <<'JS'
require('jsonata')(process.env.FORMULA).evaluate({}).then((value) => console.log(value))
JS
cat > main.go <<'GO'
package main

import (
	"fmt"
	"os"

	jsonata "github.com/blues/jsonata-go"
)

func main() {
	value, err := jsonata.MustCompile(os.Getenv("FORMULA")).Eval(nil)
	fmt.Println(value, err)
}
GO
export GOPATH="$dir/go" GOFLAGS=-mod=mod
go mod init try >/dev/null 2>&1 && go get github.com/blues/jsonata-go@v1.5.4 >/dev/null 2>&1
seen="$(node try.cjs), $(go run .)"; echo "$seen"
[ "$seen" = '12:00 am a%20b, 0:00 am a+b <nil>' ]
