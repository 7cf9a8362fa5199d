#!/usr/bin/env bash
# ical.js 2.2.1 (npm): BYWEEKNO, a numbered weekday of the year, and BYSETPOS in weekly rules are read over without an error,
# though RFC 5545 (3.3.10) defines them all. A meeting "on Monday of week 20 each year" comes every Monday, the first left
# out. rrule 2.8.1 (npm) follows the
# rules. All of these start on a date that fits the rule.
# Guess before: the same dates, or an error for what is not supported.
# Seen, ical.js / rrule:
#   FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO  2024-05-20 2024-05-27 2024-06-03 / 2024-05-13 2025-05-12 2026-05-11
#   FREQ=YEARLY;BYDAY=20MO            2024-05-13 2024-05-20 2024-05-27 / 2024-05-13 2025-05-19 2026-05-18
#   FREQ=WEEKLY;BYDAY=MO,WE;BYSETPOS=1  2024-05-13 2024-05-15 2024-05-20 / 2024-05-13 2024-05-20 2024-05-27
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent ical.js@2.2.1 rrule@2.8.1 >/dev/null
cat > try.mjs <<'JS'
import ICAL from 'ical.js'
import rrule from 'rrule'
for (const rule of ['FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO', 'FREQ=YEARLY;BYDAY=20MO', 'FREQ=WEEKLY;BYDAY=MO,WE;BYSETPOS=1']) {
  const iterator = ICAL.Recur.fromString(rule).iterator(ICAL.Time.fromString('2024-05-13T09:00:00'))
  const one = [1, 2, 3].map(() => iterator.next().toString().slice(0, 10))
  const other = rrule.rrulestr(`DTSTART:20240513T090000Z\nRRULE:${rule};COUNT=3`).all().map((date) => date.toISOString().slice(0, 10))
  console.log(...one, '/', ...other)
}
JS
seen=$(node try.mjs); echo "$seen"
[ "$seen" = '2024-05-20 2024-05-27 2024-06-03 / 2024-05-13 2025-05-12 2026-05-11
2024-05-13 2024-05-20 2024-05-27 / 2024-05-13 2025-05-19 2026-05-18
2024-05-13 2024-05-15 2024-05-20 / 2024-05-13 2024-05-20 2024-05-27' ]
