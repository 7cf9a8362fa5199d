#!/usr/bin/env bash
# Four engines of CEL over the same JSON event, {"total":7}: cel-js 0.8.2 divides as JavaScript does, cel-python 0.5.0 and
# common-expression-language 0.10.0 (PyPI) take the 7 for an int, @bufbuild/cel 0.6.1 (npm) for a double (so CEL's definition has it
# for JSON), which has no operator with the int 2. No way to write the rule works with all four: total / 2.0 is another
# set of answers. size() counts bytes in common-expression-language, UTF-16 in cel-js, characters in the others, as defined.
# Guess before: all alike, save the length.
# Seen, total / 2: 3.5, 3, 3, error; total / 2.0: 3.5, 3, error, 3.5; size("𝄞é"): 3, 2, 6, 2.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent cel-js@0.8.2 @bufbuild/cel@0.6.1 >/dev/null
python3 -m venv one >/dev/null && one/bin/pip install --quiet cel-python==0.5.0 >/dev/null
python3 -m venv two >/dev/null && two/bin/pip install --quiet common-expression-language==0.10.0 >/dev/null
echo '["total / 2", "total / 2.0", "size(\"𝄞é\")"]' > rules.json
cat > try.mjs <<'JS'
import { readFileSync } from 'node:fs'
import { run } from '@bufbuild/cel'
import { evaluate } from 'cel-js'
const told = (work) => { try { const value = work(); return value instanceof Error ? 'error' : String(value) } catch { return 'error' } }
const rules = JSON.parse(readFileSync('rules.json', 'utf8'))
console.log('cel-js', rules.map((rule) => told(() => evaluate(rule, { total: 7 }))).join(', '))
console.log('@bufbuild/cel', rules.map((rule) => told(() => run(rule, { total: 7 }))).join(', '))
JS
cat > one.py <<'PY'
import celpy, json
environment = celpy.Environment()
def told(rule):
    try: return str(environment.program(environment.compile(rule)).evaluate(celpy.json_to_cel({"total": 7})))
    except celpy.CELEvalError: return "error"
print("cel-python", ", ".join(told(rule) for rule in json.load(open("rules.json"))))
PY
cat > two.py <<'PY'
import cel, json
def told(rule):
    try: return str(cel.evaluate(rule, {"total": 7}))
    except Exception: return "error"
print("common-expression-language", ", ".join(told(rule) for rule in json.load(open("rules.json"))))
PY
seen=$(node try.mjs; one/bin/python one.py; two/bin/python two.py); echo "$seen"
[ "$seen" = 'cel-js 3.5, 3.5, 3
@bufbuild/cel error, 3.5, 2
cel-python 3, 3, 2
common-expression-language 3, error, 6' ]
