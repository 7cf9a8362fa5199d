import { strToU8, zipSync } from 'fflate'
import { expect, test } from 'vitest'
import { ARCHIVE_LIMITS, packArchive, readArchive } from './archive.ts'

const limits = { archiveBytes: 100_000, fileBytes: 1000, totalBytes: 3000, files: 5 }
const zipOf = (files: Record<string, string>) =>
  zipSync(Object.fromEntries(Object.entries(files).map(([path, text]) => [path, strToU8(text)])))

test('what is packed is read as it was, and the same files are the same bytes', async () => {
  const files = new Map([
    ['flows/b/spec.yaml', 'key: b\n'],
    ['flows/a/spec.yaml', 'key: ä 𝒷\n'],
  ])
  expect(await readArchive(packArchive(files))).toEqual(files)
  expect(packArchive(new Map([...files].toReversed()))).toEqual(packArchive(files))
})

test.each([
  ['../outside.yaml'],
  ['/etc/outside.yaml'],
  ['flows/../../outside.yaml'],
  ['C:/outside.yaml'],
  ['flows\\a.yaml'],
  ['flows/./a.yaml'],
])('the path %j is refused by name', async (path) => {
  await expect(readArchive(zipOf({ [path]: 'key: a' }))).rejects.toThrow(path)
})

test('more than there is room for is refused before it is unpacked', async () => {
  await expect(readArchive(zipOf({ 'a.yaml': 'x'.repeat(1001) }), limits)).rejects.toThrow(/a\.yaml: is larger/)
  const many = Object.fromEntries(Array.from({ length: 4 }, (_, at) => [`${at}.yaml`, 'x'.repeat(900)]))
  await expect(readArchive(zipOf(many), limits)).rejects.toThrow(/unpacks to more/)
  const small = Object.fromEntries(Array.from({ length: 6 }, (_, at) => [`${at}.yaml`, 'x']))
  await expect(readArchive(zipOf(small), limits)).rejects.toThrow(/more than 5 files/)
})

test('an archive in the archive counts as its files do', async () => {
  const inner = zipSync({ 'data/a/list.js': strToU8('x'.repeat(900)) })
  const read = await readArchive(zipSync({ 'connectors/u/development/src.zip': inner }), limits)
  expect([...read.keys()]).toEqual(['connectors/u/development/src/data/a/list.js'])
  const outside = zipSync({ '../b.js': strToU8('x') })
  await expect(readArchive(zipSync({ 'connectors/u/development/src.zip': outside }), limits)).rejects.toThrow(
    /invalid relative path/,
  )
})

test('a file that says it is smaller than it is takes no more room than it said', async () => {
  const bytes = zipOf({ 'a.yaml': 'y'.repeat(900) })
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  // The size stands 22 bytes into the local header, and 24 into that of the directory at the end.
  for (let at = 0; at < bytes.length - 4; at += 1) {
    if (view.getUint32(at, true) === 0x04034b50) view.setUint32(at + 22, 10, true)
    if (view.getUint32(at, true) === 0x02014b50) view.setUint32(at + 24, 10, true)
  }
  await expect(readArchive(bytes, limits)).rejects.toThrow(/a\.yaml|no zip/)
})

test('what is no zip, and what is no text, is refused', async () => {
  await expect(readArchive(strToU8('key: a'))).rejects.toThrow(/no zip/)
  await expect(readArchive(zipSync({ 'a.yaml': new Uint8Array([0xff, 0xfe, 0x00]) }))).rejects.toThrow(
    /a\.yaml: is no text/,
  )
  expect(ARCHIVE_LIMITS.archiveBytes).toBeLessThan(64 * 1024 * 1024)
})
