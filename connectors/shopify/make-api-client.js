export default function makeApiClient({ credentials, connectorParameters }) {
  if (!/^[a-z0-9][a-z0-9-]*\.myshopify\.com$/.test(credentials.shop ?? ''))
    throw new Error('the shop must be an address such as my-shop.myshopify.com')
  return {
    baseUri: `https://${credentials.shop}/admin/api/${connectorParameters.apiVersion ?? '2025-10'}`,
    headers: { 'x-shopify-access-token': credentials.access_token },
  }
}
