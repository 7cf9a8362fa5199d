import { expect, test } from 'vitest'
import { at, type Complaint, isTest, resolveImport, type SourceFile, sourcesUnder } from './source-files.ts'

const files = sourcesUnder('server/src').filter((source) => !isTest(source.path))

const EXPORT = /^export (?:declare )?(?:abstract )?(?:async )?(?:type|interface|function\*?|const|class|let)\s+(\w+)/gm

test('a name that the server exports stands for one thing', () => {
  const found = new Map<string, string[]>()
  for (const source of files) {
    const names = new Set([...source.code.matchAll(EXPORT)].map((match) => match[1] ?? ''))
    for (const name of names) found.set(name, [...(found.get(name) ?? []), source.path])
  }
  const complaints = [...found]
    .filter(([, paths]) => paths.length > 1)
    .map(([name, paths]) => `${name}: exported by ${paths.join(' and ')}; give each a name that tells them apart`)
  expect(found.size).toBeGreaterThan(0)
  expect(complaints).toEqual([])
})

test('no file needs itself by way of others, not even for a type', () => {
  const needs = new Map(files.map((source) => [source.path, neededBy(source)]))
  expect(cyclesIn(needs)).toEqual([])
})

function neededBy(source: SourceFile): { path: string; at: string }[] {
  return source.imports
    .filter(({ specifier }) => specifier.startsWith('.'))
    .map(({ specifier, offset }) => ({ path: resolveImport(source.path, specifier), at: at(source, offset) }))
}

/** One complaint per import that closes a circle, found by walking every file's imports once. */
function cyclesIn(needs: ReadonlyMap<string, readonly { path: string; at: string }[]>): Complaint[] {
  const complaints: Complaint[] = []
  const done = new Set<string>()
  const way: string[] = []
  const walk = (path: string) => {
    way.push(path)
    for (const needed of needs.get(path) ?? []) {
      const begin = way.indexOf(needed.path)
      if (begin >= 0)
        complaints.push(`${needed.at}: closes the circle ${[...way.slice(begin), needed.path].join(' → ')}`)
      else if (!done.has(needed.path)) walk(needed.path)
    }
    way.pop()
    done.add(path)
  }
  for (const path of needs.keys()) if (!done.has(path)) walk(path)
  return complaints
}
