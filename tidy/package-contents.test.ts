import { expect, test } from 'vitest'
import { sourcesUnder, textOf } from './source-files.ts'

interface Manifest {
  version: string
  dependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
}

const manifestOf = (folder: string) => JSON.parse(textOf(`${folder}package.json`)) as Manifest

/** Packages whose sources `cli/build.ts` puts into the tarball. */
const PACKED = ['contract', 'sdk', 'server']

test('the package that is installed asks for what the packed sources need, in the same versions', () => {
  const { dependencies, optionalDependencies } = manifestOf('cli/')
  const needed = PACKED.map((each) => manifestOf(`${each}/`))
  const foreign = needed.flatMap((each) => Object.entries(each.dependencies ?? {})).filter(([name]) => !isOurs(name))
  const own = importsOf('cli/src')
  const remedy = 'write the same into cli/package.json, and take out what nobody needs'
  expect(dependencies, remedy).toMatchObject(Object.fromEntries(foreign))
  expect(optionalDependencies, remedy).toMatchObject(
    Object.assign({}, ...needed.map((each) => each.optionalDependencies ?? {})) as object,
  )
  const names = new Set([...foreign.map(([name]) => name), ...own])
  expect(Object.keys(dependencies ?? {}).toSorted(), remedy).toEqual([...names].toSorted())
})

test('the package has the version of the repository', () => {
  expect(manifestOf('cli/').version).toBe(manifestOf('').version)
})

function importsOf(folder: string): string[] {
  const names = sourcesUnder(folder)
    .filter((source) => !source.path.endsWith('.test.ts'))
    .flatMap((source) => source.imports.map((each) => each.specifier))
    .filter((each) => !each.startsWith('.') && !each.startsWith('node:') && !isOurs(each))
  return [
    ...new Set(
      names.map((each) =>
        each
          .split('/')
          .slice(0, each.startsWith('@') ? 2 : 1)
          .join('/'),
      ),
    ),
  ]
}

function isOurs(name: string): boolean {
  return name.startsWith('@permea/')
}
