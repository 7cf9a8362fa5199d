export default function getCredentials({ accessTokenResponse: answer }) {
  if (answer.ok === false) throw new Error(`Slack refused: ${answer.error}`)
  const { bot_user_id, team, enterprise, authed_user: user = {} } = answer
  // A bot's token, a person's, or both: where only scopes of a person were asked for, there is no bot.
  const { access_token, refresh_token, expires_in, scope } = answer.access_token ? answer : user
  return {
    access_token,
    scope,
    ...(user.access_token ? { userAccessToken: user.access_token, userScope: user.scope, userId: user.id } : {}),
    botUserId: bot_user_id,
    teamId: team?.id,
    enterpriseId: enterprise?.id,
    // Where token rotation is on.
    ...(refresh_token ? { refresh_token, expires_at: Date.now() + expires_in * 1000 } : {}),
  }
}
