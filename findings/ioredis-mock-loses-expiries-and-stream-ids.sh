#!/usr/bin/env bash
# ioredis-mock 8.13.1 with ioredis 5.11.1 (npm), the stand-in that tests of idempotency and queues run on: SET … KEEPTTL takes the
# expiry away, EXPIRE … GT shortens it, XADD with an id of two parts gives it a third, and ZADD GT CH stores a member named "CH" with
# the score NaN. No error says so. Redis 7.0.15 (Debian 12) answers 100, 0, "6-1" and ["a","2"] to the same calls.
# Guess before: the same answers, or "unsupported command", as it says for XGROUP.
# Seen: -1, 1, "6-1-0", ["a","2","CH","NaN"].
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent ioredis@5.11.1 ioredis-mock@8.13.1 >/dev/null
cat > try.cjs <<'JS'
const Redis = require('ioredis-mock')
const main = async () => {
  const redis = new Redis()
  await redis.set('delivery', '1', 'EX', 100)
  await redis.set('delivery', '2', 'KEEPTTL')
  console.log(await redis.ttl('delivery'))
  await redis.set('lock', '1', 'EX', 100)
  console.log(await redis.expire('lock', 10, 'GT'))
  console.log(JSON.stringify(await redis.xadd('events', '6-1', 'a', '1')))
  await redis.zadd('due', 1, 'a')
  await redis.zadd('due', 'GT', 'CH', 2, 'a')
  console.log(JSON.stringify(await redis.zrange('due', 0, -1, 'WITHSCORES')))
  redis.disconnect()
}
main()
JS
seen=$(node try.cjs); echo "$seen"
[ "$seen" = $'-1\n1\n"6-1-0"\n["a","2","CH","NaN"]' ]
