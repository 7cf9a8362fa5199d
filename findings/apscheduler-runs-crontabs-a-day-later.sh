#!/usr/bin/env bash
# apscheduler 3.11.3 (PyPI): CronTrigger.from_crontab() counts weekdays from Monday, while crontab(5) has 0 and 7 for Sunday. "0 9 * * 1"
# runs on Tuesdays, "0 9 * * 1-5" from Tuesday to Saturday, 7 is refused; names (mon) are right. And a day of the month beside a
# weekday has to hold with it, where cron takes either: croniter 7.0.0 does both as cron does.
# Guess before: as crontab(5), since the method is named after it.
# Seen, apscheduler / croniter: "0 9 * * 1" Tue 06 / Mon 05; "0 9 * * mon" Mon 05 / Mon 05; "0 9 13 * mon" Mon 13 (in April) / Mon 05.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv python >/dev/null && python/bin/pip install --quiet apscheduler==3.11.3 croniter==7.0.0 >/dev/null
cat > try.py <<'PY'
from datetime import datetime, timezone
from apscheduler.triggers.cron import CronTrigger
from croniter import croniter
start = datetime(2026, 1, 1, tzinfo=timezone.utc)
for expression in ["0 9 * * 1", "0 9 * * mon", "0 9 13 * mon"]:
    one = CronTrigger.from_crontab(expression, timezone="UTC").get_next_fire_time(None, start)
    other = croniter(expression, start).get_next(datetime)
    print(expression, one.strftime("%a %d %b"), "/", other.strftime("%a %d %b"))
PY
seen=$(python/bin/python try.py); echo "$seen"
[ "$seen" = '0 9 * * 1 Tue 06 Jan / Mon 05 Jan
0 9 * * mon Mon 05 Jan / Mon 05 Jan
0 9 13 * mon Mon 13 Apr / Mon 05 Jan' ]
