#!/usr/bin/env bash
# github.com/jmespath/go-jmespath v0.4.0 and github.com/jmespath-community/go-jmespath v1.1.1: sort_by() sorts the list within the document
# that it is given. A query changes what the next one sees: lines[0] is another line afterwards, and so is what goes on to be sent.
# Queries are functions of their input by the specification; jmespath 1.1.0 (PyPI) leaves the document as it is.
# Guess before: the document stays as it is.
# Seen, lines[0].sku before and after sort_by(lines, &n): Go "b" "a", twice, Python "b" "b".
set -euo pipefail
dir=$(mktemp -d); trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv python >/dev/null && python/bin/pip install --quiet jmespath==1.1.0 >/dev/null
cat > main.go <<'GO'
package main

import (
	"encoding/json"
	"fmt"

	community "github.com/jmespath-community/go-jmespath"
	"github.com/jmespath/go-jmespath"
)

func told(search func(string, any) (any, error)) {
	var document any
	if err := json.Unmarshal([]byte(`{"lines":[{"sku":"b","n":2},{"sku":"a","n":1}]}`), &document); err != nil {
		panic(err)
	}
	before, _ := search("lines[0].sku", document)
	search("sort_by(lines, &n)", document)
	after, _ := search("lines[0].sku", document)
	fmt.Println("Go", before, after)
}

func main() {
	told(jmespath.Search)
	told(func(query string, document any) (any, error) { return community.Search(query, document) })
}
GO
export GOPATH="$dir/go" GOFLAGS=-mod=mod
go mod init try >/dev/null 2>&1
go get github.com/jmespath/go-jmespath@v0.4.0 github.com/jmespath-community/go-jmespath@v1.1.1 >/dev/null 2>&1
cat > try.py <<'PY'
import jmespath
document = {"lines": [{"sku": "b", "n": 2}, {"sku": "a", "n": 1}]}
before = jmespath.search("lines[0].sku", document)
jmespath.search("sort_by(lines, &n)", document)
print("Python", before, jmespath.search("lines[0].sku", document))
PY
seen=$(go run .; python/bin/python try.py); echo "$seen"
[ "$seen" = $'Go b a\nGo b a\nPython b b' ]
