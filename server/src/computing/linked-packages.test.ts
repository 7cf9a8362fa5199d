import { execFile } from 'node:child_process'
import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const SOURCES = fileURLToPath(new URL('../', import.meta.url))
const MODULES = fileURLToPath(new URL('../../../node_modules', import.meta.url))

const SCRIPT = `
import { schemaProblem } from './api/json-schema.ts'
console.log(await schemaProblem({ revision: '1', schema: { type: 'object' }, value: [] }))
`

test('schemas are checked where node_modules is a link', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'permea-linked-'))
  try {
    for (const room of ['api', 'bodies', 'computing', 'exchanges', 'platform'])
      await cp(join(SOURCES, room), join(dir, 'src', room), { recursive: true })
    await writeFile(join(dir, 'package.json'), '{"type":"module"}')
    await writeFile(join(dir, 'src/script.ts'), SCRIPT)
    await symlink(MODULES, join(dir, 'node_modules'))
    const { stdout } = await promisify(execFile)(process.execPath, [join(dir, 'src/script.ts')], { timeout: 60_000 })
    expect(stdout.trim()).toBe('the event must be object')
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
})
