#!/usr/bin/env bash
# iso8601-duration 2.1.4 (npm): a minus before a duration is read over. "-PT15M", which iCalendar writes for a reminder a quarter
# of an hour before (RFC 5545, 3.3.6 and 3.8.6.3), is a quarter of an hour after; no error says so. Days with a fraction
# are refused, hours with one are taken. luxon 3.7.2 and tinyduration 3.4.1 keep the sign and read both.
# Guess before: an error for the minus.
# Seen: "-PT15M" 900 / -15 / negative; "P0.5D" invalid duration: P0.5D / 0.5 / 0.5.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent iso8601-duration@2.1.4 luxon@3.7.2 tinyduration@3.4.1 >/dev/null
cat > try.mjs <<'JS'
import { parse, toSeconds } from 'iso8601-duration'
import { Duration } from 'luxon'
import * as tiny from 'tinyduration'
const told = (work) => { try { return work() } catch (error) { return error.message } }
console.log(told(() => toSeconds(parse('-PT15M'))), Duration.fromISO('-PT15M').minutes, JSON.stringify(tiny.parse('-PT15M')))
console.log(told(() => toSeconds(parse('P0.5D'))), Duration.fromISO('P0.5D').days, JSON.stringify(tiny.parse('P0.5D')))
JS
seen=$(node try.mjs); echo "$seen"
[ "$seen" = $'900 -15 {"minutes":15,"negative":true}\ninvalid duration: P0.5D 0.5 {"days":0.5}' ]
