#!/usr/bin/env bash
# moto 5.2.5 (PyPI), the stand-in for AWS in tests, against software.amazon.event.ruler:event-ruler 1.8.1 (Maven), the code that EventBridge
# publishes for its patterns: a pattern on a field within a list of objects, as of the lines of an order, never matches in moto. 1
# matches true there, and a list without entries counts as present. Rules that pass their tests do other things at AWS.
# test_event_pattern(), which is there to check a pattern, answers without a Result.
# Guess before: alike, save for the newest operators.
# Seen, moto / event-ruler: lines of an order False / true, 1 and true True / false, "exists" and [] True / false; Result missing.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv python >/dev/null && python/bin/pip install --quiet 'moto[events,sqs]==5.2.5' boto3 >/dev/null
cat > pom.xml <<'XML'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>try</groupId><artifactId>try</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>software.amazon.event.ruler</groupId><artifactId>event-ruler</artifactId><version>1.8.1</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B -Dmaven.repo.local="$dir/m2" dependency:copy-dependencies -DoutputDirectory=jars >/dev/null 2>&1
cat > cases.json <<'JSON'
[
  ["{\"lines\":{\"sku\":[\"x\"]}}", "{\"lines\":[{\"sku\":\"x\"},{\"sku\":\"y\"}]}"],
  ["{\"paid\":[1]}", "{\"paid\":true}"],
  ["{\"tags\":[{\"exists\":true}]}", "{\"tags\":[]}"],
  ["{\"sku\":[\"x\"]}", "{\"sku\":\"x\"}"]
]
JSON
cat > try.py <<'PY'
import json, os, subprocess
os.environ |= {"AWS_ACCESS_KEY_ID": "made-up", "AWS_SECRET_ACCESS_KEY": "made-up", "AWS_DEFAULT_REGION": "us-east-1"}
import boto3
from moto import mock_aws

def told(pattern, detail):
    with mock_aws():
        events, sqs = boto3.client("events"), boto3.client("sqs")
        queue = sqs.create_queue(QueueName="q")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        events.put_rule(Name="r", EventPattern='{"detail":%s}' % pattern)
        events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": arn}])
        events.put_events(Entries=[{"Source": "shop", "DetailType": "order", "Detail": detail}])
        return "Messages" in sqs.receive_message(QueueUrl=queue)

cases = json.load(open("cases.json"))
for pattern, detail in cases:
    print("moto", told(pattern, detail))
with mock_aws():
    event = {"id": "1", "account": "1", "source": "shop", "time": "2024-01-01T00:00:00Z", "region": "us-east-1", "resources": [], "detail-type": "order", "detail": {}}
    answer = boto3.client("events").test_event_pattern(EventPattern='{"source":["shop"]}', Event=json.dumps(event))
    print("test_event_pattern", "Result" in answer)
subprocess.run(["java", "-cp", "jars/*", "Try.java", *sum(cases, [])], check=True)
PY
cat > Try.java <<'JAVA'
import software.amazon.event.ruler.Ruler;

public class Try {
    public static void main(String[] given) throws Exception {
        for (int i = 0; i < given.length; i += 2) System.out.println("event-ruler " + Ruler.matchesRule(given[i + 1], given[i]));
    }
}
JAVA
seen=$(PYTHONUNBUFFERED=1 python/bin/python try.py); echo "$seen"
[ "$seen" = 'moto False
moto True
moto True
moto True
test_event_pattern False
event-ruler true
event-ruler false
event-ruler false
event-ruler true' ]
