import { readFileSync } from 'node:fs'

/** In the package that is installed, and in the checkout. */
const MANIFESTS = ['../../../../package.json', '../../../cli/package.json']

/** The version of the product, as its manifest says it. */
export function productVersion(): string {
  for (const file of MANIFESTS) {
    const manifest = manifestAt(new URL(file, import.meta.url))
    if (manifest?.name === 'permea') return manifest.version
  }
  throw new Error('the manifest of the package is not where it belongs')
}

function manifestAt(file: URL): { name: string; version: string } | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as { name: string; version: string }
  } catch {
    return null
  }
}
