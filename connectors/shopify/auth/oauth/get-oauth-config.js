export default function getOAuthConfig({ connectorParameters, connectionInput }) {
  const { shop } = connectionInput
  // The client's secret is sent to this address.
  if (!/^[a-z0-9][a-z0-9-]*\.myshopify\.com$/.test(shop ?? ''))
    throw new Error('the shop must be an address such as my-shop.myshopify.com')
  const scopes = connectorParameters.scopes ?? ['read_orders', 'read_products', 'read_customers']
  return {
    clientId: connectorParameters.clientId,
    clientSecret: connectorParameters.clientSecret,
    authorizeUri: `https://${shop}/admin/oauth/authorize`,
    tokenUri: `https://${shop}/admin/oauth/access_token`,
    // Shopify wants them with commas between.
    extra: { scope: scopes.join(',') },
    clientAuthLocation: 'body',
    skipPkce: true,
    noRefreshToken: true,
  }
}
