#!/usr/bin/env bash
# github.com/cloudevents/sdk-go/v2 v2.16.2: an event whose data is an object under a JSON type of its own (application/problem+json,
# application/scim+json) is refused: "expected a string". The JSON format of CloudEvents (1.0.2, 3.1.1) counts every subtype that ends
# in +json as JSON. cloudevents 2.2.0 (PyPI) and cloudevents 10.0.0 (npm) give the object.
# Guess before: all three give the object.
# Seen: Go refused for application/problem+json, {"a":1} for application/json; Python and JavaScript {"a":1} twice.
set -euo pipefail
dir=$(mktemp -d); trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent cloudevents@10.0.0 >/dev/null
python3 -m venv python >/dev/null && python/bin/pip install --quiet cloudevents==2.2.0 >/dev/null
for type in application/json application/problem+json; do
  printf '{"specversion":"1.0","id":"1","source":"/shop","type":"order.failed","datacontenttype":"%s","data":{"a":1}}\n' "$type"
done > events
cat > main.go <<'GO'
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/cloudevents/sdk-go/v2/event"
)

func main() {
	text, _ := os.ReadFile("events")
	for _, line := range strings.Fields(string(text)) {
		var read event.Event
		if err := json.Unmarshal([]byte(line), &read); err != nil {
			fmt.Println("Go refused", strings.Contains(err.Error(), "expected a string"))
		} else {
			fmt.Println("Go", string(read.Data()))
		}
	}
}
GO
export GOPATH="$dir/go" GOFLAGS=-mod=mod
go mod init try >/dev/null 2>&1 && go get github.com/cloudevents/sdk-go/v2@v2.16.2 >/dev/null 2>&1
cat > try.py <<'PY'
import json
from cloudevents.core.bindings.http import HTTPMessage, from_structured
from cloudevents.core.formats.json import JSONFormat
for line in open("events", "rb"):
    message = HTTPMessage(headers={"content-type": "application/cloudevents+json"}, body=line)
    print("Python", json.dumps(from_structured(message, JSONFormat()).get_data(), separators=(",", ":")))
PY
cat > try.cjs <<'JS'
const { readFileSync } = require('node:fs')
const { HTTP } = require('cloudevents')
for (const body of readFileSync('events', 'utf8').trim().split('\n'))
  console.log('JavaScript', JSON.stringify(HTTP.toEvent({ headers: { 'content-type': 'application/cloudevents+json' }, body }).data))
JS
seen=$(go run .; python/bin/python try.py; node try.cjs); echo "$seen"
[ "$seen" = $'Go {"a":1}\nGo refused true\nPython {"a":1}\nPython {"a":1}\nJavaScript {"a":1}\nJavaScript {"a":1}' ]
