#!/usr/bin/env bash
# cloudevents 10.0.0 (npm) and cloudevents 2.2.0 (PyPI): an event whose data is the text "42" is sent in binary mode as 42, without its
# quotes, under application/json: a number for whoever reads it, Python itself included; "0042" is no JSON at all. The HTTP binding
# (CloudEvents 1.0.2, 3.1.2) has the body be the data in its content type: github.com/cloudevents/sdk-go/v2 v2.16.2 sends the quotes.
# In structured mode all three keep them, so that a change of mode changes the data.
# Guess before: quotes, as JSON has them.
# Seen: JavaScript sends 42 (reads a string), Python sends 42 (reads an int), Go sends "42".
set -euo pipefail
dir=$(mktemp -d); trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent cloudevents@10.0.0 >/dev/null
python3 -m venv python >/dev/null && python/bin/pip install --quiet cloudevents==2.2.0 >/dev/null
cat > try.cjs <<'JS'
const { CloudEvent, HTTP } = require('cloudevents')
const message = HTTP.binary(new CloudEvent({ id: '1', source: '/shop', type: 'order.made', datacontenttype: 'application/json', data: '42' }))
console.log('JavaScript', message.headers['content-type'], message.body, typeof HTTP.toEvent(message).data)
JS
cat > try.py <<'PY'
from cloudevents.core.bindings.http import from_binary, to_binary
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
attributes = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "order.made", "datacontenttype": "application/json"}
message = to_binary(CloudEvent(attributes, "42"), JSONFormat())
print("Python", message.headers["content-type"], message.body.decode(), type(from_binary(message, JSONFormat()).get_data()).__name__)
PY
cat > main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/cloudevents/sdk-go/v2/binding"
	"github.com/cloudevents/sdk-go/v2/event"
	cloudhttp "github.com/cloudevents/sdk-go/v2/protocol/http"
)

func main() {
	sent := event.New()
	sent.SetID("1")
	sent.SetSource("/shop")
	sent.SetType("order.made")
	if err := sent.SetData("application/json", "42"); err != nil {
		panic(err)
	}
	request, _ := http.NewRequest("POST", "http://localhost/", nil)
	if err := cloudhttp.WriteRequest(context.Background(), binding.ToMessage(&sent), request); err != nil {
		panic(err)
	}
	body, _ := io.ReadAll(request.Body)
	fmt.Println("Go", request.Header.Get("content-type"), string(body))
}
GO
export GOPATH="$dir/go" GOFLAGS=-mod=mod
go mod init try >/dev/null 2>&1 && go get github.com/cloudevents/sdk-go/v2@v2.16.2 >/dev/null 2>&1
seen=$(node try.cjs; python/bin/python try.py; go run .); echo "$seen"
[ "$seen" = $'JavaScript application/json 42 string\nPython application/json 42 int\nGo application/json "42"' ]
