#!/usr/bin/env bash
# org.springframework:spring-context 6.2.0 (Maven): in CronExpression a day of the month and a weekday have to hold together: "0 0 9 13 * FRI"
# comes on Fridays the 13th alone. crontab(5), com.cronutils:cron-utils 9.2.1 (Maven) and most others take either: the 13th and every
# Friday. In the hour that comes twice in autumn a nightly job runs twice with Spring, once with cron-utils.
# Guess before: either, as in crontab(5).
# Seen from 1 January 2026, Spring 02-13 03-13 11-13, cron-utils 01-02 01-09 01-13; 1 November in New York (UTC), Spring 05:30 06:30,
# cron-utils 05:30.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
cat > pom.xml <<'XML'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>try</groupId><artifactId>try</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.springframework</groupId><artifactId>spring-context</artifactId><version>6.2.0</version></dependency>
    <dependency><groupId>com.cronutils</groupId><artifactId>cron-utils</artifactId><version>9.2.1</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.13</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B -Dmaven.repo.local="$dir/m2" dependency:copy-dependencies -DoutputDirectory=jars >/dev/null 2>&1
cat > Try.java <<'JAVA'
import com.cronutils.model.CronType;
import com.cronutils.model.definition.CronDefinitionBuilder;
import com.cronutils.model.time.ExecutionTime;
import com.cronutils.parser.CronParser;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.function.UnaryOperator;
import org.springframework.scheduling.support.CronExpression;

public class Try {
    static void told(String name, ZonedDateTime date, UnaryOperator<ZonedDateTime> next) {
        StringBuilder text = new StringBuilder(name);
        for (int i = 0; i < 3; i++) text.append(' ').append((date = next.apply(date)).toInstant().toString(), 5, 16);
        System.out.println(text);
    }

    public static void main(String[] given) {
        var parser = new CronParser(CronDefinitionBuilder.instanceDefinitionFor(CronType.UNIX));
        for (String expression : new String[] {"0 9 13 * FRI", "30 1 * * *"}) {
            var from = expression.endsWith("FRI")
                ? ZonedDateTime.of(2026, 1, 1, 0, 0, 0, 0, ZoneId.of("UTC"))
                : ZonedDateTime.of(2026, 11, 1, 0, 0, 0, 0, ZoneId.of("America/New_York"));
            told("Spring", from, CronExpression.parse("0 " + expression)::next);
            var execution = ExecutionTime.forCron(parser.parse(expression));
            told("cron-utils", from, (date) -> execution.nextExecution(date).orElseThrow());
        }
    }
}
JAVA
seen=$(java -cp 'jars/*' Try.java); echo "$seen"
[ "$seen" = 'Spring 02-13T09:00 03-13T09:00 11-13T09:00
cron-utils 01-02T09:00 01-09T09:00 01-13T09:00
Spring 11-01T05:30 11-01T06:30 11-02T06:30
cron-utils 11-01T05:30 11-02T06:30 11-03T06:30' ]
