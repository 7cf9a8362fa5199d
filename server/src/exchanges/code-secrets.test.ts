import fc from 'fast-check'
import { expect, test } from 'vitest'
import { secretsInCode } from './code-secrets.ts'

test.each([
  ["const apiKey = 'abc123'", ['abc123']],
  ['const apiKey: string = "abc123"', ['abc123']],
  ['{ password: "abc123", n: "1" }', ['abc123']],
  ['({ "client_secret": "abc123" })', ['abc123']],
  ["headers['Authorization'] = 'Bearer abc123'", ['Bearer abc123']],
  ["headers.set('X-Api-Key', 'abc123')", ['abc123']],
  ["if (headers.token !== 'abc123') return", ['abc123']],
  ['$clientSecret := "abc123"; $x', ['abc123']],
  ['const authorization = `Bearer abc123`', ['Bearer abc123']],
  ["const password = 'it\\'s abc123'", ["it\\'s abc123"]],
  ["// Don't look.\nconst token = 'abc123'", ['abc123']],
  ["fetch('https://u:p@a.example/x?page=2')", ['https://u:p@a.example/x?page=2']],
  ['fetch(`https://a.example/x?api_key=abc123`)', ['https://a.example/x?api_key=abc123']],
])('%j holds %j', (code, secrets) => {
  expect(secretsInCode(code)).toEqual(secrets)
})

test.each([
  'const token = credentials.accessToken',
  "const authorization = 'Bearer ' + token",
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is code
  'const authorization = `Bearer ${token}`',
  "const grant_type = 'password'",
  "const name = 'token'",
  "f('password', password)",
  'export default async ({ fetch }) => fetch("https://a.example/x?page=2")',
])('%j holds none', (code) => {
  expect(secretsInCode(code)).toEqual([])
})

test('a secret is found whatever code stands around it', () => {
  const anything = fc.string({ unit: fc.constantFrom('a', "'", '"', '`', '\\', ' ', ':', ',', '-', '1') })
  fc.assert(
    fc.property(anything, anything, (before, after) => {
      expect(secretsInCode(`${before}\n\`;\nconst apiKey = 'abc123'\n${after}`).join()).toContain('abc123')
    }),
    {
      examples: [
        ["'", '"'],
        ['\\', '`'],
      ],
    },
  )
})

test.each([
  ['"\\'.repeat(500_000), 'quotes without an end'],
  ["a='".repeat(300_000), 'names before quotes'],
  [`${'a-'.repeat(500_000)}'`, 'names without end'],
  [`const apiKey =${' '.repeat(1_000_000)}'x'`, 'spaces'],
])('a large text is looked through at once: %#', (code) => {
  const before = process.cpuUsage()
  secretsInCode(code)
  const { user, system } = process.cpuUsage(before)
  expect((user + system) / 1000).toBeLessThan(500)
})
