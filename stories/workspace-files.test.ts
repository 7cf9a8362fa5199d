import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ACTION_TYPES, type BackgroundJob } from '@permea/contract'
import { createPermea } from '@permea/sdk'
import { addWorkspace, buildHouse, type House, packArchive, readArchive, systemClock, until } from '@permea/testkit'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { generatedWorkspace } from './generated-workspace.ts'

const SAMPLE = fileURLToPath(new URL('./sample-workspace/', import.meta.url))

/** The sample's flows and actions are about data records: they come in once the engine has nodes and actions for those. */
const hasRecords = ACTION_TYPES.some((each) => each.includes('data-record'))

function sampleFiles(): Map<string, string> {
  const entries = readdirSync(SAMPLE, { recursive: true, withFileTypes: true }).filter((each) => each.isFile())
  const paths = entries
    .map((each) => join(each.parentPath, each.name))
    .filter((path) => path.includes('/membrane/') && (hasRecords || !/\/(?:flows|actions)\//.test(path)))
  return new Map(paths.map((path) => [relative(SAMPLE, path), readFileSync(path, 'utf8')]))
}

async function done(url: string, token: string, response: Response): Promise<BackgroundJob> {
  expect(response.status).toBe(200)
  const { jobId } = (await response.json()) as { jobId: string }
  const permea = createPermea({ baseUrl: url, token })
  return until('the job is done', 60_000, async () => {
    const job = await permea.workspaceFiles.backgroundJob({ params: { job: `${jobId}:${jobId}` } })
    return job.finishedAt === undefined ? undefined : job
  })
}

async function imported({ url }: House, token: string, files: Map<string, string>, query = ''): Promise<BackgroundJob> {
  const form = new FormData()
  form.set('file', new Blob([new Uint8Array(packArchive(files))]), 'workspace.zip')
  const headers = { authorization: `Bearer ${token}` }
  return done(url, token, await fetch(`${url}/import${query}`, { method: 'POST', headers, body: form }))
}

async function exported({ url }: House, token: string): Promise<Map<string, string>> {
  const job = await done(url, token, await fetch(`${url}/export`, { headers: { authorization: `Bearer ${token}` } }))
  const archive = await fetch(String(job.result?.downloadUrl))
  return readArchive(new Uint8Array(await archive.arrayBuffer()))
}

let house: House

beforeAll(async () => {
  house = await buildHouse()
})

afterAll(() => house[Symbol.asyncDispose]())

async function emptyWorkspace(): Promise<string> {
  const workspace = await addWorkspace(house.engine, systemClock, null)
  return house.engine.tokens.sign(workspace, { isAdmin: true }, 600)
}

test('a workspace in the layout of the published client comes in, goes out, and comes out of another the same', async () => {
  const here = await house.tokenOf({ isAdmin: true })
  const first = await imported(house, here, sampleFiles())
  expect(first.error).toBeUndefined()
  const once = await exported(house, here)
  const elements = (files: Map<string, string>) =>
    [...files.keys()].filter((path) => path.endsWith('spec.yaml')).toSorted()
  expect(elements(once)).toEqual(elements(sampleFiles()))
  const there = await emptyWorkspace()
  expect((await imported(house, there, once)).error).toBeUndefined()
  expect(await exported(house, there)).toEqual(once)
  const again = await imported(house, there, once)
  expect(again.result?.comparison).toMatchObject({ create: [], update: [], delete: [] })
}, 120_000)

test('whatever workspace was imported is exported, comes out of another one byte by byte, and twice is once', async () => {
  await fc.assert(
    fc.asyncProperty(generatedWorkspace, async (files) => {
      const here = await emptyWorkspace()
      expect((await imported(house, here, files)).error).toBeUndefined()
      const once = await exported(house, here)
      expect([...once.keys()].filter((path) => path.endsWith('/spec.yaml')).toSorted()).toEqual(
        [...files.keys()].filter((path) => path.endsWith('/spec.yaml')).toSorted(),
      )
      const there = await emptyWorkspace()
      expect((await imported(house, there, once)).error).toBeUndefined()
      expect(await exported(house, there)).toEqual(once)
      for (const [token, again] of [[here, files] as const, [there, once] as const]) {
        const { result } = await imported(house, token, again, '?dryRun=true&diff=true')
        expect(result).toMatchObject({ diff: '', comparison: { create: [], update: [], delete: [] } })
      }
    }),
    { numRuns: Number(process.env.FC_RUNS ?? 8), endOnFailure: true },
  )
}, 120_000)
