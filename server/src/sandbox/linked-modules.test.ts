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
import { openTrial } from './sandbox/trial.ts'
await using trial = openTrial({ children: 1 })
console.log(await trial.returned('export default () => 1 + 1'))
`

test('functions run where node_modules is a link', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'permea-linked-'))
  try {
    for (const room of ['bodies', 'sandbox', 'platform'])
      await cp(join(SOURCES, room), join(dir, 'src', room), { recursive: true })
    await writeFile(join(dir, 'package.json'), '{"type":"module"}')
    await writeFile(join(dir, 'src/trial.ts'), SCRIPT)
    await symlink(MODULES, join(dir, 'node_modules'))
    const { stdout } = await promisify(execFile)(process.execPath, [join(dir, 'src/trial.ts')], { timeout: 60_000 })
    expect(stdout.trim()).toBe('2')
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
})
