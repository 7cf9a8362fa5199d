#!/usr/bin/env bash
# Two yearly rules, two readings of RFC 5545 (3.3.10). BYWEEKNO=20 without a weekday: all seven days of the week for rrule 2.8.1 (npm) and
# python-dateutil 2.9.0 (PyPI), the weekday of DTSTART alone for rrule-temporal 2.2.8 (npm) and org.dmfs:lib-recur 0.17.1 (Maven).
# BYMONTHDAY=31 without a month: every long month for the first three, as the RFC's table ("expand") has it, January alone for
# lib-recur and ical.js 2.2.1 (npm), which takes BYWEEKNO=20 for no date at all.
# Guess before: alike, since all name the RFC.
# Seen from Monday 13 May 2024: 13 14 15 May; 13 May 2024, 12 May 2025, 11 May 2026. From 31 January 2024: 31 Jan, Mar, May; 31 Jan
# 2024, 2025, 2026.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent rrule@2.8.1 rrule-temporal@2.2.8 ical.js@2.2.1 >/dev/null
python3 -m venv python >/dev/null && python/bin/pip install --quiet python-dateutil==2.9.0 >/dev/null
cat > pom.xml <<'XML'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>try</groupId><artifactId>try</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.dmfs</groupId><artifactId>lib-recur</artifactId><version>0.17.1</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B -Dmaven.repo.local="$dir/m2" dependency:copy-dependencies -DoutputDirectory=jars >/dev/null 2>&1
cat > try.mjs <<'JS'
import ICAL from 'ical.js'
import rrule from 'rrule'
import { RRuleTemporal } from 'rrule-temporal'
for (const [start, rule] of [['20240513T090000', 'FREQ=YEARLY;BYWEEKNO=20;COUNT=3'], ['20240131T090000', 'FREQ=YEARLY;BYMONTHDAY=31;COUNT=3']]) {
  const text = `DTSTART:${start}Z\nRRULE:${rule}`
  console.log('rrule', ...rrule.rrulestr(text).all().map((date) => date.toISOString().slice(0, 10)))
  console.log('rrule-temporal', ...new RRuleTemporal({ rruleString: text }).all().map((date) => date.toPlainDate().toString()))
  const iterator = ICAL.Recur.fromString(rule).iterator(ICAL.Time.fromString(start.replace(/(....)(..)(..)T(..)(..)(..)/, '$1-$2-$3T$4:$5:$6')))
  console.log('ical.js', ...[1, 2, 3].flatMap(() => iterator.next()?.toString().slice(0, 10) ?? []))
}
JS
cat > try.py <<'PY'
from datetime import datetime
from dateutil.rrule import rrulestr
print("dateutil", *[date.date() for date in rrulestr("FREQ=YEARLY;BYWEEKNO=20;COUNT=3", dtstart=datetime(2024, 5, 13, 9))])
print("dateutil", *[date.date() for date in rrulestr("FREQ=YEARLY;BYMONTHDAY=31;COUNT=3", dtstart=datetime(2024, 1, 31, 9))])
PY
cat > Try.java <<'JAVA'
import org.dmfs.rfc5545.DateTime;
import org.dmfs.rfc5545.recur.RecurrenceRule;

public class Try {
    public static void main(String[] given) throws Exception {
        String[][] cases = {{"20240513T090000", "FREQ=YEARLY;BYWEEKNO=20;COUNT=3"}, {"20240131T090000", "FREQ=YEARLY;BYMONTHDAY=31;COUNT=3"}};
        for (String[] one : cases) {
            StringBuilder text = new StringBuilder("lib-recur");
            for (var dates = new RecurrenceRule(one[1]).iterator(DateTime.parse(one[0])); dates.hasNext();) {
                String date = dates.nextDateTime().toString();
                text.append(' ').append(date, 0, 4).append('-').append(date, 4, 6).append('-').append(date, 6, 8);
            }
            System.out.println(text);
        }
    }
}
JAVA
seen=$(node try.mjs; python/bin/python try.py; java -cp 'jars/*' Try.java); echo "$seen"
[ "$seen" = 'rrule 2024-05-13 2024-05-14 2024-05-15
rrule-temporal 2024-05-13 2025-05-12 2026-05-11
ical.js
rrule 2024-01-31 2024-03-31 2024-05-31
rrule-temporal 2024-01-31 2024-03-31 2024-05-31
ical.js 2024-01-31 2025-01-31 2026-01-31
dateutil 2024-05-13 2024-05-14 2024-05-15
dateutil 2024-01-31 2024-03-31 2024-05-31
lib-recur 2024-05-13 2025-05-12 2026-05-11
lib-recur 2024-01-31 2025-01-31 2026-01-31' ]
