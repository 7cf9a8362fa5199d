export default function getOAuthConfig({ connectorParameters }) {
  return {
    clientId: connectorParameters.clientId,
    clientSecret: connectorParameters.clientSecret,
    authorizeUri: 'https://app.hubspot.com/oauth/authorize',
    tokenUri: 'https://api.hubapi.com/oauth/v1/token',
    scopes: connectorParameters.scopes ?? ['oauth', 'crm.objects.contacts.read', 'crm.objects.contacts.write'],
    clientAuthLocation: 'body',
    skipPkce: true,
  }
}
