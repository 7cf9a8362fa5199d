import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { answerParent } from './child.ts'
import { machineMs, type Spread, spreadOf } from './moments.ts'

/** What came in at one path: how much, when the last, and how long after it was sent. */
export interface Arrivals {
  lastAtMs: number
  latency: Spread
}

let server: Server | null = null
const arrivals = new Map<string, { lastAtMs: number; latencies: number[] }>()

/** Starts a receiver that answers every POST with `{}`, but those to `/hang…` never. */
async function start(): Promise<{ port: number }> {
  const listening = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      note(request.url ?? '', Buffer.concat(chunks).toString('latin1'))
      if (request.url?.startsWith('/hang') === true) return
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': 2 }).end('{}')
    })
  })
  listening.keepAliveTimeout = 60_000
  server = listening
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
  return { port: (listening.address() as AddressInfo).port }
}

function note(path: string, body: string): void {
  const nowMs = machineMs()
  const at = body.indexOf('"sentAt":"') + 10
  const seen = arrivals.get(path) ?? { lastAtMs: 0, latencies: [] }
  arrivals.set(path, seen)
  seen.lastAtMs = nowMs
  seen.latencies.push(nowMs - Number(body.slice(at, at + 14)))
}

function arrivedAt({ path }: { path: string }): Arrivals {
  const seen = arrivals.get(path)
  return { lastAtMs: seen?.lastAtMs ?? 0, latency: spreadOf(seen?.latencies ?? []) }
}

function countAt({ path }: { path: string }): number {
  return arrivals.get(path)?.latencies.length ?? 0
}

const asks = {
  start,
  arrivedAt,
  countAt,
  forget: () => arrivals.clear(),
  async stop() {
    server?.closeAllConnections()
    server?.close()
  },
}
export type ReceiverAsks = typeof asks

answerParent(asks)
