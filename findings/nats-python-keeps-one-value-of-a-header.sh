#!/usr/bin/env bash
# nats-py 2.16.0 (PyPI) and @nats-io/transport-node 3.4.0 (npm) over nats-server 2.9.10 (package 2.9.10-1+b3 of Debian 12): a header that
# stands twice, which NATS allows (ADR-4) and Node and Go write with append(), has its last value only in Python; the first is
# gone without a word. In the key-value store an empty value comes back as None in Python, and as an empty value in Node.
# Guess before: Python gives a list, or the first; b"" for the empty value.
# Seen: {'Tag': 'two'} and None in Python, [ 'one', 'two' ] and "" in Node.
set -euo pipefail
dir=$(mktemp -d); cd "$dir"
apt-get download -qq nats-server=2.9.10-1+b3 >/dev/null 2>&1 && dpkg -x nats-server_*.deb unpacked
unpacked/usr/sbin/nats-server -a 127.0.0.1 -p 25188 -js -sd "$dir/store" >/dev/null 2>&1 & server=$!
trap 'kill $server 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$dir"' EXIT
npm init -y >/dev/null
npm install --no-audit --no-fund --silent @nats-io/transport-node@3.4.0 @nats-io/jetstream@3.4.0 @nats-io/kv@3.4.0 >/dev/null
python3 -m venv python >/dev/null && python/bin/pip install --quiet nats-py==2.16.0 >/dev/null
cat > send.mjs <<'JS'
import { connect, headers } from '@nats-io/transport-node'
import { jetstream } from '@nats-io/jetstream'
import { Kvm } from '@nats-io/kv'
const client = await connect({ servers: '127.0.0.1:25188' })
const subscription = client.subscribe('orders', { max: 1 })
const sent = headers()
sent.append('Tag', 'one')
sent.append('Tag', 'two')
client.publish('orders', '', { headers: sent })
for await (const message of subscription) console.log('node', message.headers.values('Tag'))
const store = await new Kvm(jetstream(client)).create('orders')
await store.put('note', '')
console.log('node', JSON.stringify((await store.get('note')).string()))
await client.close()
JS
cat > read.py <<'PY'
import asyncio, nats
async def main():
    client = await nats.connect("nats://127.0.0.1:25188")
    subscription = await client.subscribe("orders")
    await client.flush()
    node = await asyncio.create_subprocess_exec("node", "send.mjs")
    print("python", (await subscription.next_msg(timeout=30)).headers)
    await node.wait()
    store = await client.jetstream().key_value("orders")
    print("python", (await store.get("note")).value)
    await client.close()
asyncio.run(main())
PY
seen=$(python/bin/python read.py | sort); echo "$seen"
[ "$seen" = $'node ""\nnode [ \'one\', \'two\' ]\npython None\npython {\'Tag\': \'two\'}' ]
