#!/usr/bin/env bash
# cel-python 0.5.0 (PyPI): string(true) is "True", so that string(event.paid) == "true" is never met; CEL (language definition, string
# conversions) has "true". And 7 / 2.0 is 3, and 7u + 1 a number, where CEL has no operator for mixed kinds; 7.0 / 2 raises as it
# should. @bufbuild/cel 0.6.1 (npm) does both as written.
# Guess before: "true", and an error for mixed kinds.
# Seen: cel-python False, 3, error; @bufbuild/cel true, error, error.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent @bufbuild/cel@0.6.1 >/dev/null
python3 -m venv python >/dev/null && python/bin/pip install --quiet cel-python==0.5.0 >/dev/null
cat > try.py <<'PY'
import celpy
environment = celpy.Environment()
def told(expression):
    try: return environment.program(environment.compile(expression)).evaluate({"event": celpy.json_to_cel({"paid": True})})
    except celpy.CELEvalError: return "error"
print("cel-python", told('string(event.paid) == "true"'), told("7 / 2.0"), told("7.0 / 2"))
PY
cat > try.mjs <<'JS'
import { run } from '@bufbuild/cel'
const told = (expression) => {
  const value = run(expression, { event: { paid: true } })
  return value instanceof Error ? 'error' : value
}
console.log('@bufbuild/cel', told('string(event.paid) == "true"'), told('7 / 2.0'), told('7.0 / 2'))
JS
seen=$(python/bin/python try.py; node try.mjs); echo "$seen"
[ "$seen" = $'cel-python False 3 error\n@bufbuild/cel true error error' ]
