import { systemClock } from '../platform/clock.ts'
import { silentLog } from '../platform/log.ts'
import type { SandboxCall, SandboxOutcome } from './call.ts'
import { recordedHost } from './recorded-host.ts'
import { createSandbox, type SandboxOptions } from './sandbox.ts'

type Given = Partial<Omit<SandboxCall, 'code' | 'argsJson'>> & { args?: unknown }

/** A sandbox for tests, and the shortest way to run a function in it. */
export function openTrial(options: Partial<SandboxOptions> = {}) {
  const sandbox = createSandbox({ log: silentLog, clock: systemClock, random: () => 0.5, children: 2, ...options })
  function run(code: string, { args = {}, ...given }: Given = {}): Promise<SandboxOutcome> {
    return sandbox.run({
      code,
      fileName: 'function.js',
      owner: 'trial',
      argsJson: JSON.stringify(args),
      clients: ['apiClient'],
      host: recordedHost().host,
      ...given,
    })
  }
  return {
    sandbox,
    run,
    /** What the function returned; throws where it did not. */
    async returned(code: string, given: Given = {}): Promise<unknown> {
      const outcome = await run(code, given)
      if (outcome.kind === 'failed') throw new Error(`${outcome.failure}: ${outcome.message}\n${outcome.stack}`)
      return outcome.resultJson === null ? undefined : JSON.parse(outcome.resultJson)
    },
    /** How the function failed; throws where it did not. */
    async failed(code: string, given: Given = {}) {
      const outcome = await run(code, given)
      if (outcome.kind === 'returned') throw new Error(`it returned ${outcome.resultJson}`)
      return outcome
    },
    [Symbol.asyncDispose]: () => sandbox[Symbol.asyncDispose](),
  }
}

/** A function whose body is this. */
export function fn(body: string): string {
  return `export default async function (args) { ${body} }`
}
