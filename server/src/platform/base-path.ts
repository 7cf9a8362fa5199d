/**
 * What stands before every path of the engine in its public address: empty, or as in `/permea`. It is read from the
 * address, so that links can never name another one than the URLs that are handed out.
 */
export function basePathOf(publicUrl: string): string {
  return new URL(publicUrl).pathname.replace(/\/+$/, '')
}

/** A request's URL without the base path; a proxy may have taken it off already. */
export function withoutBasePath(url: string, basePath: string): string {
  if (basePath === '' || !url.startsWith(basePath)) return url
  const rest = url.slice(basePath.length)
  if (rest === '' || rest.startsWith('?')) return `/${rest}`
  return rest.startsWith('/') ? rest : url
}
