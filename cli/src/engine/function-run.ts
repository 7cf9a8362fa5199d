import { readFileSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { systemClock } from '../../../server/src/platform/clock.ts'
import { silentLog } from '../../../server/src/platform/log.ts'
import { answeredJson, recordedHost } from '../../../server/src/sandbox/recorded-host.ts'
import { createSandbox } from '../../../server/src/sandbox/sandbox.ts'
import { CliProblem } from '../exit-codes.ts'
import type { Desk } from '../program.ts'

const CLIENTS = ['apiClient', 'externalApiClient', 'internalApiClient', 'membrane'] as const

/** Calls the default export of a file as the engine would; its requests are answered with what was given. */
export async function runFunction(
  file: string,
  options: { event?: string; answer: readonly string[] },
  desk: Desk,
): Promise<void> {
  const printer = desk.printer()
  const { cwd } = desk.around
  const code = readText(resolve(cwd, file), file)
  const answers = options.answer.map((each) => jsonOf(each, cwd))
  const { host, requests } = recordedHost(() => answeredJson(answers.shift() ?? {}))
  await using sandbox = createSandbox({ log: silentLog, clock: systemClock, random: Math.random, children: 2 })
  const name = basename(file)
  const checked = await sandbox.checkSource(code, name)
  if (checked.kind === 'refused') throw new CliProblem(`${file}${placeOf(checked)}: ${checked.message}`)
  const outcome = await sandbox.run({
    code: checked.code,
    fileName: name,
    owner: 'permea functions run',
    argsJson: JSON.stringify(jsonOf(options.event ?? '{}', cwd)),
    clients: CLIENTS,
    host,
  })
  for (const { level, message } of outcome.logs) printer.note(`${level}: ${message}`)
  for (const { client, request } of requests) printer.note(`${client ?? 'fetch'}: ${request.method} ${request.uri}`)
  if (outcome.kind === 'failed')
    throw new CliProblem(
      `${file}${placeOf(outcome)}: ${outcome.failure}: ${outcome.message}${outcome.stack === null ? '' : `\n${outcome.stack}`}`,
    )
  const value: unknown = outcome.resultJson === null ? null : JSON.parse(outcome.resultJson)
  printer.value({ value, requests, logs: outcome.logs, cpuMs: outcome.cpuMs, durationMs: outcome.durationMs }, () =>
    JSON.stringify(value, null, 2),
  )
}

function placeOf({ line, column }: { line: number | null; column: number | null }): string {
  return line === null ? '' : `:${line}${column === null ? '' : `:${column}`}`
}

function readText(path: string, named: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new CliProblem(`${named} cannot be read (${(error as NodeJS.ErrnoException).code})`, 'usage')
  }
}

function jsonOf(given: string, cwd: string): unknown {
  const text = given.startsWith('@') ? readText(resolve(cwd, given.slice(1)), given.slice(1)) : given
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new CliProblem(`${given}: not valid JSON: ${(error as Error).message}`, 'usage')
  }
}
