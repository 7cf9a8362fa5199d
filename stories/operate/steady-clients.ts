import { type EngineProcess, pause } from '@permea/testkit'
import { type Ledger, type Shipment, ship } from '../ledger.ts'

/** Clients of your application that send one request after the other, each until it is acknowledged. */
export interface SteadyClients extends AsyncDisposable {
  /** How long an answer was waited for at most, in milliseconds. */
  readonly longestMs: number
  /** Ends when everything that was begun is acknowledged. */
  finish(): Promise<void>
}

const CLIENTS = 4

/** Each request has a key, so what is sent again is the same event. */
export function startClients(engineOf: () => EngineProcess, make: () => Shipment, ledger: Ledger): SteadyClients {
  let isOver = false
  let isGone = false
  let longestMs = 0
  async function send(shipment: Shipment): Promise<boolean> {
    const beganMs = performance.now()
    const isAcknowledged = await ship(engineOf(), shipment, ledger)
    longestMs = Math.max(longestMs, performance.now() - beganMs)
    return isAcknowledged
  }
  const clients = Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      while (!isOver) {
        const made = make()
        const shipment = { ...made, key: made.key ?? made.orders.join() }
        while (!(await send(shipment)) && !isGone) await pause(50)
        await pause(20)
      }
    }),
  )
  return {
    get longestMs() {
      return longestMs
    },
    async finish() {
      isOver = true
      await clients
    },
    async [Symbol.asyncDispose]() {
      isOver = true
      isGone = true
      await clients
    },
  }
}
