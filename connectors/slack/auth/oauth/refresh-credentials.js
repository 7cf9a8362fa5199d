const GONE = 'access_token_expired'

/** Bot and person have a token each, and a refresh token each where token rotation is on. */
export default async function refreshCredentials({ credentials, connectorParameters }) {
  const { refresh_token, userRefreshToken } = credentials
  const uri = `${connectorParameters.serverUri ?? 'https://slack.com'}/api`
  if (!refresh_token && !userRefreshToken) return await asTheyAre(uri, credentials)
  // Where there is no bot, the person's tokens stand in its place too: a refresh token is good once.
  const tokens = [...new Set([refresh_token, userRefreshToken].filter(Boolean))]
  const renewed = await Promise.all(
    tokens.map((token) => renew(uri, connectorParameters, token).catch((away) => ({ ok: false, away }))),
  )
  const good = renewed.filter(isRenewed)
  // What one of them was given is not thrown away because the other one got nothing: its old refresh token is spent.
  if (good.length === 0) throw renewed.find(({ away }) => away)?.away ?? refusal(renewed[0].error)
  const fresh = Object.fromEntries(renewed.map((answer, at) => [tokens[at], isRenewed(answer) ? answer : undefined]))
  const lives = good.map(({ expires_in }) => expires_in).filter((seconds) => Number.isFinite(seconds))
  const own = fresh[refresh_token]
  const person = fresh[userRefreshToken]
  return {
    ...(own ? { access_token: own.access_token, refresh_token: own.refresh_token } : {}),
    ...(person ? { userAccessToken: person.access_token, userRefreshToken: person.refresh_token } : {}),
    ...(lives.length > 0 ? { expires_at: Date.now() + Math.min(...lives) * 1000 } : {}),
  }
}

const isRenewed = ({ ok, access_token }) => ok && typeof access_token === 'string' && access_token.trim() !== ''

async function renew(uri, { clientId, clientSecret }, refreshToken) {
  const response = await fetch(`${uri}/oauth.v2.access`, {
    method: 'POST',
    body: new URLSearchParams({
      client_id: clientId,
      client_secret: clientSecret,
      grant_type: 'refresh_token',
      refresh_token: refreshToken,
    }),
  })
  if (response.status === 429 || response.status >= 500) throw new Error(`Slack answered ${response.status}`)
  return await response.json()
}

/** Without rotation a token is good until it is revoked: Slack says which. */
async function asTheyAre(uri, { access_token }) {
  const response = await fetch(`${uri}/auth.test`, {
    method: 'POST',
    headers: { authorization: `Bearer ${access_token}` },
  })
  const answer = await response.json()
  if (!answer.ok) throw refusal(answer.error)
  return { access_token }
}

const refusal = (error) => Object.assign(new Error(`Slack refused: ${error}`), { key: GONE })
