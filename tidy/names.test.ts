import { expect, test } from 'vitest'
import { isTest, PACKAGES, pathsUnder, sourcesUnder } from './source-files.ts'

/** Words that say nothing about what is inside. */
const EMPTY_WORDS = /^(?:utils?|helpers?|commons?|shared|misc|libs?|managers?|services?)$/

const LINES_MAX = 450

/** Files that are longer, with the lines they may have and why. An entry may only shrink. */
const LONG_FILES: Record<string, { lines: number; reason: string }> = {}

const paths = PACKAGES.flatMap(pathsUnder)

test('a name says what is inside', () => {
  const complaints = named((part) => part.split(/[-.]/).some((word) => EMPTY_WORDS.test(word))).map(
    (path) => `${path}: name it by what is inside, as in retry-schedule.ts`,
  )
  expect(complaints).toEqual([])
})

test('names of source files and their folders are kebab-case', () => {
  const isSource = (path: string) => /\.(?:tsx?|mts|cts|js|sql|css)$/.test(path)
  const complaints = named(
    (part) => !/^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+(?:-[a-z0-9]+)*)*$/.test(part),
    isSource,
  ).map((path) => `${path}: write it in kebab-case`)
  expect(complaints).toEqual([])
})

test(`a file has at most ${LINES_MAX} lines`, () => {
  const complaints = sourcesUnder(...PACKAGES)
    .filter((source) => !isTest(source.path))
    .flatMap(({ path, text }) => {
      const lines = text.trimEnd().split('\n').length
      const allowed = LONG_FILES[path]?.lines ?? LINES_MAX
      return lines > allowed
        ? [`${path}: ${lines} lines, ${allowed} allowed; split it where its story has two parts`]
        : []
    })
  expect(complaints).toEqual([])
})

test('the list of long files only shrinks', () => {
  const lengths = new Map(sourcesUnder(...PACKAGES).map(({ path, text }) => [path, text.trimEnd().split('\n').length]))
  const complaints = Object.entries(LONG_FILES).flatMap(([path, { lines }]) => {
    const now = lengths.get(path) ?? 0
    if (now <= LINES_MAX) return [`${path}: no longer long; take it out of LONG_FILES in tidy/names.test.ts`]
    return now < lines ? [`${path}: only ${now} lines by now; write that into LONG_FILES in tidy/names.test.ts`] : []
  })
  expect(complaints).toEqual([])
})

/** Every path up to a folder or file whose own name is as asked. */
function named(isAsAsked: (part: string) => boolean, which: (path: string) => boolean = () => true): string[] {
  const found = new Set<string>()
  for (const path of paths.filter(which)) {
    const parts = path.split('/')
    parts.forEach((part, index) => {
      if (isAsAsked(part)) found.add(parts.slice(0, index + 1).join('/'))
    })
  }
  return [...found].sort()
}
