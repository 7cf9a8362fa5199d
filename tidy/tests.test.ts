import { expect, test } from 'vitest'
import { at, complaintsAbout, isTest, PACKAGES, sourcesUnder } from './source-files.ts'

/** Tests, and the stories with everything they use. What waits by polling does it in testkit, documented there. */
const tests = sourcesUnder(...PACKAGES).filter((source) => isTest(source.path) || source.path.startsWith('stories/'))

test('no module is mocked', () => {
  const mocks =
    /\bvi\.(?:mock|doMock|unmock|hoisted|importMock|stubGlobal|useFakeTimers)\b|\bjest\.\w+|\bmock\.module\b/g
  const remedy = 'substitute only the clock, the randomness and the far end of a socket, each as an argument'
  expect(tests.flatMap((source) => complaintsAbout(source, mocks, remedy))).toEqual([])
})

test('no test sleeps', () => {
  const remedy =
    'wait for what is to happen: settle() of testkit, vi.waitUntil, an event; a sleep is too short or too long'
  const sleeps = [
    /\bnew Promise(?:<[^>]*>)?\(\s*\(?\s*(\w+)[^()]*\)?\s*=>\s*\{?\s*(?:void\s+)?setTimeout\(\s*\1\b/g,
    /\bsetTimeout\(\s*(?:\(\)\s*=>\s*)?resolve\b/g,
    /\bpromisify\(\s*setTimeout\b/g,
    /\bsleep\(|(?<![.\w])delay\(|\bscheduler\.wait\(|\bAtomics\.wait\(/g,
  ]
  const complaints = tests.flatMap((source) => [
    ...new Set(sleeps.flatMap((pattern) => complaintsAbout(source, pattern, remedy))),
    ...source.imports
      .filter((imported) => /^(?:node:)?timers\/promises$/.test(imported.specifier))
      .map((imported) => `${at(source, imported.offset)}: ${imported.specifier}: ${remedy}`),
  ])
  expect(complaints).toEqual([])
})

test('no test is left out', () => {
  const remedy = 'finish it or take it out; a test that does not run keeps no promise'
  const leftOut =
    /\.(?:only|skip|todo)\b\s*[(.]|\b(?:test|it|describe)\.fails\(|\b(?:xit|xtest|xdescribe|fit|fdescribe)\(/g
  expect(tests.flatMap((source) => complaintsAbout(source, leftOut, remedy))).toEqual([])
})
