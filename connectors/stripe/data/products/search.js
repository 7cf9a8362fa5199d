// https://docs.stripe.com/search#search-query-language
export default async function search({ apiClient, query, cursor }) {
  const words = `"${query.replaceAll(/["\\]/g, '\\$&')}"`
  const page = await apiClient.get('/v1/products/search', {
    query: `name~${words} OR description~${words}`,
    limit: 100,
    page: cursor,
  })
  return { records: page.data, cursor: page.next_page ?? undefined }
}
