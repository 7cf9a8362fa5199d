import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/** Ports that systems do not hand out by themselves: nobody else gets one of them while its process is down. */
const KEPT_PORTS = [20_000, 32_000] as const

/** A port for a process that is started a moment later, or killed and started again at the same address. */
export async function keptPort(): Promise<number> {
  for (;;) {
    const port = randomInt(...KEPT_PORTS)
    const server = createServer()
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => resolve(true))
    })
    if (!isFree) continue
    await new Promise((resolve) => server.close(resolve))
    return port
  }
}
