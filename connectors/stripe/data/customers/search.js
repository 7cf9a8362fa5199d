// https://docs.stripe.com/search#search-query-language
export default async function search({ apiClient, query, cursor }) {
  const words = `"${query.replaceAll(/["\\]/g, '\\$&')}"`
  const page = await apiClient.get('/v1/customers/search', {
    query: `name~${words} OR email~${words}`,
    limit: 100,
    page: cursor,
  })
  return { records: page.data, cursor: page.next_page ?? undefined }
}
