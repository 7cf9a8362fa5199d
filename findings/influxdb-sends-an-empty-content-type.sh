#!/usr/bin/env bash
# InfluxDB 1.6.7 (package 1.6.7~rc0-1+b13 of Debian 12): a subscription posts to `…/write` below the URL that it was given,
# keeps the query of that URL, and sends a header `content-type:` with nothing behind it.
# Seen: "/in/abc/write", "token=1", "content-type: []".
set -euo pipefail
dir=$(mktemp -d); cd "$dir"
apt-get download -qq influxdb=1.6.7~rc0-1+b13 >/dev/null && dpkg -x influxdb_*.deb unpacked
cat > influxdb.conf <<CONF
reporting-disabled = true
bind-address = "127.0.0.1:0"
[meta]
dir = "$dir/meta"
[data]
dir = "$dir/data"
wal-dir = "$dir/wal"
[http]
bind-address = "127.0.0.1:25186"
log-enabled = false
[monitor]
store-enabled = false
CONF
unpacked/usr/bin/influxd -config influxdb.conf >/dev/null 2>&1 & influx=$!
cat > receive.cjs <<'JS'
require('node:http').createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://a')
  console.log(`${pathname}\ntoken=${searchParams.get('token')}\ncontent-type: [${request.headers['content-type']}]`)
  response.writeHead(204).end(() => process.exit())
}).listen(25187, '127.0.0.1')
JS
node receive.cjs > seen & receiver=$!
trap 'kill $influx $receiver 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$dir"' EXIT
ask() { curl -s -o /dev/null "http://127.0.0.1:25186/query" --data-urlencode "q=$1"; }
until curl -s -o /dev/null http://127.0.0.1:25186/ping; do sleep 0.2; done
ask 'CREATE DATABASE shop'
ask "CREATE SUBSCRIPTION \"mine\" ON \"shop\".\"autogen\" DESTINATIONS ALL 'http://127.0.0.1:25187/in/abc?token=1'"
sleep 1
curl -s "http://127.0.0.1:25186/write?db=shop" --data-binary 'cpu value=1'
wait $receiver
cat seen
[ "$(cat seen)" = $'/in/abc/write\ntoken=1\ncontent-type: []' ]
