import { type buildConnector, Client } from 'undici'
import type { Dial } from './dial.ts'
import { skippingContinue } from './skip-continue.ts'

/** At most this many connections to one origin at a time; further requests wait, within their own time limit. */
export const CONNECTIONS_PER_ORIGIN_MAX = 128

/** At most this many connections stay open unused, over all origins; beyond that the longest unused one is closed. */
export const IDLE_CONNECTIONS_MAX = 1_024

/**
 * An unused connection is closed after this long. Many servers close theirs after 5 s (Node, Apache, uvicorn); being
 * first avoids sending a request into a connection that is just being closed. A server may ask for another limit in
 * its `Keep-Alive` header, up to `IDLE_MAX_MS`.
 */
const IDLE_MS = 4_000
const IDLE_MAX_MS = 10_000

const RESPONSE_HEADER_BYTES_MAX = 16 * 1024

/** One place for one request at a time on one origin, with a connection that is made when first needed. */
export type PooledSocket = {
  readonly client: Client
  readonly origin: Origin
  /** of the latest connection */
  remoteAddress: string | null
  isBusy: boolean
  giveUpDialling: () => void
  /** Called before a request is sent on it. */
  expectAnswer: () => void
}

/** Whoever waits for a slot. */
type Claim = (slot: PooledSocket) => void

/** Hands out connections and keeps those worth keeping. Not for requests: it never sends one by itself. */
export type SocketPool = {
  /** Calls `claim` with a slot, at once where one is free or may be made. The returned function leaves the queue. */
  acquire(url: string, claim: Claim): () => void
  /** After a complete answer: the slot may serve the next request. */
  release(slot: PooledSocket): void
  /** After anything else: the connection ends now, with whatever is on it. */
  discard(slot: PooledSocket): void
  /** How many origins and slots there are, and how many of the latter are unused. */
  count(): { origins: number; slots: number; idle: number }
  /** Ends every connection. */
  destroy(): Promise<void>
}

type Origin = {
  readonly url: string
  readonly slots: Set<PooledSocket>
  readonly idle: PooledSocket[]
  readonly waiting: Set<Claim>
}

/**
 * A pool of single connections. undici's Agent and Pool are not used because a request queued there can neither leave
 * the queue when its time is up nor say which address it went to, and because the number of unused connections over
 * many origins has no bound there. Nothing is kept for an origin without connections.
 */
export function createSocketPool(dial: Dial): SocketPool {
  const origins = new Map<string, Origin>()
  const idle = new Set<PooledSocket>()

  function originOf(url: string): Origin {
    let origin = origins.get(url)
    if (origin === undefined) {
      origin = { url, slots: new Set(), idle: [], waiting: new Set() }
      origins.set(url, origin)
    }
    return origin
  }

  function add(origin: Origin): PooledSocket {
    // While busy, the request was not written yet and undici connects anew; otherwise its error discards the slot.
    const slot = openSlot(origin, dial, () => {
      if (!slot.isBusy) discard(slot)
    })
    origin.slots.add(slot)
    return slot
  }

  function discard(slot: PooledSocket): void {
    const { origin } = slot
    if (!origin.slots.delete(slot)) return
    stopIdling(slot)
    slot.client.destroy(noop)
    slot.giveUpDialling()
    const [next] = origin.waiting
    if (next !== undefined) {
      origin.waiting.delete(next)
      next(add(origin))
    } else if (origin.slots.size === 0) {
      origins.delete(origin.url)
    }
  }

  function release(slot: PooledSocket): void {
    const { origin } = slot
    if (!origin.slots.has(slot)) return
    const [next] = origin.waiting
    if (next !== undefined) {
      origin.waiting.delete(next)
      next(slot)
      return
    }
    slot.isBusy = false
    origin.idle.push(slot)
    idle.add(slot)
    if (idle.size <= IDLE_CONNECTIONS_MAX) return
    const [longestUnused] = idle
    if (longestUnused !== undefined) discard(longestUnused)
  }

  function stopIdling(slot: PooledSocket): void {
    if (!idle.delete(slot)) return
    slot.origin.idle.splice(slot.origin.idle.indexOf(slot), 1)
  }

  return {
    release,
    discard,
    acquire(url, claim) {
      const origin = originOf(url)
      // The last one used is the least likely to have been closed by the other side, and lets the others run out.
      const slot = origin.idle.pop()
      if (slot !== undefined) {
        idle.delete(slot)
        slot.isBusy = true
        slot.expectAnswer()
        claim(slot)
      } else if (origin.slots.size < CONNECTIONS_PER_ORIGIN_MAX) {
        claim(add(origin))
      } else {
        origin.waiting.add(claim)
      }
      return () => origin.waiting.delete(claim)
    },
    count() {
      let slots = 0
      for (const origin of origins.values()) slots += origin.slots.size
      return { origins: origins.size, slots, idle: idle.size }
    },
    async destroy() {
      const slots = [...origins.values()].flatMap((origin) => [...origin.slots])
      const ends = slots.map((slot) => slot.client.destroy())
      for (const slot of slots) discard(slot)
      await Promise.all(ends)
    },
  }
}

function openSlot(origin: Origin, dial: Dial, onDisconnect: () => void): PooledSocket {
  const connect: buildConnector.connector = ({ hostname, port, protocol }, callback) => {
    const isTls = protocol === 'https:'
    slot.giveUpDialling = dial({ hostname, port: Number(port || (isTls ? 443 : 80)), isTls }, (failure, socket) => {
      if (socket === null) return callback(failure ?? new Error('neither a socket nor a failure'), null)
      slot.remoteAddress = socket.remoteAddress ?? null
      slot.expectAnswer = skippingContinue(socket)
      callback(null, socket)
    })
  }
  const client = new Client(origin.url, {
    connect,
    allowH2: false,
    pipelining: 1,
    keepAliveTimeout: IDLE_MS,
    keepAliveMaxTimeout: IDLE_MAX_MS,
    maxHeaderSize: RESPONSE_HEADER_BYTES_MAX,
    // The whole attempt has a limit of its own, so these two need no timers.
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  client.on('disconnect', onDisconnect)
  const slot: PooledSocket = {
    client,
    origin,
    remoteAddress: null,
    isBusy: true,
    giveUpDialling: noop,
    expectAnswer: noop,
  }
  return slot
}

function noop(): void {}
