import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { TEST_ONLY_CERTIFICATE } from '../outbound/far-end-key.ts'
import { readCertificates } from './tls-files.ts'

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'permea-certificates-'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

async function fileOf(text: string): Promise<string> {
  const file = path.join(dir, 'ca.pem')
  await writeFile(file, text)
  return file
}

test('every certificate of a file is read, whatever stands between them', async () => {
  const file = await fileOf(`# one\n${TEST_ONLY_CERTIFICATE}\n# two\n${TEST_ONLY_CERTIFICATE}\n`)
  expect(await readCertificates(file)).toEqual([TEST_ONLY_CERTIFICATE, TEST_ONLY_CERTIFICATE])
})

test('a file that cannot be used is named', async () => {
  await expect(readCertificates(path.join(dir, 'none.pem'))).rejects.toThrow(/none\.pem cannot be read/)
  await expect(readCertificates(await fileOf('nothing'))).rejects.toThrow(/ca\.pem has no certificate/)
  const broken = TEST_ONLY_CERTIFICATE.replace('MIIB', 'AAAA')
  await expect(readCertificates(await fileOf(broken))).rejects.toThrow(/ca\.pem has a certificate that cannot be read/)
})
