#!/usr/bin/env bash
# line-bot-sdk 3.27.0 (PyPI): an event of a kind that is newer than the package is an UnknownEvent without the sender's id
# and without its own content; so is a message of a new kind, with its reply token. The rest of the same request is kept.
# Whoever wants to store such events has to read the body once more.
# Seen: "FollowEvent u1", "UnknownEvent None", and "UnknownEvent None" with type "message".
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv python >/dev/null && python/bin/pip install --quiet line-bot-sdk==3.27.0 >/dev/null
cat > try.py <<'PY'
import base64, hashlib, hmac, json
from linebot.v3.webhook import WebhookParser
common = {"mode": "active", "timestamp": 1, "webhookEventId": "e", "deliveryContext": {"isRedelivery": False}, "replyToken": "r1", "source": {"type": "user", "userId": "u1"}}
events = [
    {"type": "follow", "follow": {"isUnblocked": False}, **common},
    {"type": "sentGift", "gift": {"id": "g1"}, **common},
    {"type": "message", "message": {"type": "hologram", "id": "m1"}, **common},
]
body = json.dumps({"destination": "U", "events": events})
signature = base64.b64encode(hmac.new(b"made-up", body.encode(), hashlib.sha256).digest()).decode()
for event in WebhookParser("made-up").parse(body, signature):
    print(type(event).__name__, event.type, getattr(event.source, "user_id", None), getattr(event, "reply_token", None))
PY
seen=$(python/bin/python try.py); echo "$seen"
[ "$seen" = $'FollowEvent follow u1 r1\nUnknownEvent sentGift None None\nUnknownEvent message None None' ]
