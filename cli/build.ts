import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * Makes `cli/dist`, which the tarball carries: the same folders as in the repository, with types stripped, because Node
 * strips none below `node_modules`. Lines stay where they are, so a stack trace fits the sources of that commit.
 */

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const CLI = join(ROOT, 'cli')
const DIST = join(CLI, 'dist')
const PACKAGES = ['contract', 'sdk', 'server', 'cli']

/** What the engine reads as data rather than imports. */
const DATA = [
  'sdk/src/facts.json',
  'server/migrations/*.sql',
  'server/src/sandbox/guest/**/*.ts',
  'connectors/*/**/*.{yml,js}',
  'connect/permea-connect.js',
  'connect/portal/*.{js,css}',
  'server/src/api/docs-try.js',
]

rmSync(DIST, { recursive: true, force: true })
for (const path of sources()) write(path.replace(/\.ts$/, '.js'), javascriptOf(path))
for (const path of globSync(DATA, { cwd: ROOT }).filter((each) => !each.includes('node_modules'))) copy(path)
buildConsole()
write('package.json', JSON.stringify({ type: 'module' }))
write('build.json', JSON.stringify({ commit: commit() }))
for (const name of ['LICENSE', 'CHANGELOG.md'])
  if (existsSync(join(ROOT, name))) cpSync(join(ROOT, name), join(CLI, name))

function sources(): string[] {
  return globSync(
    PACKAGES.map((each) => `${each}/src/**/*.ts`),
    { cwd: ROOT },
  ).filter((path) => !path.endsWith('.test.ts') && !path.endsWith('.d.ts'))
}

/** A source as Node runs it from below `node_modules`. */
function javascriptOf(path: string): string {
  const code = stripTypeScriptTypes(readFileSync(join(ROOT, path), 'utf8'))
  return (
    code
      .replaceAll(/'(\.[^'\n]+\.json)' with \{ type: 'json' \}/g, (_, imported: string) => {
        // Node 20 warns of modules in JSON.
        const json = join(dirname(path), imported)
        write(`${json}.js`, `export default ${readFileSync(join(ROOT, json), 'utf8')}`)
        return `'${imported}.js'`
      })
      // Not what the sandbox is told to import: that stands in quotes, and is TypeScript there too.
      .replaceAll(/((?<!['"`])\b(?:from|import)\s*\(?\s*)'(\.{1,2}\/[^'\n]+)\.ts'/g, "$1'$2.js'")
      .replaceAll(/(\bfrom\s*|\bimport\s*\(?\s*)'@permea\/([a-z]+)'/g, (_, before: string, name: string) => {
        const target = relative(dirname(path), `${name}/src/index.js`)
        return `${before}'${target.startsWith('.') ? target : `./${target}`}'`
      })
  )
}

function buildConsole(): void {
  execFileSync(process.execPath, [join(ROOT, 'console/build.ts')], { stdio: 'inherit' })
  cpSync(join(ROOT, 'console/dist'), join(DIST, 'console/dist'), { recursive: true })
}

function copy(path: string): void {
  mkdirSync(dirname(join(DIST, path)), { recursive: true })
  cpSync(join(ROOT, path), join(DIST, path))
}

function write(path: string, text: string): void {
  mkdirSync(dirname(join(DIST, path)), { recursive: true })
  writeFileSync(join(DIST, path), text)
}

/** The commit that is built, with a `+` where files differ from it; null outside a repository. */
function commit(): string | null {
  const git = (...args: string[]) => spawnSync('git', args, { cwd: ROOT, encoding: 'utf8' })
  const head = git('rev-parse', '--short=12', 'HEAD')
  if (head.status !== 0) return null
  return `${head.stdout.trim()}${git('status', '--porcelain').stdout.trim() === '' ? '' : '+'}`
}
