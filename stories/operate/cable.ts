import { execFileSync, spawn } from 'node:child_process'
import { appendFileSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { type PostgresProcess, until } from '@permea/testkit'

/** A PostgreSQL that is reached over a cable of its own, as well as over its socket. */
export interface Cabled extends AsyncDisposable {
  /** By way of the cable. */
  readonly url: string
  /** From now on packets vanish, both ways, and nobody is told. */
  pull(): void
  plug(): void
}

const ip = (...args: string[]) => execFileSync('ip', args, { stdio: 'pipe' })

/**
 * Moves a running server into a network namespace, at the other end of a pair of virtual cables: its kernel's probes and
 * time-outs are then those of a machine apart. Its socket stays where it is. Needs root on Linux.
 */
export async function behindCable(postgres: PostgresProcess): Promise<Cabled> {
  const name = `permea${process.pid}`
  const [near, far] = [`pn${process.pid}`, `pf${process.pid}`]
  // Of the block for documentation, so that it is nobody's; one net for each process of tests.
  const net = `198.51.100.${(process.pid % 63) * 4}`.split('.')
  const addressOf = (at: number) => [...net.slice(0, 3), Number(net[3]) + at].join('.')
  ip('netns', 'add', name)
  await using built = new AsyncDisposableStack()
  built.defer(() => void ip('netns', 'del', name))
  ip('link', 'add', near, 'type', 'veth', 'peer', 'name', far, 'netns', name)
  // The namespace itself lasts as long as the server in it.
  built.defer(() => void ip('link', 'del', near))
  ip('addr', 'add', `${addressOf(1)}/30`, 'dev', near)
  ip('link', 'set', near, 'up')
  ip('-n', name, 'addr', 'add', `${addressOf(2)}/30`, 'dev', far)
  ip('-n', name, 'link', 'set', far, 'up')

  const [pid = ''] = readFileSync(path.join(postgres.dataDir, 'postmaster.pid'), 'utf8').split('\n')
  const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1)
  appendFileSync(path.join(postgres.dataDir, 'pg_hba.conf'), `host all all ${addressOf(1)}/32 trust\n`)
  const { uid, gid } = statSync(postgres.dataDir)
  await postgres.stop('fast')
  const user = ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups']
  const server = spawn('ip', ['netns', 'exec', name, ...user, ...command, '-c', 'listen_addresses=*'], {
    stdio: 'ignore',
    detached: true,
  })
  server.unref()
  // Takes over the one that is there.
  await until('PostgreSQL answers on its socket', 60_000, () => isThere(postgres))
  await postgres.start()
  const kept = built.move()
  return {
    url: `postgres://postgres@${addressOf(2)}:5432/postgres`,
    pull() {
      ip('-n', name, 'link', 'set', far, 'down')
    },
    plug() {
      ip('-n', name, 'link', 'set', far, 'up')
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

function isThere({ dataDir }: PostgresProcess): boolean {
  try {
    return readFileSync(path.join(dataDir, 'postmaster.pid'), 'utf8').split('\n')[7]?.trim() === 'ready'
  } catch {
    return false
  }
}
