#!/usr/bin/env bash
# jmespath 0.16.0 and @jmespath-community/jmespath 1.3.0 (npm): sort() puts 10 before 2. The specification (sort, of numbers) wants the order
# of numbers; jmespath 1.1.0 (PyPI) has it, and so has sort_by() of the same packages. to_number('') is 0 and to_number('0x10') 16 in
# JavaScript, null in Python and by the specification; max() of texts goes by the language, not by code points.
# Guess before: all alike.
# Seen, [sort(l), sort_by(a,&n)[].n, to_number(''), max(s)]: JavaScript twice [[1,10,2],[1,2,10],0,"B"], Python [[1,2,10],[1,2,10],null,"a"].
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent jmespath@0.16.0 @jmespath-community/jmespath@1.3.0 >/dev/null
python3 -m venv python >/dev/null && python/bin/pip install --quiet jmespath==1.1.0 >/dev/null
export QUERY="[sort(l), sort_by(a,&n)[].n, to_number(''), max(s)]"
export DOCUMENT='{"l":[10,2,1],"a":[{"n":10},{"n":2},{"n":1}],"s":["a","B"]}'
cat > try.cjs <<'JS'
const told = ({ search }) => console.log('JavaScript', JSON.stringify(search(JSON.parse(process.env.DOCUMENT), process.env.QUERY)))
told(require('jmespath'))
told(require('@jmespath-community/jmespath'))
JS
cat > try.py <<'PY'
import jmespath, json, os
print("Python", json.dumps(jmespath.search(os.environ["QUERY"], json.loads(os.environ["DOCUMENT"])), separators=(",", ":")))
PY
seen=$(node try.cjs; python/bin/python try.py); echo "$seen"
[ "$seen" = 'JavaScript [[1,10,2],[1,2,10],0,"B"]
JavaScript [[1,10,2],[1,2,10],0,"B"]
Python [[1,2,10],[1,2,10],null,"a"]' ]
