export default function getOAuthConfig({ connectorParameters }) {
  const scopes = connectorParameters.scopes ?? ['chat:write', 'channels:read', 'channels:history']
  return {
    clientId: connectorParameters.clientId,
    clientSecret: connectorParameters.clientSecret,
    authorizeUri: 'https://slack.com/oauth/v2/authorize',
    tokenUri: 'https://slack.com/api/oauth.v2.access',
    // Slack wants them with commas between.
    extra: { scope: scopes.join(',') },
    skipPkce: true,
  }
}
