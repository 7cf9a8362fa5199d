interface Asked {
  method: string
  path: string
  headers: Readonly<Record<string, string | string[] | undefined>>
  body: string
}

/** What a request asks for, however it is written down. */
export function asked({ method, path, headers, body }: Asked, besides: readonly string[] = []) {
  const { pathname, searchParams } = new URL(path, 'http://app.example')
  const isForm = String(headers['content-type']).startsWith('application/x-www-form-urlencoded')
  const query = [...searchParams].filter(([name]) => !besides.includes(name))
  const read = () => (isForm ? Object.fromEntries(new URLSearchParams(body)) : JSON.parse(body))
  return {
    method,
    path: decodeURIComponent(pathname),
    query: query.toSorted(([one], [other]) => one.localeCompare(other, 'en')),
    // One package says in the body of a deletion what the path says already.
    body: body === '' || method === 'DELETE' ? null : read(),
  }
}
