#!/usr/bin/env bash
# ical.js 2.2.1 (npm): FREQ=YEARLY from 29 February comes on 1 March in other years. RFC 5545 (3.3.10) has a date that does not exist
# left out: the rule comes every fourth year with rrule 2.8.1 and rrule-temporal 2.2.8 (npm) and python-dateutil 2.9.0. A
# yearly bill has two more dates in one product than in the other. FREQ=MONTHLY from the 31st does leave out short months.
# Guess before: all four leave the date out.
# Seen: ical.js 2024-02-29 2025-03-01 2026-03-01, the others 2024-02-29 2028-02-29 2032-02-29.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent ical.js@2.2.1 rrule@2.8.1 rrule-temporal@2.2.8 >/dev/null
python3 -m venv python >/dev/null && python/bin/pip install --quiet python-dateutil==2.9.0 >/dev/null
cat > try.mjs <<'JS'
import ICAL from 'ical.js'
import rrule from 'rrule'
import { RRuleTemporal } from 'rrule-temporal'
const dates = (days) => days.join(' ')
const iterator = ICAL.Recur.fromString('FREQ=YEARLY;COUNT=3').iterator(ICAL.Time.fromString('2024-02-29T09:00:00'))
console.log('ical.js', dates([1, 2, 3].map(() => iterator.next().toString().slice(0, 10))))
const monthly = ICAL.Recur.fromString('FREQ=MONTHLY;COUNT=3').iterator(ICAL.Time.fromString('2024-01-31T09:00:00'))
console.log('ical.js', dates([1, 2, 3].map(() => monthly.next().toString().slice(0, 10))))
const text = 'DTSTART:20240229T090000Z\nRRULE:FREQ=YEARLY;COUNT=3'
console.log('rrule', dates(rrule.rrulestr(text).all().map((date) => date.toISOString().slice(0, 10))))
console.log('rrule-temporal', dates(new RRuleTemporal({ rruleString: text }).all().map((date) => date.toPlainDate().toString())))
JS
cat > try.py <<'PY'
from datetime import datetime
from dateutil.rrule import rrulestr
print("dateutil", *[date.date() for date in rrulestr("FREQ=YEARLY;COUNT=3", dtstart=datetime(2024, 2, 29, 9))])
PY
seen=$(node try.mjs; python/bin/python try.py); echo "$seen"
[ "$seen" = 'ical.js 2024-02-29 2025-03-01 2026-03-01
ical.js 2024-01-31 2024-03-31 2024-05-31
rrule 2024-02-29 2028-02-29 2032-02-29
rrule-temporal 2024-02-29 2028-02-29 2032-02-29
dateutil 2024-02-29 2028-02-29 2032-02-29' ]
