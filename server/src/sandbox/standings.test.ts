import { expect, test } from 'vitest'
import { Standings } from './standings.ts'

const called = (payer: string, source: string) => ({ payer, source, use: `${payer} ${source}` })

test('a source that is quick for some is believed to be for others, until one of them shows otherwise', () => {
  const standings = new Standings()
  const [acme, mallory, late] = [called('acme', 'a'), called('mallory', 'a'), called('late', 'a')]
  expect(standings.of(mallory)).toBe('new')
  for (let n = 0; n < 8; n += 1) standings.took(acme, 1)
  expect([acme, mallory, late].map((each) => standings.of(each))).toEqual(['proven', 'proven', 'proven'])
  standings.took(mallory, 30)
  expect([acme, mallory, late].map((each) => standings.of(each))).toEqual(['proven', 'new', 'proven'])
  standings.stopped(mallory)
  expect([acme, mallory, late].map((each) => standings.of(each))).toEqual(['proven', 'noisy', 'proven'])
})

test('who has two functions stopped within a minute has what is new run apart, and what is known where it was', () => {
  const standings = new Standings()
  for (let n = 0; n < 8; n += 1) standings.took(called('mallory', 'known'), 1)
  standings.stopped(called('mallory', 'a'))
  expect(standings.of(called('mallory', 'c'))).toBe('new')
  standings.stopped(called('mallory', 'b'))
  expect(standings.of(called('mallory', 'c'))).toBe('noisy')
  expect(standings.of(called('mallory', 'known'))).toBe('proven')
  expect(standings.of(called('acme', 'c'))).toBe('new')
})
