#!/usr/bin/env bash
# grant 5.4.24 (MIT), the list of OAuth providers that other tools build on.
#
# Guess: its entry `slack` is that of Slack's current OAuth (oauth/v2/authorize, oauth.v2.access), which every app made
# since 2020 uses.
# Seen: it is the one before, of "classic" apps, which can no longer be made:
#   https://slack.com/oauth/authorize https://slack.com/api/oauth.access
# Exits with an error once the entry names the current addresses.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund grant@5.4.24
seen=$(node -p 'const { slack } = require("grant/config/oauth.json"); `${slack.authorize_url} ${slack.access_url}`')
echo "$seen"
[ "$seen" = 'https://slack.com/oauth/authorize https://slack.com/api/oauth.access' ]
