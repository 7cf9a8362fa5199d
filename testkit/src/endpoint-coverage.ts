import { appendFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { contract, type Endpoint, type EndpointTable, refusalsOf } from '@permea/contract'
import { inject } from 'vitest'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  export interface ProvidedContext {
    answersFile: string
  }
}

/** What no test makes an endpoint answer yet. May only shrink. */
const UNCOVERED_FILE = new URL('../uncovered.json', import.meta.url)

const endpoints = Object.entries<EndpointTable>(contract).flatMap(([group, table]) =>
  Object.entries(table).map(([name, endpoint]) => ({ name: `${group}.${name}`, endpoint })),
)
const names = new Map<Endpoint, string>(endpoints.map(({ name, endpoint }) => [endpoint, name]))
const noted = new Set<string>()

/** Notes what an endpoint answered with, in a file that every process of the test run writes to. */
export function noteAnswer(endpoint: Endpoint, status: number, key: string | null): void {
  const answer = `${names.get(endpoint) ?? endpoint.path} ${key ?? status}`
  if (noted.has(answer)) return
  noted.add(answer)
  appendFileSync(inject('answersFile'), `${answer}\n`)
}

/**
 * After a run of the whole suite: every endpoint must have given its answer and each refusal it lists, but for those
 * in `testkit/uncovered.json`. Rejects, and so fails the run, where one is missing, or is on the list without need.
 * `vitest run -u` writes the list anew.
 */
export async function checkCoverage(project: TestProject, answersFile: string): Promise<void> {
  if (!(await wasWholeSuite(project))) return
  const seen = new Set((await readFile(answersFile, 'utf8')).split('\n'))
  const uncovered = endpoints
    .flatMap(({ name, endpoint }) => [
      `${name} ${endpoint.status ?? 200}`,
      ...refusalsOf(endpoint).map((key) => `${name} ${key}`),
    ])
    .filter((answer) => !seen.has(answer))
    .sort()
  if (project.vitest.config.snapshotOptions.updateSnapshot === 'all') {
    await writeFile(UNCOVERED_FILE, `${JSON.stringify(uncovered, null, 2)}\n`)
    return
  }
  const allowed = JSON.parse(await readFile(UNCOVERED_FILE, 'utf8')) as string[]
  const missing = uncovered.filter((answer) => !allowed.includes(answer))
  const needless = allowed.filter((answer) => !uncovered.includes(answer))
  if (missing.length > 0)
    throw new Error(`no test makes these endpoints answer so; write one for each:\n  ${missing.join('\n  ')}`)
  if (needless.length > 0)
    throw new Error(`these are covered (or gone); take them out of testkit/uncovered.json:\n  ${needless.join('\n  ')}`)
}

/** Every file, every test of it, and none failed: else what is missing says nothing. */
async function wasWholeSuite(project: TestProject): Promise<boolean> {
  const { vitest } = project
  if (vitest.state.getCountOfFailedTests() > 0 || vitest.getGlobalTestNamePattern() !== undefined) return false
  const globbed = await Promise.all(vitest.projects.map((each) => each.globTestFiles()))
  const run = new Set(vitest.state.getTestModules().map((module) => module.moduleId))
  return globbed.flatMap(({ testFiles }) => testFiles).every((file) => run.has(file))
}
