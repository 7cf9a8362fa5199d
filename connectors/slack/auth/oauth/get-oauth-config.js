export default function getOAuthConfig({ connectorParameters }) {
  const scopes = connectorParameters.scopes ?? ['chat:write', 'channels:read', 'channels:history']
  const userScopes = connectorParameters.userScopes ?? []
  const serverUri = connectorParameters.serverUri ?? 'https://slack.com'
  return {
    clientId: connectorParameters.clientId,
    clientSecret: connectorParameters.clientSecret,
    authorizeUri: `${serverUri}/oauth/v2/authorize`,
    tokenUri: `${serverUri}/api/oauth.v2.access`,
    // Slack wants them with commas between.
    extra: {
      ...(scopes.length > 0 ? { scope: scopes.join(',') } : {}),
      ...(userScopes.length > 0 ? { user_scope: userScopes.join(',') } : {}),
    },
    skipPkce: true,
  }
}
