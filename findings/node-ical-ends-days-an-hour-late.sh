#!/usr/bin/env bash
# node-ical 0.26.1 (npm): a day is 24 hours. An all-day event whose end is not told, or told as DURATION:P1D, ends at one in the morning of
# the next day where the clock went forward, and at eleven of the evening where it went back; with DTEND it ends at midnight. RFC
# 5545 (3.3.6, 3.6.1) has it end with the day, and nominal days apart from exact hours. A comma that is escaped within a category
# (3.3.11) splits it, and leaves the backslash.
# Guess before: midnight each time; one category.
# Seen in New York, 10 March 2024: 01:00, 01:00, 00:00 with DTEND; 3 November: 23:00; ["Fruit\\","Bread"].
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent node-ical@0.26.1 >/dev/null
cat > try.cjs <<'JS'
const ical = require('node-ical')
const event = (...lines) => {
  const text = ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//made-up//EN', 'BEGIN:VEVENT', 'UID:1', 'DTSTAMP:20240101T000000Z', ...lines, 'END:VEVENT', 'END:VCALENDAR', '']
  return Object.values(ical.sync.parseICS(text.join('\r\n'))).find(({ type }) => type === 'VEVENT')
}
const end = (...lines) => event(...lines).end.toTimeString().slice(0, 5)
console.log(end('DTSTART;VALUE=DATE:20240310'), end('DTSTART;VALUE=DATE:20240310', 'DURATION:P1D'), end('DTSTART;VALUE=DATE:20240310', 'DTEND;VALUE=DATE:20240311'))
console.log(end('DTSTART;VALUE=DATE:20241103'))
console.log(JSON.stringify(event('DTSTART;VALUE=DATE:20240310', 'CATEGORIES:Fruit\\, Bread').categories))
JS
seen=$(TZ=America/New_York node try.cjs); echo "$seen"
[ "$seen" = $'01:00 01:00 00:00\n23:00\n["Fruit\\\\","Bread"]' ]
