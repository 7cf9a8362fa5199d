import { connect, createServer, type Socket } from 'node:net'

/** A link to a server that can be cut, silenced, or turned to another server, as networks do. */
export interface Link extends AsyncDisposable {
  readonly port: number
  /** Stops forwarding without closing anything: what is sent from now on goes nowhere. */
  silence(): void
  /** Ends all connections through it and lets new ones through. */
  restore(): void
  /** Ends all connections; new ones reach this server. */
  turnTo(target: number | string): void
}

/** Listens on a free port of the loopback, or of another address of this machine, and passes connections on to a port there, or to the socket of this path. */
export async function createLink(to: number | string, host = '127.0.0.1'): Promise<Link> {
  const pairs = new Set<readonly [Socket, Socket]>()
  let target = to
  let isSilent = false
  const server = createServer((near) => {
    const far = typeof target === 'number' ? connect(target, '127.0.0.1') : connect(target)
    const pair = [near, far] as const
    pairs.add(pair)
    for (const [from, to] of [pair, [far, near] as const]) {
      from.on('data', (bytes) => {
        if (!isSilent) to.write(bytes)
      })
      from.on('error', () => to.destroy())
      from.on('close', () => {
        // Where nothing is forwarded, the other end does not hear of it either.
        if (isSilent) return
        pairs.delete(pair)
        to.destroy()
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  const endAll = () => {
    for (const sockets of pairs) for (const socket of sockets) socket.destroy()
    pairs.clear()
  }
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    silence() {
      isSilent = true
    },
    restore() {
      endAll()
      isSilent = false
    },
    turnTo(next) {
      target = next
      endAll()
    },
    async [Symbol.asyncDispose]() {
      endAll()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Where a PostgreSQL of the tests listens, from its URL. */
export function postgresSocketOf(url: string): string {
  const [, host = '', port = ''] = /host=([^&]+)&port=(\d+)/.exec(url) ?? []
  return `${decodeURIComponent(host)}/.s.PGSQL.${port}`
}
