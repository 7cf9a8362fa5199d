#!/usr/bin/env bash
# razorpay 2.0.1 (PyPI): utility.verify_webhook_signature() raises TypeError for the body as web frameworks give it: bytes.
# It wants text, so that the body has to be decoded before it is known to be genuine.
# Seen: "text True", "bytes TypeError".
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv python >/dev/null && python/bin/pip install --quiet razorpay==2.0.1 setuptools >/dev/null
cat > try.py <<'PY'
import hashlib, hmac, razorpay, warnings
warnings.simplefilter("ignore")
body = b'{"event":"payment.captured"}'
signature = hmac.new(b"made-up", body, hashlib.sha256).hexdigest()
verify = razorpay.Client(auth=("a", "b")).utility.verify_webhook_signature
def told(value):
    try: return verify(value, signature, "made-up")
    except Exception as error: return type(error).__name__
print("text", told(body.decode()))
print("bytes", told(body))
PY
seen=$(python/bin/python try.py 2>/dev/null); echo "$seen"
[ "$seen" = $'text True\nbytes TypeError' ]
