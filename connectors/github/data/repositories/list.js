const PER_PAGE = 100

export default async function list({ apiClient, cursor }) {
  const page = Number(cursor ?? 1)
  const records = await apiClient.get('/user/repos', { sort: 'full_name', per_page: PER_PAGE, page })
  return { records, cursor: records.length === PER_PAGE ? String(page + 1) : undefined }
}
