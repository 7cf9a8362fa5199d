import { ERRORS } from '@permea/contract'
import { REMEDIES } from '@permea/contract/remedies'
import { expect, test } from 'vitest'
import { isTest, sourcesUnder, textOf } from './source-files.ts'

test('every error that is answered or recorded has a remedy, and pages of remedies are there', () => {
  const recorded = sourcesUnder('server')
    .filter(({ path }) => !isTest(path))
    .flatMap(({ path, text }) =>
      [...text.matchAll(/\bkey: '([a-z]+(?:_[a-z]+)+)'/g)].map((match) => ({ path, key: match[1] ?? '' })),
    )
  expect(recorded.length).toBeGreaterThan(30)
  const complaints = recorded
    .filter(({ key }) => REMEDIES[key] === undefined)
    .map(({ path, key }) => `${path}: ${key} has no remedy; say what to do in contract/src/remedies.ts`)
  expect(complaints).toEqual([])
  for (const key of Object.keys(ERRORS)) expect(REMEDIES[key]?.remedy).toMatch(/\.$/)

  const pages = new Set([...textOf('console/src/pages.ts').matchAll(/path: '([^']*)'/g)].map((match) => `/${match[1]}`))
  expect(Object.values(REMEDIES).flatMap(({ page }) => (page === undefined || pages.has(page) ? [] : [page]))).toEqual(
    [],
  )
})
