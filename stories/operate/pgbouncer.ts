import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { keptPort, until } from '@permea/testkit'

/** A pooler in front of a PostgreSQL of the tests. */
export interface PgBouncer extends AsyncDisposable {
  readonly url: string
}

/** Starts the pooler of Debian's package `pgbouncer` before the PostgreSQL that this URL names. */
export async function startPgBouncer(url: string, mode: 'session' | 'transaction'): Promise<PgBouncer> {
  const [, socketDir = '', port = ''] = /host=([^&]+)&port=(\d+)/.exec(url) ?? []
  const dir = await mkdtemp(path.join(tmpdir(), 'permea-pgbouncer-'))
  const own = await keptPort()
  const config = path.join(dir, 'pgbouncer.ini')
  await writeFile(
    config,
    [
      '[databases]',
      `postgres = host=${decodeURIComponent(socketDir)} port=${port} user=postgres`,
      '[pgbouncer]',
      'listen_addr = 127.0.0.1',
      `listen_port = ${own}`,
      'auth_type = any',
      `pool_mode = ${mode}`,
      'default_pool_size = 40',
    ].join('\n'),
  )
  await chmod(dir, 0o755)
  // It refuses to run as root.
  const child = spawn('pgbouncer', [...(process.getuid?.() === 0 ? ['-u', 'postgres'] : []), config], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => {
    said += String(chunk)
  })
  await until(`pgbouncer listens (${said})`, 10_000, () => isListening(own))
  return {
    url: `postgres://postgres@127.0.0.1:${own}/postgres`,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      await rm(dir, { recursive: true, force: true })
    },
  }
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
