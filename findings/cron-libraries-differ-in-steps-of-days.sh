#!/usr/bin/env bash
# "0 0 */2 * 1" means "on odd days that are Mondays" to cron itself (a field that begins with a star does not count as restricted,
# crontab(5)), to cronsim 2.8 (PyPI) and github.com/adhocore/gronx v1.20.4. croner 11.0.1, cron-parser 5.10.6 (npm), croniter 7.0.0
# (PyPI) and github.com/robfig/cron/v3 v3.0.1 run on odd days and on Mondays: some 18 runs a month instead of two. Written as
# 1-31/2, all six agree.
# Guess before: all run on either.
# Seen from 1 January 2026: 05 19 for cronsim and gronx, 03 05 07 09 11 12 for the others; with 1-31/2 03 05 07 09 11 12 for all.
set -euo pipefail
dir=$(mktemp -d); trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent croner@11.0.1 cron-parser@5.10.6 >/dev/null
python3 -m venv python >/dev/null && python/bin/pip install --quiet croniter==7.0.0 cronsim==2.8 >/dev/null
cat > try.mjs <<'JS'
import { Cron } from 'croner'
import { CronExpressionParser } from 'cron-parser'
const from = new Date('2026-01-01T00:00:00Z')
const shown = (dates) => dates.map((date) => date.toISOString()).filter((text) => text < '2026-02').map((text) => text.slice(8, 10)).join(' ')
for (const expression of ['0 0 */2 * 1', '0 0 1-31/2 * 1']) {
  console.log('croner', shown(new Cron(expression, { timezone: 'UTC' }).nextRuns(6, from)))
  const parsed = CronExpressionParser.parse(expression, { tz: 'UTC', currentDate: from })
  console.log('cron-parser', shown(Array.from({ length: 6 }, () => parsed.next().toDate())))
}
JS
cat > try.py <<'PY'
from datetime import datetime, timezone
from itertools import islice
from croniter import croniter
from cronsim import CronSim
start = datetime(2026, 1, 1, tzinfo=timezone.utc)
shown = lambda dates: " ".join(date.strftime("%d") for date in dates if date.month == 1)
for expression in ["0 0 */2 * 1", "0 0 1-31/2 * 1"]:
    dates = croniter(expression, start)
    print("croniter", shown([dates.get_next(datetime) for _ in range(6)]))
    print("cronsim", shown(islice(CronSim(expression, start), 6)))
PY
cat > main.go <<'GO'
package main

import (
	"fmt"
	"time"

	"github.com/adhocore/gronx"
	"github.com/robfig/cron/v3"
)

func shown(next func(time.Time) time.Time) string {
	text, date := "", time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for range 6 {
		if date = next(date); date.Month() == time.January {
			text += date.Format(" 02")
		}
	}
	return text
}

func main() {
	for _, expression := range []string{"0 0 */2 * 1", "0 0 1-31/2 * 1"} {
		schedule, err := cron.ParseStandard(expression)
		if err != nil {
			panic(err)
		}
		fmt.Println("robfig" + shown(schedule.Next))
		fmt.Println("gronx" + shown(func(date time.Time) time.Time {
			next, err := gronx.NextTickAfter(expression, date, false)
			if err != nil {
				panic(err)
			}
			return next
		}))
	}
}
GO
export GOPATH="$dir/go" GOFLAGS=-mod=mod
go mod init try >/dev/null 2>&1
go get github.com/adhocore/gronx@v1.20.4 github.com/robfig/cron/v3@v3.0.1 >/dev/null 2>&1
seen=$({ node try.mjs; python/bin/python try.py; go run .; } | sort | uniq); echo "$seen"
[ "$seen" = 'cron-parser 03 05 07 09 11 12
croner 03 05 07 09 11 12
croniter 03 05 07 09 11 12
cronsim 03 05 07 09 11 12
cronsim 05 19
gronx 03 05 07 09 11 12
gronx 05 19
robfig 03 05 07 09 11 12' ]
