import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { type ExtensionDescriptor, QuickJS } from 'quickjs-wasi'
import { PAGE_BYTES, withMemoryMaximum } from './wasm-memory.ts'

/** The parts of the web platform that the engine's package ships. */
const EXTENSIONS = ['url', 'encoding', 'headers', 'structured-clone']

/** What the engine itself, its extensions, the guest library and a function's code may take besides what a call is given. */
const OWN_BYTES = 12 * 1024 * 1024

/** Deep recursion ends as a RangeError of the guest; Node's own stack is set to hold more than this needs. */
const STACK_BYTES = 256 * 1024

/** The modules that a function may import, and the file of the guest library that each is. */
const IMPORTABLE: Readonly<Record<string, string>> = {
  crypto: 'crypto.ts',
  'node:crypto': 'crypto.ts',
  buffer: 'buffer.ts',
  'node:buffer': 'buffer.ts',
  zlib: 'zlib.ts',
  'node:zlib': 'zlib.ts',
  'permea:jwt': 'jwt.ts',
  'permea:webhooks': 'webhooks.ts',
}

/** Every file of the guest library; `main.ts` imports the others. */
const LIBRARY = [
  'abort.ts',
  'answers.ts',
  'api-client.ts',
  'bodies.ts',
  'buffer.ts',
  'ciphers.ts',
  'console.ts',
  'crypto.ts',
  'digests.ts',
  'ecdh.ts',
  'engine-client.ts',
  'errors.ts',
  'exact-number.ts',
  'fetch.ts',
  'globals.ts',
  'headers.ts',
  'host-crypto.ts',
  'intrinsics.ts',
  'key-making.ts',
  'keys.ts',
  'main.ts',
  'requirable.ts',
  'signing.ts',
  'subtle.ts',
  'text-decoder.ts',
  'waiting.ts',
  'zlib.ts',
]

/** Files that are loaded where a function imports them, so that the others need not carry them. */
const ON_DEMAND = [
  'jwt.ts',
  'vendors/all.ts',
  'vendors/handshakes.ts',
  'vendors/messaging.ts',
  'vendors/payments.ts',
  'vendors/building.ts',
  'vendors/business.ts',
  'vendors/platforms.ts',
  'vendors/scheme.ts',
  'vendors/work.ts',
  'message-signatures.ts',
  'signed-texts.ts',
  'webhook-proofs.ts',
  'webhook-request.ts',
  'webhooks.ts',
]

const LIBRARY_PREFIX = 'permea:'

/** What a machine puts in the place of the system's clock and chance. */
export interface ScriptSurroundings {
  nowMs(): number
  random(bytes: Uint8Array): void
  isInterrupted(): boolean
}

/** Makes empty machines: the engine compiled once, everything else new. */
export interface ScriptEngine {
  /** `sealModules` ends the time in which the guest library may be imported. */
  create(memoryBytes: number, surroundings: ScriptSurroundings): Promise<{ vm: QuickJS; sealModules(): void }>
}

/** Compiles the engine and its extensions; the compiled code is shared by all machines of this child. */
export async function createScriptEngine(): Promise<ScriptEngine> {
  const wasm = readFileSync(new URL(import.meta.resolve('quickjs-wasi/quickjs.wasm')))
  const extensions: ExtensionDescriptor[] = await Promise.all(
    EXTENSIONS.map(async (name) => ({
      name,
      wasm: await WebAssembly.compile(readFileSync(new URL(import.meta.resolve(`quickjs-wasi/${name}.so`)))),
    })),
  )
  const library = new Map(
    [...LIBRARY, ...ON_DEMAND].map((file) => {
      const source = readFileSync(new URL(`../guest/${file}`, import.meta.url), 'utf8')
      return [LIBRARY_PREFIX + file, stripTypeScriptTypes(source)]
    }),
  )
  const compiled = new Map<number, Promise<WebAssembly.Module>>()
  const compiledFor = (pagesMax: number) => {
    const known = compiled.get(pagesMax) ?? WebAssembly.compile(withMemoryMaximum(wasm, pagesMax))
    compiled.set(pagesMax, known)
    return known
  }
  await compiledFor(pagesFor(0))
  return {
    async create(memoryBytes, surroundings) {
      const modules = createModuleLoader(library)
      const vm = await QuickJS.create({
        wasm: await compiledFor(pagesFor(memoryBytes)),
        extensions,
        maxStackSize: STACK_BYTES,
        timezoneOffset: 0,
        interruptHandler: surroundings.isInterrupted,
        moduleLoader: modules.loader,
        wasi: (memory: { buffer: ArrayBuffer }) => ({
          clock_time_get(_clock: number, _precision: bigint, at: number) {
            new DataView(memory.buffer).setBigUint64(at, BigInt(Math.trunc(surroundings.nowMs())) * NS_PER_MS, true)
            return 0
          },
          random_get(at: number, length: number) {
            surroundings.random(new Uint8Array(memory.buffer, at, length))
            return 0
          },
          fd_write: () => ERRNO_BADF,
        }),
      })
      return { vm, sealModules: modules.seal }
    },
  }
}

const NS_PER_MS = 1_000_000n
const ERRNO_BADF = 8

/** Memory maxima come in steps, so that few binaries are compiled. */
const STEP_BYTES = 64 * 1024 * 1024

/** What a call may take in a machine that was made for at least so much. */
export function usableBytes(memoryBytes: number): number {
  return Math.max(1, Math.ceil((memoryBytes + OWN_BYTES) / STEP_BYTES)) * STEP_BYTES - OWN_BYTES
}

function pagesFor(memoryBytes: number): number {
  return (usableBytes(memoryBytes) + OWN_BYTES) / PAGE_BYTES
}

/**
 * Throws texts, never errors: the package copies the stack of an error into the guest.
 * Library files are importable only until `seal`, but for those on demand; functions import by the names of IMPORTABLE.
 */
function createModuleLoader(library: ReadonlyMap<string, string>) {
  let isSealed = false
  return {
    seal() {
      isSealed = true
    },
    loader: {
      normalize(from: string, specifier: string): string {
        // No file of a function has such a name, see `safeFileName`.
        if (from.startsWith(LIBRARY_PREFIX)) return resolved(from, specifier)
        if (Object.hasOwn(IMPORTABLE, specifier)) return LIBRARY_PREFIX + IMPORTABLE[specifier]
        throw `cannot import '${specifier.slice(0, 200)}': a function may import ${Object.keys(IMPORTABLE).join(', ')}`
      },
      load(name: string): string {
        const isThere = !isSealed || ON_DEMAND.includes(name.slice(LIBRARY_PREFIX.length))
        const source = isThere ? library.get(name) : undefined
        if (source === undefined) throw `there is no module '${name.slice(0, 200)}'`
        return source
      },
    },
  }
}

/** A file of the library as another one names it: `./file.ts`, or within its folder. */
function resolved(from: string, specifier: string): string {
  const folder = from.slice(LIBRARY_PREFIX.length).includes('/')
    ? `${from.slice(LIBRARY_PREFIX.length).split('/')[0]}/`
    : ''
  return LIBRARY_PREFIX + folder + specifier.replace(/^\.\//, '')
}
