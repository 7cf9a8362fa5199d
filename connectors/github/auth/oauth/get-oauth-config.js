export default function getOAuthConfig({ connectorParameters }) {
  const server = connectorParameters.serverUri?.replace(/\/+$/, '') || 'https://github.com'
  return {
    clientId: connectorParameters.clientId,
    clientSecret: connectorParameters.clientSecret,
    authorizeUri: `${server}/login/oauth/authorize`,
    tokenUri: `${server}/login/oauth/access_token`,
    scopes: connectorParameters.scopes ?? ['repo', 'admin:repo_hook', 'admin:org_hook'],
    clientAuthLocation: 'body',
  }
}
