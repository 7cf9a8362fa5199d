export default function getOAuthConfig({ connectorParameters }) {
  return {
    clientId: connectorParameters.clientId,
    // Stripe takes the platform's secret key in the place of a client secret.
    clientSecret: connectorParameters.secretKey,
    authorizeUri: 'https://connect.stripe.com/oauth/authorize',
    tokenUri: 'https://connect.stripe.com/oauth/token',
    scopes: [connectorParameters.scope ?? 'read_write'],
    clientAuthLocation: 'body',
    skipPkce: true,
    noRefreshToken: true,
  }
}
