export default async function queryObjects({ apiClient, input }) {
  const { className, where = {}, limit = 100, skip = 0, order } = input
  const { results } = await apiClient.get(`/classes/${encodeURIComponent(className)}`, {
    where: JSON.stringify(where),
    limit,
    skip,
    ...(order === undefined ? {} : { order }),
  })
  return results
}
