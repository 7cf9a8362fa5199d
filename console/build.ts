import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'

const ROOT = fileURLToPath(new URL('.', import.meta.url))
const DIST = path.join(ROOT, 'dist')
const STAMP = 'built-from'
/** What a build follows from, beside the files of this folder. */
const SOURCES = [
  'src',
  'index.html',
  'vite.config.ts',
  'build.ts',
  '../contract/src',
  '../sdk/src',
  '../package-lock.json',
]
const COMPRESSED = /\.(?:js|css|svg)$/

// Whatever the surroundings are, this is what people are served.
process.env.NODE_ENV = 'production'
await buildConsole()

/**
 * Builds the console into `dist` where that is missing or not of these sources. The new build takes the place of the old
 * one in one move, so that nobody is served half of one.
 */
async function buildConsole(): Promise<void> {
  const fingerprint = await fingerprintOf(SOURCES.map((each) => path.join(ROOT, each)))
  if (await isOf(fingerprint)) return
  const building = path.join(ROOT, `.building-${process.pid}`)
  try {
    await rm(building, { recursive: true, force: true })
    const { build } = await import('vite')
    await build({
      root: ROOT,
      configFile: path.join(ROOT, 'vite.config.ts'),
      mode: 'production',
      logLevel: 'error',
      build: { outDir: building },
    })
    await compressAll(path.join(building, 'assets'))
    await writeFile(path.join(building, STAMP), fingerprint)
    await putInPlace(building, fingerprint)
  } finally {
    await rm(building, { recursive: true, force: true })
  }
}

async function isOf(fingerprint: string): Promise<boolean> {
  return (await readFile(path.join(DIST, STAMP), 'utf8').catch(() => '')) === fingerprint
}

async function putInPlace(building: string, fingerprint: string): Promise<void> {
  const old = `${building}-old`
  try {
    if (existsSync(DIST)) await rename(DIST, old)
    await rename(building, DIST)
  } catch (error) {
    // Another process put the same build there in the same moment.
    if (!(await isOf(fingerprint))) throw error
  } finally {
    await rm(old, { recursive: true, force: true })
  }
}

async function fingerprintOf(places: readonly string[]): Promise<string> {
  const hash = createHash('sha256')
  for (const file of (await Promise.all(places.map(filesOf))).flat()) {
    if (/\.test\.tsx?$/.test(file)) continue
    hash
      .update(`${path.relative(ROOT, file)}\0`)
      .update(await readFile(file))
      .update('\0')
  }
  return hash.digest('hex')
}

async function filesOf(place: string): Promise<string[]> {
  const entries = await readdir(place, { recursive: true, withFileTypes: true }).catch(() => null)
  if (entries === null) return [place]
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort()
}

/** Files are compressed once, here, rather than for every reader. */
async function compressAll(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  const names = (await readdir(folder)).filter((name) => COMPRESSED.test(name))
  await Promise.all(
    names.map(async (name) => {
      const file = path.join(folder, name)
      const content = await readFile(file)
      const params = { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_SIZE_HINT]: content.length }
      await writeFile(`${file}.br`, await promisify(brotliCompress)(content, { params }))
      await writeFile(`${file}.gz`, await promisify(gzip)(content, { level: 9 }))
    }),
  )
}
