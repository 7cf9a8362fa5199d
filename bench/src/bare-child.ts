import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import pg from 'pg'
import { Pool } from 'undici'
import { signedHeaders } from '../../server/src/deliveries/signing.ts'
import { createGroupCommit } from '../../server/src/platform/group-commit.ts'
import { answerParent, usageNow } from './child.ts'

// What the engine is compared with: the least that takes an event durably, the least that also hands it on, and the least
// that makes an event of a webhook, here by a function of this process, and hands that on signed.

const GROUP = { groupMax: 200, groupWeightMax: 1e9, writersMax: 2, waitingMax: 1e9, waitingWeightMax: 1e12 }

let server: Server | null = null
let pool: pg.Pool | null = null
let app: Pool | null = null
let finished = 0
let lastId = 0

async function start(options: { databaseUrl: string; receiverPort: number }): Promise<{ port: number }> {
  const database = new pg.Pool({ connectionString: options.databaseUrl, max: 16 })
  pool = database
  await database.query(
    'create table received (id bigint primary key, body text not null, status integer, delivered_at timestamptz)',
  )
  app = new Pool(`http://127.0.0.1:${options.receiverPort}`, { connections: 128, pipelining: 1 })
  const listening = createServer(serverOf(database, app))
  listening.keepAliveTimeout = 60_000
  server = listening
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
  return { port: (listening.address() as AddressInfo).port }
}

function serverOf(database: pg.Pool, receiver: Pool): Parameters<typeof createServer>[1] {
  const inserts = createGroupCommit<{ id: number; body: string }, null>({
    ...GROUP,
    async write(rows) {
      await database.query({
        name: 'insert',
        text: 'insert into received (id, body) select * from unnest($1::bigint[], $2::text[])',
        values: [rows.map((row) => row.id), rows.map((row) => row.body)],
      })
      return rows.map(() => null)
    },
  })
  const updates = createGroupCommit<{ id: number; status: number }, null>({
    ...GROUP,
    async write(rows) {
      await database.query({
        name: 'update',
        text: `update received r set status = u.status, delivered_at = now()
                 from unnest($1::bigint[], $2::int[]) as u (id, status) where r.id = u.id`,
        values: [rows.map((row) => row.id), rows.map((row) => row.status)],
      })
      finished += rows.length
      return rows.map(() => null)
    },
  })

  async function deliver(id: number, body: string, signature: Record<string, string>): Promise<void> {
    const headers = { 'content-type': 'application/json', ...signature }
    const answer = await receiver.request({ path: '/in', method: 'POST', headers, body })
    await answer.body.dump()
    await updates.add({ id, status: answer.statusCode }, 1)
  }

  return (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', async () => {
      const body = Buffer.concat(chunks).toString('utf8')
      const id = ++lastId
      await inserts.add({ id, body }, 1)
      const answer = `{"id":${id}}`
      response.writeHead(202, { 'content-type': 'application/json', 'content-length': answer.length }).end(answer)
      if (request.url === '/pipeline') await deliver(id, body, {})
      if (request.url === '/webhook') {
        const event = eventOf(JSON.parse(body) as Record<string, unknown>)
        await deliver(id, event, signedHeaders({ id: String(id), body: event, at: new Date(), secrets: [SECRET] }))
      }
    })
  }
}

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`

function eventOf({ orderId, ...record }: Record<string, unknown>): string {
  return JSON.stringify({ type: 'order.created', record: { id: orderId, ...record } })
}

const asks = {
  start,
  usage: usageNow,
  finished: () => finished,
  async stop() {
    server?.closeAllConnections()
    server?.close()
    await app?.destroy()
    await pool?.end()
  },
}
export type BareAsks = typeof asks

answerParent(asks)
