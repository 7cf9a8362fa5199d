import type { LookupAddress } from 'node:dns'
import { connect as connectTcp, isIP, type LookupFunction, Socket } from 'node:net'
import { connect as connectTls, getCACertificates } from 'node:tls'
import { type AllowRule, refusalOf } from './address-policy.ts'
import { DialFailure, dialFailureOf } from './outcome.ts'

/** Asks for every address of a host name. The default is the system's resolver; tests give their own. */
export type Lookup = (hostname: string) => Promise<LookupAddress[]>

/** Where to connect: the host as the URL parser wrote it, IPv6 without brackets. */
export type DialTarget = {
  hostname: string
  port: number
  isTls: boolean
  /** What TLS offers to speak; HTTP/1.1 unless said otherwise, and nothing where it is empty. */
  protocols?: readonly string[]
}

/** Called once, with either a connected socket (TLS already verified) or the reason why there is none. */
type DialDone = (failure: DialFailure | null, socket: Socket | null) => void

/**
 * Connects to a checked address. The returned function gives up at once: `done` is then called with a failure, and the
 * socket is gone.
 *
 * The name is looked up once per connection. Every A and AAAA answer must pass the address policy, one bad answer
 * refuses all of them, and the socket is connected to those very addresses, so a name that changes its mind between
 * check and use gains nothing. After connecting, the peer's address is checked once more. Proxy variables of the
 * environment are not looked at. TLS certificates are always verified.
 */
export type Dial = {
  (target: DialTarget, done: DialDone): () => void
  /**
   * For clients that cannot be handed a socket: a lookup that answers the checked addresses of this target, whatever it
   * is asked. Rejects with a `DialFailure`.
   */
  pinned(target: DialTarget): Promise<LookupFunction>
  /**
   * For clients that must have a socket at once: it connects to a checked address, and emits a `DialFailure` where there
   * is none. Only the client's own time limit ends it.
   */
  open(target: DialTarget): Socket
  /** Who signs certificates that are believed, as PEM; null: those that the system believes. */
  readonly trusted: readonly string[] | null
}

/** Makes the one function through which every connection leaves the engine. */
export function createDial(options: {
  allow: readonly AllowRule[]
  lookup: Lookup
  /** from the lookup to the end of the TLS handshake */
  connectTimeoutMs: number
  /** Certificates, as PEM, of who signs others that are believed beside those that the system believes. */
  certificates?: readonly string[] | undefined
}): Dial {
  const resolve = shareOngoing(options.lookup)
  const own = options.certificates ?? []
  const trusted = own.length === 0 ? null : [...getCACertificates('default'), ...own]
  const dial = (target: DialTarget, done: DialDone) => {
    const peer = `${target.hostname}:${target.port}`
    let socket: Socket | null = null
    let phase = 'looking up its name'
    let isSettled = false
    const settle: DialDone = (failure, connected) => {
      if (isSettled) return
      isSettled = true
      clearTimeout(timer)
      if (failure !== null) socket?.destroy()
      done(failure, connected)
    }
    const timer = setTimeout(() => {
      const message = `no connection to ${peer} within ${options.connectTimeoutMs} ms, while ${phase}`
      settle(new DialFailure({ kind: 'unreachable', reason: 'timeout' }, message), null)
    }, options.connectTimeoutMs)

    addressesOf(target, resolve)
      .then((addresses) => {
        if (isSettled) return
        const refusal = firstRefusal(addresses, target, options.allow)
        if (refusal !== null) return settle(refusal, null)
        phase = 'connecting'
        socket = openSocket(target, pinnedTo(addresses), trusted)
        watch(socket, target, options.allow, { onTcp: () => (phase = 'shaking hands over TLS'), settle })
      })
      .catch((error: Error) => {
        settle(error instanceof DialFailure ? error : dialFailureOf(error, peer, false), null)
      })

    return () => settle(new DialFailure({ kind: 'unreachable', reason: 'reset' }, 'connecting was given up'), null)
  }
  return Object.assign(dial, {
    trusted,
    open(target: DialTarget) {
      const refusal = isIP(target.hostname) === 0 ? null : firstRefusal([target.hostname], target, options.allow)
      if (refusal !== null) {
        const none = new Socket()
        setImmediate(() => none.destroy(refusal))
        return none
      }
      const checked: LookupFunction = (hostname, how, callback) => {
        addressesOf(target, resolve).then(
          (addresses) => {
            const wrong = firstRefusal(addresses, target, options.allow)
            if (wrong !== null) callback(wrong, '')
            else pinnedTo(addresses)(hostname, how, callback)
          },
          (error: Error) => callback(error, ''),
        )
      }
      const socket = openSocket(target, checked, trusted)
      socket.once('connect', () => {
        const wrong = firstRefusal([socket.remoteAddress ?? ''], target, options.allow)
        if (wrong !== null) socket.destroy(wrong)
      })
      return socket
    },
    async pinned(target: DialTarget) {
      const addresses = await addressesOf(target, resolve)
      const refusal = firstRefusal(addresses, target, options.allow)
      if (refusal !== null) throw refusal
      return pinnedTo(addresses)
    },
  })
}

function watch(
  socket: Socket,
  target: DialTarget,
  allow: readonly AllowRule[],
  on: { onTcp: () => void; settle: DialDone },
): void {
  let isHandshake = false
  const peer = `${target.hostname}:${target.port}`
  socket.once('connect', () => {
    const refusal = firstRefusal([socket.remoteAddress ?? ''], target, allow)
    if (refusal !== null) return on.settle(refusal, null)
    isHandshake = target.isTls
    on.onTcp()
    if (!target.isTls) on.settle(null, socket)
  })
  if (target.isTls) socket.once('secureConnect', () => on.settle(null, socket))
  // Stays for the socket's whole life: an error after the hand-over is undici's to report, and must not be unhandled.
  socket.on('error', (error) => on.settle(dialFailureOf(error, peer, isHandshake), null))
  socket.once('close', () => {
    on.settle(new DialFailure({ kind: 'unreachable', reason: 'reset' }, `${peer} closed the connection at once`), null)
  })
}

function openSocket(
  { hostname, port, isTls, protocols = ['http/1.1'] }: DialTarget,
  lookup: LookupFunction,
  trusted: readonly string[] | null,
): Socket {
  const tcp = { host: hostname, port, lookup, autoSelectFamily: true, noDelay: true, keepAlive: true } as const
  if (!isTls) return connectTcp(tcp)
  // RFC 6066 wants the name without its trailing dot, and no name at all for an IP address.
  const servername = isIP(hostname) === 0 ? hostname.replace(/\.$/, '') : ''
  // `rejectUnauthorized` is said aloud because the environment could otherwise switch verification off.
  const offered = protocols.length === 0 ? {} : { ALPNProtocols: [...protocols] }
  const believed = trusted === null ? {} : { ca: [...trusted] }
  return connectTls({ ...tcp, servername, ...offered, ...believed, rejectUnauthorized: true })
}

async function addressesOf(target: DialTarget, resolve: Lookup): Promise<string[]> {
  if (isIP(target.hostname) !== 0) return [target.hostname]
  let answers: LookupAddress[]
  try {
    answers = await resolve(target.hostname)
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : ''
    const message = `the name ${target.hostname} does not resolve${code}`
    throw new DialFailure({ kind: 'unreachable', reason: 'dns' }, message, { cause })
  }
  if (answers.length > 0) return answers.map(({ address }) => address)
  throw new DialFailure({ kind: 'unreachable', reason: 'dns' }, `the name ${target.hostname} has no address`)
}

function firstRefusal(addresses: string[], target: DialTarget, allow: readonly AllowRule[]): DialFailure | null {
  for (const address of addresses) {
    const refusal = refusalOf(address, target.port, allow)
    if (refusal === null) continue
    const message = `connecting to ${target.hostname}:${target.port} is not allowed: ${refusal}`
    return new DialFailure({ kind: 'forbidden', address }, message)
  }
  return null
}

/** The socket's own lookup, which answers what was checked whatever it is asked. */
function pinnedTo(addresses: string[]): LookupFunction {
  const answers = addresses.map((address) => ({ address, family: isIP(address) }))
  return (_hostname, options, callback) => {
    if (options.all) return callback(null, answers)
    const [first] = answers
    if (first === undefined) return callback(new Error('no address'), '')
    callback(null, first.address, first.family)
  }
}

/**
 * Connections that ask for the same name at the same time share one lookup. The system's resolver has four threads for
 * the whole process, and one name that answers slowly must not hold all of them.
 */
function shareOngoing(lookup: Lookup): Lookup {
  const ongoing = new Map<string, Promise<LookupAddress[]>>()
  return (hostname) => {
    const known = ongoing.get(hostname)
    if (known !== undefined) return known
    const asked = lookup(hostname).finally(() => ongoing.delete(hostname))
    ongoing.set(hostname, asked)
    return asked
  }
}
