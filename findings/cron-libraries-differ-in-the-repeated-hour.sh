#!/usr/bin/env bash
# croner 11.0.1, cron-parser 5.10.6 (npm) and croniter 7.0.0 (PyPI), in the night in which the hour from 1 to 2 comes twice (New York,
# 1 November 2026). A job that is due once a night runs twice with croniter. One that is due every half hour of that hour runs
# two more times with croner and croniter, and stays silent for that hour with cron-parser. Schedules that move between
# products change their number of runs.
# Seen (UTC): "30 1 * * *" 05:30 / 05:30 / 05:30 06:30; "*/30 1 * * *" 05:00 05:30 06:00 06:30 / 05:00 05:30 / 05:00 05:30 06:00 06:30.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent croner@11.0.1 cron-parser@5.10.6 >/dev/null
python3 -m venv python >/dev/null && python/bin/pip install --quiet croniter==7.0.0 tzdata >/dev/null
cat > try.mjs <<'JS'
import { Cron } from 'croner'
import { CronExpressionParser } from 'cron-parser'
const tz = 'America/New_York'
const from = new Date('2026-11-01T04:00:00Z')
const shown = (dates) => dates.map((date) => date.toISOString()).filter((text) => text < '2026-11-01T12').map((text) => text.slice(11, 16)).join(' ')
for (const expression of ['30 1 * * *', '*/30 1 * * *']) {
  console.log('croner', shown(new Cron(expression, { timezone: tz }).nextRuns(6, from)))
  const parsed = CronExpressionParser.parse(expression, { tz, currentDate: from })
  console.log('cron-parser', shown(Array.from({ length: 6 }, () => parsed.next().toDate())))
}
JS
cat > try.py <<'PY'
from datetime import datetime, timezone
from zoneinfo import ZoneInfo
from croniter import croniter
start = datetime(2026, 11, 1, 4, tzinfo=timezone.utc).astimezone(ZoneInfo("America/New_York"))
for expression in ["30 1 * * *", "*/30 1 * * *"]:
    dates = croniter(expression, start)
    runs = [dates.get_next(datetime).astimezone(timezone.utc) for _ in range(6)]
    print("croniter", " ".join(run.strftime("%H:%M") for run in runs if run.day == 1))
PY
seen=$(node try.mjs; python/bin/python try.py); echo "$seen"
[ "$seen" = $'croner 05:30\ncron-parser 05:30\ncroner 05:00 05:30 06:00 06:30\ncron-parser 05:00 05:30\ncroniter 05:30 06:30\ncroniter 05:00 05:30 06:00 06:30' ]
