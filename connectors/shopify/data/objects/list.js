export default async function list({ apiClient, parameters, cursor }) {
  // A further page is asked for by nothing but what the one before said.
  const asked = cursor ? { limit: 250, page_info: cursor } : { limit: 250, ...parameters.filter }
  const { data, headers } = await apiClient.get(`/${parameters.path}.json`, asked, { returnFullResponse: true })
  const next = /<([^>]+)>;\s*rel="?next"?/.exec(headers.link ?? '')?.[1]
  return { records: data[parameters.path], cursor: next ? new URL(next).searchParams.get('page_info') : undefined }
}
