import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { SeededRandom } from '@permea/testkit'
import { type Ledger, noteTaken } from './ledger.ts'

/** What flows call and deliveries go to. It may be away, or answer with errors, and keeps no bodies. */
export interface Application extends AsyncDisposable {
  url: string
  port: number
  /** Listens again, and answers as it should. */
  open(): Promise<void>
  /** Connections are refused from now on. */
  close(): Promise<void>
  /** Answers 503 to everything from now on. */
  fail(): void
}

/** So many of its answers are 503 on any day. */
const BAD_DAY = 0.003

export async function startApplication(port: number, ledger: Ledger, random: SeededRandom): Promise<Application> {
  const sockets = new Set<Socket>()
  let server: Server | null = null
  let isFailing = false

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('error', () => {})
    request.on('end', () => {
      if (isFailing || random.next() < BAD_DAY) {
        response.writeHead(503).end()
        return
      }
      const { n } = JSON.parse(Buffer.concat(chunks).toString()) as { n: number }
      noteTaken(ledger, n)
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true}')
    })
  }

  const application: Application = {
    url: `http://127.0.0.1:${port}`,
    port,
    async open() {
      isFailing = false
      if (server !== null) return
      const opened = createServer(answer)
      opened.on('connection', (socket) => {
        sockets.add(socket)
        socket.on('close', () => sockets.delete(socket))
      })
      server = opened
      await new Promise<void>((resolve, reject) => {
        opened.once('error', reject)
        opened.listen(port, '127.0.0.1', resolve)
      })
    },
    async close() {
      const closing = server
      server = null
      if (closing === null) return
      const closed = new Promise((resolve) => closing.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
    fail() {
      isFailing = true
    },
    [Symbol.asyncDispose]: () => application.close(),
  }
  await application.open()
  return application
}
