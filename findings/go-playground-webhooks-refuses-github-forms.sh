#!/usr/bin/env bash
# github.com/go-playground/webhooks/v6 v6.4.0: a genuine delivery of GitHub in the content type that GitHub chooses by default
# (application/x-www-form-urlencoded, the event in "payload") passes the signature check and then fails as JSON.
# github.com/google/go-github/v74 v74.0.0 reads both content types.
# Seen: json "<nil>" and "<nil>", form "invalid character 'p' looking for beginning of value" and "<nil>".
set -euo pipefail
dir=$(mktemp -d); trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT; cd "$dir"
cat > main.go <<'GO'
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/go-playground/webhooks/v6/github"
	official "github.com/google/go-github/v74/github"
)

func delivery(contentType, body string) *http.Request {
	mac := hmac.New(sha256.New, []byte("made-up"))
	mac.Write([]byte(body))
	request := httptest.NewRequest("POST", "/", strings.NewReader(body))
	request.Header.Set("Content-Type", contentType)
	request.Header.Set("X-GitHub-Event", "ping")
	request.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	return request
}

func main() {
	body := `{"zen":"Design for failure.","hook_id":1,"hook":{"type":"Repository","id":1,"name":"web","active":true,"events":["push"]}}`
	hook, _ := github.New(github.Options.Secret("made-up"))
	for _, sent := range [][2]string{
		{"application/json", body},
		{"application/x-www-form-urlencoded", "payload=" + url.QueryEscape(body)},
	} {
		_, one := hook.Parse(delivery(sent[0], sent[1]), github.PingEvent)
		_, other := official.ValidatePayload(delivery(sent[0], sent[1]), []byte("made-up"))
		fmt.Println(one, "|", other)
	}
}
GO
export GOPATH="$dir/go" GOFLAGS=-mod=mod
go mod init try >/dev/null 2>&1
go get github.com/go-playground/webhooks/v6@v6.4.0 github.com/google/go-github/v74@v74.0.0 >/dev/null 2>&1
seen=$(go run .); echo "$seen"
[ "$seen" = $'<nil> | <nil>\ninvalid character \'p\' looking for beginning of value | <nil>' ]
