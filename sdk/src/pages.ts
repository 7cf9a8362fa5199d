import type { CallOptions } from './endpoint-call.ts'

interface Page {
  items: unknown[]
  cursor?: string | undefined
}

type ListCall = (...args: never[]) => Promise<Page>
type ItemOf<List extends ListCall> = Awaited<Awaited<ReturnType<List>>['items'][number]>

/**
 * Every item of a list, page after page, each page asked for when the one before it is used up:
 * `for await (const run of pages(permea.flowRuns.list, { query: { state: 'failed' } })) …`
 *
 * Takes what the list function takes. `query.limit` is the size of a page, not of the whole; `query.cursor` is where
 * to begin.
 */
export async function* pages<List extends ListCall>(
  list: List,
  ...args: Parameters<List>
): AsyncGenerator<ItemOf<List>, void, undefined> {
  const [input, options] = args as unknown as [input?: { query?: Record<string, unknown> }, options?: CallOptions]
  const pageAfter = list as unknown as (input: object, options?: CallOptions) => Promise<Page>
  let query = input?.query ?? {}
  while (true) {
    const page = await pageAfter({ ...input, query }, options)
    yield* page.items as ItemOf<List>[]
    if (page.cursor === undefined) return
    query = { ...query, cursor: page.cursor }
  }
}
