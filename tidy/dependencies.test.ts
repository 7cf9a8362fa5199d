import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { verdictOf } from './audit.ts'
import { DEPENDENCIES, LICENCES } from './dependencies.ts'
import { askedFor, runtimePackages, unknownLicences } from './runtime-packages.ts'
import { ROOT } from './source-files.ts'

const rows = DEPENDENCIES.flatMap((each) => each.rows)

test('every package that the product runs with has one row that says why, and every row its package', () => {
  const named = rows.flatMap(({ packages }) => packages)
  expect(named.toSorted(), 'say in tidy/dependencies.ts why it is there, or take out what is not there').toEqual(
    askedFor(),
  )
})

test('every licence is one that was looked at', () => {
  const complaints = runtimePackages().flatMap(({ name, version, licence }) =>
    unknownLicences(licence, LICENCES).map((each) => `${name}@${version}: ${each}`),
  )
  expect(complaints, 'read the licence, and add it to LICENCES in tidy/dependencies.ts where it fits').toEqual([])
})

test.each([
  ['MIT', []],
  ['(MIT OR GPL-3.0)', []],
  ['GPL-3.0 OR AGPL-3.0', ['GPL-3.0', 'AGPL-3.0']],
  ['MIT AND GPL-3.0', ['GPL-3.0']],
  ['SEE LICENSE IN LICENSE', ['SEE LICENSE IN LICENSE']],
  [null, ['none']],
])('of %s what is unknown is told', (expression, unknown) => {
  expect(unknownLicences(expression, LICENCES)).toEqual(unknown)
})

test('the bill of materials names all of it, with licences, and nothing that only tests need', () => {
  const text = execFileSync(process.execPath, ['tidy/sbom.ts'], { cwd: ROOT, encoding: 'utf8' })
  const bill = JSON.parse(text) as {
    bomFormat: string
    specVersion: string
    metadata: { component: { name: string; purl: string } }
    components: { purl: string; licenses?: unknown[] }[]
  }
  expect(bill).toMatchObject({
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    metadata: { component: { name: 'permea', purl: expect.stringMatching(/^pkg:npm\/permea@/) } },
  })
  const foreign = bill.components.filter(({ purl }) => !purl.startsWith('pkg:npm/%40permea/'))
  expect(foreign.map(({ purl }) => purl).toSorted()).toEqual(
    runtimePackages()
      .map(({ name, version }) => `pkg:npm/${name.replace('@', '%40')}@${version}`)
      .toSorted(),
  )
  expect(foreign.filter(({ licenses = [] }) => licenses.length === 0)).toEqual([])
})

test('an audit fails for what nobody argued about, and claims nothing where the registry keeps no list', () => {
  const found = (...names: string[]) => ({
    vulnerabilities: Object.fromEntries(
      names.map((name) => [name, { severity: 'high', via: [{ url: `https://example.com/${name}`, title: 'broken' }] }]),
    ),
  })
  expect(verdictOf(found(), {})).toEqual({ isClean: true, lines: ['no known vulnerability'] })
  expect(verdictOf(found('a', 'b'), { 'https://example.com/a': 'it is never called' })).toEqual({
    isClean: false,
    lines: ['argued: a: broken: it is never called', 'b: high: broken https://example.com/b'],
  })
  // What only asks for another that is broken is told of by that one.
  expect(verdictOf({ vulnerabilities: { c: { severity: 'low', via: ['d'] } } }, {}).isClean).toBe(true)
  expect(verdictOf({ message: '405 Method Not Allowed', error: { summary: '' } }, {})).toEqual({
    isClean: null,
    lines: ['NOT CHECKED: the registry has no list of vulnerabilities (405 Method Not Allowed)'],
  })
})
