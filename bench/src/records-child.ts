import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { answerParent } from './child.ts'

// An app with very many records, page by page; made as they are asked for, so that it costs as little as can be.

const PAGE = 1000
let server: Server | null = null

async function start({ records }: { records: number }): Promise<{ port: number }> {
  const listening = createServer((request, response) => {
    const from = Number(new URL(request.url ?? '', 'http://app').searchParams.get('cursor') ?? 0)
    const to = Math.min(records, from + PAGE)
    const items = Array.from({ length: to - from }, (_, at) => recordAt(from + at))
    const body = JSON.stringify({ items, ...(to < records ? { next: String(to) } : {}) })
    response.writeHead(200, { 'content-type': 'application/json' }).end(body)
  })
  server = listening
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
  return { port: (listening.address() as AddressInfo).port }
}

function recordAt(number: number) {
  const name = `Record ${number}`
  return {
    id: `r${number}`,
    name,
    mail: `r${number}@example.com`,
    city: 'Bern',
    note: name.repeat(8),
    updatedAt: '2026-01-01T00:00:00Z',
  }
}

const asks = {
  start,
  async stop() {
    server?.closeAllConnections()
    server?.close()
  },
}
export type RecordsAsks = typeof asks

answerParent(asks)
