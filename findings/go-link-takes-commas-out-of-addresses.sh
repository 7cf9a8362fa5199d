#!/usr/bin/env bash
# github.com/peterhellberg/link v1.2.0: a comma in the address of a Link header is taken out, so that the next page is asked for with another
# filter, and answers. github.com/tomnomnom/linkheader (2018-02) finds no link at all in that header. A comma is allowed in a query
# (RFC 3986, 3.3 and 3.4), and addresses with lists such as labels=bug,web have one. Neither knows rel="next last", one link with
# two meanings (RFC 8288, 3.3).
# Guess before: peterhellberg reads both, tomnomnom stumbles over the comma.
# Seen, peterhellberg / tomnomnom: "https://api.example.com/issues?labels=bugweb&page=2" / none; for "next last": none / none;
# without a comma both read the address.
set -euo pipefail
dir=$(mktemp -d); trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT; cd "$dir"
cat > main.go <<'GO'
package main

import (
	"fmt"

	"github.com/peterhellberg/link"
	"github.com/tomnomnom/linkheader"
)

func main() {
	for _, header := range []string{
		`<https://api.example.com/issues?labels=bug&page=2>; rel="next"`,
		`<https://api.example.com/issues?labels=bug,web&page=2>; rel="next"`,
		`<https://api.example.com/issues?labels=bug&page=2>; rel="next last"`,
	} {
		one, other := "none", "none"
		if next := link.Parse(header)["next"]; next != nil {
			one = next.URI
		}
		for _, next := range linkheader.Parse(header).FilterByRel("next") {
			other = next.URL
		}
		fmt.Println(one, "/", other)
	}
}
GO
export GOPATH="$dir/go" GOFLAGS=-mod=mod
go mod init try >/dev/null 2>&1
go get github.com/peterhellberg/link@v1.2.0 github.com/tomnomnom/linkheader@v0.0.0-20180905144013-02ca5825eb80 >/dev/null 2>&1
seen=$(go run .); echo "$seen"
[ "$seen" = 'https://api.example.com/issues?labels=bug&page=2 / https://api.example.com/issues?labels=bug&page=2
https://api.example.com/issues?labels=bugweb&page=2 / none
none / none' ]
