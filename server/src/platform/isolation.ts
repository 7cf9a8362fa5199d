import { execFile } from 'node:child_process'
import type { Log } from '../platform/log.ts'

/** A command that a child is started through. */
export interface Isolation {
  prefix: readonly string[]
  isNetworkCutOff: boolean
}

/** Ends the child when the engine is gone, also while it computes without end; and no set-user-id program helps it. */
const TIED = ['setpriv', '--pdeathsig', 'KILL', '--no-new-privs']

/** From the best to none. Each was measured to cost nothing per call. */
const CANDIDATES: readonly Isolation[] = [
  { prefix: ['unshare', '-r', '-n', ...TIED], isNetworkCutOff: true },
  { prefix: ['unshare', '-r', '-n'], isNetworkCutOff: true },
  {
    prefix: ['bwrap', '--dev-bind', '/', '/', '--unshare-user-try', '--unshare-net', '--die-with-parent', '--'],
    isNetworkCutOff: true,
  },
  { prefix: TIED, isNetworkCutOff: false },
]

const PROBE_TIMEOUT_MS = 5000

/**
 * How children are started on this machine. Node's own permissions keep a child from files, processes and addons, not
 * from the network; a network namespace without interfaces does. Not every machine lets one be made.
 */
export async function detectIsolation(log: Log): Promise<Isolation> {
  for (const candidate of CANDIDATES) {
    if (!(await works(candidate.prefix))) continue
    if (!candidate.isNetworkCutOff) warn(log)
    return candidate
  }
  warn(log)
  return { prefix: [], isNetworkCutOff: false }
}

function warn(log: Log): void {
  log.warn(
    {},
    'the processes that run functions are not cut off from the network, because neither unshare nor bwrap can make a network namespace here; functions reach the network only if they break out of their engine',
  )
}

function works([command = '', ...args]: readonly string[]): Promise<boolean> {
  return new Promise((resolve) => {
    execFile(command, [...args, 'true'], { timeout: PROBE_TIMEOUT_MS, env: { PATH } }, (error) =>
      resolve(error === null),
    )
  })
}

/** Where the system's own programs are; the engine's environment is not handed on. */
export const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
