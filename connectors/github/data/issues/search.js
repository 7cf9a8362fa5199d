const PER_PAGE = 100

export default async function search({ apiClient, parameters: { owner, repository }, query, cursor }) {
  const page = Number(cursor ?? 1)
  const q = `${query} repo:${owner}/${repository} is:issue`
  const { items } = await apiClient.get('/search/issues', { q, per_page: PER_PAGE, page })
  return { records: items, cursor: items.length === PER_PAGE ? String(page + 1) : undefined }
}
