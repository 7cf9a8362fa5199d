import { textOf } from './source-files.ts'

/** A package that is part of the product, as the lock file has it. */
export interface RuntimePackage {
  name: string
  version: string
  /** SPDX expression; null where the package says none. */
  licence: string | null
}

export interface Locked {
  name?: string
  version?: string
  license?: string
  link?: boolean
  dev?: boolean
  devOptional?: boolean
  resolved?: string
  dependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
  peerDependenciesMeta?: Record<string, { optional?: boolean }>
}

/** What is installed with the command line, and what is built into the console. */
const ROOTS = ['cli', 'console']

const lock = JSON.parse(textOf('package-lock.json')) as { packages: Record<string, Locked> }

/** What the product itself asks for, by name. */
export function askedFor(): string[] {
  const names = ROOTS.flatMap((root) => {
    const { dependencies, optionalDependencies } = JSON.parse(textOf(`${root}/package.json`)) as Locked
    return Object.keys({ ...dependencies, ...optionalDependencies })
  })
  return [...new Set(names)].filter((name) => !isOurs(name)).toSorted()
}

/** Everything that is part of the product, each package once. */
export function runtimePackages(): RuntimePackage[] {
  const packages = [...runtimeEntries()].map(([path, { version = '', license: licence = null }]) => ({
    name: nameOf(path),
    version,
    licence,
  }))
  const byName = new Map(packages.map((each) => [`${each.name}@${each.version}`, each]))
  return [...byName].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each)
}

/** The same as the lock file has it, with what its parts ask for in turn, on any system: entries by their places. */
export function runtimeEntries(): Map<string, Locked> {
  const found = new Map<string, Locked>()
  const left = [...ROOTS]
  const seen = new Set<string>()
  for (let path = left.pop(); path !== undefined; path = left.pop()) {
    if (seen.has(path)) continue
    seen.add(path)
    const entry = lock.packages[path]
    if (entry === undefined) throw new Error(`package-lock.json has no ${path}`)
    if (path.includes('node_modules/') && !isOurs(nameOf(path))) found.set(path, entry)
    for (const wanted of Object.keys(neededBy(entry))) {
      const at = placeOf(wanted, path)
      if (at !== null) left.push(at)
      else if (entry.optionalDependencies?.[wanted] === undefined)
        throw new Error(`package-lock.json has no ${wanted} for ${path}`)
    }
  }
  return found
}

/** What a package asks for, without what it would only make use of. */
function neededBy({ dependencies, optionalDependencies, peerDependencies = {}, peerDependenciesMeta = {} }: Locked) {
  const peers = Object.entries(peerDependencies).filter(([name]) => peerDependenciesMeta[name]?.optional !== true)
  return { ...dependencies, ...optionalDependencies, ...Object.fromEntries(peers) }
}

/** Where a package finds one that it asks for: beside it or further up. */
function placeOf(name: string, from: string): string | null {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/')))) {
    const place = `${folder === '' ? '' : `${folder}/`}node_modules/${name}`
    const entry = lock.packages[place]
    if (entry !== undefined) return entry.link === true ? (entry.resolved ?? null) : place
    if (folder === '') return null
  }
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
}

function isOurs(name: string): boolean {
  return name.startsWith('@permea/')
}

/** Licences of an SPDX expression that nobody has looked at; none where one of several may be chosen and is known. */
export function unknownLicences(expression: string | null, known: readonly string[]): string[] {
  if (expression === null) return ['none']
  const choices = expression.replaceAll(/[()]/g, ' ').split(/\s+OR\s+/)
  const unknown = choices.map((choice) =>
    choice
      .trim()
      .split(/\s+AND\s+/)
      .filter((each) => !known.includes(each)),
  )
  return unknown.some((each) => each.length === 0) ? [] : unknown.flat()
}
