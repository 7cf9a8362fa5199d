import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { missingTests } from './limits-page.ts'
import { PRINT_COMMAND, printed } from './print.ts'
import { ROOT, textOf } from './source-files.ts'

const documents = await printed()

test.each(Object.entries(documents))('%s is as the contract prints it', (path, text) => {
  const isCurrent = existsSync(join(ROOT, path)) && textOf(path) === text
  expect(isCurrent, `${path} does not follow the contract; run \`${PRINT_COMMAND}\` and commit what it writes`).toBe(
    true,
  )
})

test('every limit on the page of limits is held by a test that is there', () => {
  expect(missingTests()).toEqual([])
})

test('every reference in the OpenAPI document leads to something in it', () => {
  const text = documents['docs/use/openapi.json'] ?? ''
  const references = new Set([...text.matchAll(/"\$ref": "([^"]*)"/g)].map((match) => match[1] ?? ''))
  const complaints = [...references]
    .filter((reference) => !leadsSomewhere(JSON.parse(text), reference))
    .map((reference) => `server/src/api/openapi.ts: ${reference} is not in the document; references start at its root`)
  expect(complaints).toEqual([])
})

/** @source RFC 6901: `#/components/schemas/Flow` is a walk from the root of the document */
function leadsSomewhere(document: unknown, reference: string): boolean {
  const steps = reference
    .replace(/^#\/?/, '')
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
  let here = document
  for (const step of steps) here = (here as Record<string, unknown> | undefined)?.[step]
  return here !== undefined
}
