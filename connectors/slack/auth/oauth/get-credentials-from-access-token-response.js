export default function getCredentials({ accessTokenResponse: answer }) {
  if (answer.ok === false) throw new Error(`Slack refused: ${answer.error}`)
  const { access_token, refresh_token, expires_in, scope, bot_user_id, team, enterprise } = answer
  return {
    access_token,
    scope,
    botUserId: bot_user_id,
    teamId: team?.id,
    enterpriseId: enterprise?.id,
    // Where token rotation is on.
    ...(refresh_token ? { refresh_token, expires_at: Date.now() + expires_in * 1000 } : {}),
  }
}
