import { createApiClient } from './api-client.ts'
import { createEngineClient } from './engine-client.ts'
import { described } from './errors.ts'
import { furnish } from './globals.ts'
import { apply, defineProperty, host, parseJson, toJson } from './intrinsics.ts'
import { enter, settle } from './waiting.ts'

/** Names under which a function gets the client of the engine itself rather than of an app. */
const ENGINE_CLIENTS = ['membrane', 'engineApiClient', 'integrationApp', 'integrationAppClient']

type Callable = (argument: unknown) => unknown

const loaded: { call: Callable | null } = { call: null }

/** Finds the function in what a module exports; false where there is none. */
function adopt(namespace: unknown): boolean {
  const assigned = (globalThis as { module?: { exports?: unknown } }).module?.exports
  for (const candidate of [defaultOf(namespace), assigned, defaultOf(assigned)]) {
    if (typeof candidate !== 'function') continue
    loaded.call = candidate as Callable
    return true
  }
  return false
}

function defaultOf(exported: unknown): unknown {
  return typeof exported === 'object' && exported !== null ? (exported as { default?: unknown }).default : undefined
}

/** Calls the function with the arguments, the clients laid over them; the result is emitted when it is there. */
function begin(argsJson: string, clientsJson: string, elapsedMs: number): void {
  enter(elapsedMs)
  void run(argsJson, parseJson(clientsJson))
}

async function run(argsJson: string, clients: string[]): Promise<void> {
  try {
    const args = parseJson(argsJson)
    for (const name of clients) {
      const isEngine = ENGINE_CLIENTS.indexOf(name) !== -1
      const value = isEngine ? createEngineClient(name) : createApiClient(name)
      defineProperty(args, name, { value, enumerable: true, writable: true, configurable: true })
    }
    const returned = await apply(loaded.call as Callable, undefined, [args])
    const text = returned === undefined ? undefined : toJson(returned)
    host.emit('returned', text ?? '')
  } catch (thrown) {
    host.emit('failed', described(thrown))
  }
}

/** A later slice: answers were settled before it, timers fire in it. */
function proceed(elapsedMs: number): void {
  enter(elapsedMs)
}

furnish()

/** Taken by the child, which removes it from the global object before a function is loaded. */
defineProperty(globalThis, '__guest', {
  value: { adopt, begin, settle, proceed, described },
  configurable: true,
})
