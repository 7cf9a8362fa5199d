import { createGuestApiClient } from './api-client.ts'
import { Buffer } from './buffer.ts'
import { createEngineClient } from './engine-client.ts'
import { described } from './errors.ts'
import { parseExactJson } from './exact-number.ts'
import { furnish } from './globals.ts'
import { apply, defineProperty, host, isSyntaxError, NativeError, parseJson, toJson } from './intrinsics.ts'
import { enter, isUnsettled, settle } from './waiting.ts'

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

/** What is laid over the arguments: a text under its names, clients under theirs. */
interface Over {
  clients: string[]
  text: { as: string; valueAs: string[]; isPlain?: true; base64As?: string } | null
  /** Where there may be numbers that a double does not hold. */
  isSuspect: { args: boolean; text: boolean }
}

/** Calls the function with the arguments and what is laid over them; the result is emitted when it is there. */
function begin(argsJson: string, overJson: string, elapsedMs: number, text = ''): void {
  enter(elapsedMs)
  void run(argsJson, parseJson(overJson), text)
}

async function run(argsJson: string, over: Over, text: string): Promise<void> {
  try {
    const args = parseExactJson(argsJson, over.isSuspect.args)
    if (over.text !== null) {
      const value = over.text.isPlain === true ? text : valueIn(text, over.isSuspect.text)
      for (const name of over.text.valueAs) lay(args, name, value)
      lay(args, over.text.as, text)
      if (over.text.base64As !== undefined) layBase64(args, over.text.base64As, text)
    }
    for (const name of over.clients)
      lay(args, name, ENGINE_CLIENTS.indexOf(name) !== -1 ? createEngineClient(name) : createGuestApiClient(name))
    const returned = await apply(loaded.call as Callable, undefined, [args])
    if (isUnsettled()) throw new NativeError('a verification was not awaited: write await before it')
    const result = returned === undefined ? undefined : toJson(returned)
    host.emit('returned', result ?? '')
  } catch (thrown) {
    host.emit('failed', described(thrown))
  }
}

/** What a text stands for: JSON, else itself. That it is nested too deep or takes too much memory fails the call. */
function valueIn(text: string, isSuspect: boolean): unknown {
  try {
    return parseExactJson(text, isSuspect)
  } catch (thrown) {
    if (isSyntaxError(thrown)) return text
    throw thrown
  }
}

/** An own property like those that `JSON.parse` makes, in the place of one that is there; nothing inherited is asked. */
function lay(args: object, name: string, value: unknown): void {
  const property: PropertyDescriptor & { __proto__: null } = {
    __proto__: null,
    value,
    enumerable: true,
    writable: true,
    configurable: true,
  }
  defineProperty(args, name, property)
}

/** The bytes of a text in base64, made when somebody asks: most functions do not. */
function layBase64(args: object, name: string, text: string): void {
  const property: PropertyDescriptor & { __proto__: null } = {
    __proto__: null,
    get() {
      const value = Buffer.from(text, 'utf8').toString('base64')
      lay(args, name, value)
      return value
    },
    enumerable: true,
    configurable: true,
  }
  defineProperty(args, name, property)
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
