export default function getCredentials({ accessTokenResponse: answer }) {
  if (answer.ok === false) throw new Error(`Slack refused: ${answer.error}`)
  const { bot_user_id, team, enterprise, authed_user: user = {} } = answer
  // A bot's token, a person's, or both: where only scopes of a person were asked for, there is no bot.
  const first = answer.access_token ? answer : user
  const { access_token, refresh_token, scope } = first
  // Where token rotation is on, both expire, each on its own.
  const lives = [first, user].flatMap(({ refresh_token, expires_in }) => (refresh_token ? [expires_in] : []))
  return {
    access_token,
    scope,
    ...(user.access_token ? { userAccessToken: user.access_token, userScope: user.scope, userId: user.id } : {}),
    botUserId: bot_user_id,
    teamId: team?.id,
    enterpriseId: enterprise?.id,
    ...(refresh_token ? { refresh_token } : {}),
    ...(user.refresh_token ? { userRefreshToken: user.refresh_token } : {}),
    ...(lives.length > 0 ? { expires_at: Date.now() + Math.min(...lives) * 1000 } : {}),
  }
}
