import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Locked, runtimeEntries } from './runtime-packages.ts'
import { textOf } from './source-files.ts'

// npm run sbom [-- FILE]: a bill of materials of the product, CycloneDX as JSON, by npm itself from the lock file.

/**
 * npm is given the product alone. Of a repository with workspaces it leaves out what one workspace runs with and another
 * only tests with: zod and yaml would be missing.
 */
function billOfMaterials(): string {
  const temporary = mkdtempSync(join(tmpdir(), 'permea-sbom-'))
  try {
    const product = productAlone()
    // What is described is called by its folder.
    const folder = join(temporary, product.name ?? '')
    mkdirSync(folder)
    const packages = placesOf(runtimeEntries())
    writeFileSync(join(folder, 'package.json'), JSON.stringify(product))
    const { name, version } = product
    const lock = { name, version, lockfileVersion: 3, requires: true, packages: { '': product, ...packages } }
    writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(lock))
    return execFileSync('npm', ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'], {
      cwd: folder,
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    })
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
}

/** Where things are without workspaces: what a workspace has for itself stands at the top. */
function placesOf(entries: ReadonlyMap<string, Locked>): Record<string, Locked> {
  const places: Record<string, Locked> = {}
  for (const [path, entry] of entries) {
    const place = path.slice(path.indexOf('node_modules/'))
    if (places[place] !== undefined) throw new Error(`two versions want to be at ${place}`)
    places[place] = runtime(entry)
  }
  return places
}

/** The package that is installed, which carries the console built. */
function productAlone() {
  const manifestOf = (root: string) => JSON.parse(textOf(`${root}/package.json`)) as Locked & Record<string, string>
  const { name, version, description, license, dependencies, optionalDependencies } = manifestOf('cli')
  const all = { ...dependencies, ...manifestOf('console').dependencies }
  const foreign = Object.fromEntries(Object.entries(all).filter(([each]) => !each.startsWith('@permea/')))
  return { name, version, description, license, dependencies: foreign, optionalDependencies }
}

/** Whatever it is to tests as well. */
function runtime({ dev: _, devOptional: __, ...entry }: Locked): Locked {
  return entry
}

if (import.meta.main) {
  const [file] = process.argv.slice(2)
  const text = billOfMaterials()
  if (file === undefined) process.stdout.write(text)
  else writeFileSync(file, text)
}
