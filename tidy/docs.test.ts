import { existsSync, globSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { type Complaint, PACKAGES, pathsUnder, ROOT, textOf } from './source-files.ts'

const ENTRANCES = ['README.md', 'ARCHITECTURE.md', 'STYLE.md']

/** Words in which a path of the repository begins. */
const TOP = new Set([...PACKAGES, 'docs', '.ci', '.github'])

test.each(ENTRANCES)('%s is there', (path) => {
  expect(existsSync(join(ROOT, path)), `${path}: write it`).toBe(true)
})

test('every path that a document names is there', () => {
  const documents = [
    ...ENTRANCES.filter((path) => existsSync(join(ROOT, path))),
    ...pathsUnder('docs').filter((path) => path.endsWith('.md')),
  ]
  expect(documents.flatMap(brokenPaths)).toEqual([])
})

function brokenPaths(document: string): Complaint[] {
  return proseOf(textOf(document)).flatMap((line, index) => {
    const broken = [
      ...linksIn(line).filter((link) => !existsSync(join(ROOT, link.startsWith('/') ? '' : dirname(document), link))),
      ...pathsIn(line).filter((path) => !isThere(path)),
    ]
    return broken.map((path) => `${document}:${index + 1}: there is no ${path}; correct the path or the document`)
  })
}

/** The lines of a document with its fenced blocks emptied. */
function proseOf(text: string): string[] {
  let isFenced = false
  return text.split('\n').map((line) => {
    const isFence = /^\s*(?:```|~~~)/.test(line)
    if (isFence) isFenced = !isFenced
    return isFence || isFenced ? '' : line
  })
}

/** Targets of Markdown links that point into the repository, without their fragment. */
function linksIn(line: string): string[] {
  return [...line.matchAll(/\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)|^\[[^\]]+\]:\s+(\S+)/g)]
    .map((match) => match[1] ?? match[2] ?? '')
    .filter((target) => !/^(?:[a-z][a-z0-9+.-]*:|#|\/\/)/i.test(target))
    .map((target) => decodeURIComponent(target.replace(/[#?].*$/, '')))
}

/** Words in backticks that are paths of the repository: from its root, or from a room of the server. */
function pathsIn(line: string): string[] {
  return [...line.matchAll(/`([^`]+)`/g)]
    .flatMap((match) => (match[1] ?? '').split(/[\s"'(),;=]+/))
    .map((word) => word.replace(/^\.\//, '').replace(/(?::\d+)*[.:]?$/, ''))
    .filter((word) => /^[\w.@*{}/-]+$/.test(word) && !word.startsWith('/'))
    .filter((word) => /^[A-Z]+\.md$/.test(word) || (word.includes('/') && (TOP.has(firstOf(word)) || isOfRoom(word))))
}

function isOfRoom(path: string): boolean {
  return existsSync(join(ROOT, 'server/src', firstOf(path))) && /(?:\.\w+|\/)$/.test(path)
}

function isThere(path: string): boolean {
  const places = TOP.has(firstOf(path)) || !path.includes('/') ? [path] : [path, `server/src/${path}`]
  return places.some((place) =>
    /[*{]/.test(place) ? globSync(place, { cwd: ROOT }).length > 0 : existsSync(join(ROOT, place)),
  )
}

function firstOf(path: string): string {
  return path.split('/')[0] ?? ''
}

/** Traces of where and how something was written, which mean nothing to who reads it elsewhere. */
const TRACES = [
  { pattern: /(?<![\w.:/-])\/(?:work|home|Users)\//, what: 'a path of somebody’s machine' },
  { pattern: /\bsub-?agents?\b/i, what: 'a word about how it was written' },
]

test('nothing tells where or how it was written', () => {
  const written = ['', '.ci', '.github']
    .flatMap(pathsUnder)
    .filter((path) => /\.(?:tsx?|m?js|md|json|ya?ml|sql|css|html|sh|toml)$|(?:^|\/)(?:Dockerfile|\.[\w.]+)$/.test(path))
    .filter((path) => !['package-lock.json', 'tidy/docs.test.ts', '.git'].includes(path))
  const complaints = written.flatMap((path) =>
    textOf(path)
      .split('\n')
      .flatMap((line, index) =>
        TRACES.filter(({ pattern }) => pattern.test(line)).map(
          ({ what }) => `${path}:${index + 1}: ${what}; take it out`,
        ),
      ),
  )
  expect(complaints).toEqual([])
})
