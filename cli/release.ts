import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/**
 * `npm run release -- 0.2.0`: writes the version and the notes, builds the tarball, and proves it by installing it in an
 * empty folder and starting it there. Publishes nothing and commits nothing.
 */

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const STARTS_WITHIN_MS = 60_000
const [version] = process.argv.slice(2)

if (version !== undefined) writeVersion(version)
const tarball = pack()
await prove(tarball)
process.stdout.write(
  `${tarball} works. ${version === undefined ? '' : `Commit, tag v${version}, and `}publish it: npm publish ${tarball}\n`,
)

function writeVersion(next: string): void {
  if (!/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(next)) throw new Error(`${next} is no semantic version`)
  for (const path of ['package.json', 'cli/package.json']) {
    const file = join(ROOT, path)
    writeFileSync(file, readFileSync(file, 'utf8').replace(/"version": "[^"]*"/, `"version": "${next}"`))
  }
  const file = join(ROOT, 'CHANGELOG.md')
  const notes = readFileSync(file, 'utf8')
  const today = new Date().toISOString().slice(0, 10)
  if (!/## Unreleased\n\n- /.test(notes))
    throw new Error('CHANGELOG.md says nothing under "Unreleased": write what changed')
  writeFileSync(file, notes.replace('## Unreleased\n', `## Unreleased\n\n## ${next} (${today})\n`))
  execFileSync('npm', ['install', '--package-lock-only', '--no-audit', '--no-fund'], { cwd: ROOT, stdio: 'inherit' })
}

function pack(): string {
  const said = execFileSync('npm', ['pack', '--json', '--silent'], { cwd: join(ROOT, 'cli'), encoding: 'utf8' })
  const name = /"filename": "([^"]+\.tgz)"/.exec(said)?.[1]
  if (name === undefined) throw new Error(`npm pack made no tarball: ${said}`)
  return join(ROOT, 'cli', name)
}

/** Installs the tarball where there is nothing, and waits until the engine in it says where it is. */
async function prove(file: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'permea-release-'))
  try {
    writeFileSync(join(folder, 'package.json'), '{"private": true}')
    execFileSync('npm', ['install', '--no-audit', '--no-fund', file], { cwd: folder, stdio: 'inherit' })
    const bin = join(folder, 'node_modules/.bin/permea')
    process.stdout.write(execFileSync(bin, ['--version'], { cwd: folder, encoding: 'utf8' }))
    const engine = spawn(bin, ['start', '--port', '0'], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] })
    let said = ''
    engine.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
    const deadlineMs = performance.now() + STARTS_WITHIN_MS
    while (!said.includes('is running on')) {
      if (engine.exitCode !== null || performance.now() > deadlineMs)
        throw new Error(`the engine did not start: ${said}`)
      await wait(100)
    }
    const ended = new Promise((resolve) => engine.once('exit', resolve))
    engine.kill('SIGTERM')
    await ended
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
