import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import AxeBuilder from '@axe-core/playwright'
import { buildHouse, type House, type HouseOptions } from '@permea/testkit'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { expect } from 'vitest'
import { launchBrowser } from './browser.ts'

const BUILD = fileURLToPath(new URL('../build.ts', import.meta.url))
const DIST = fileURLToPath(new URL('../dist', import.meta.url))
const STEP_MS = 20_000

/** An engine with its console, and a browser to look at it with. */
export interface Scene extends AsyncDisposable {
  house: House
  /** A page that nobody is signed in on. Whatever it writes to the browser's console as an error fails `closed`. */
  visit(options?: { width?: number; scheme?: 'light' | 'dark' }): Promise<Visit>
}

export interface Visit extends AsyncDisposable {
  page: Page
  context: BrowserContext
  /** Signs in with a one-time link. */
  signIn(): Promise<void>
  /** Opens an address of the console, `/app-events?…`. */
  open(path: string): Promise<void>
  /** Some of what the browser writes is meant: a refusal that the page shows. Forgets those, and says so if there was none. */
  expectComplaints(pattern: RegExp): void
  /** Rejects where axe finds something on the page as it is, or in one part of it. */
  expectAccessible(how?: { within?: string; onlyColors?: boolean }): Promise<void>
}

export async function openScene(options: HouseOptions & { adminPassword?: string } = {}): Promise<Scene> {
  await promisify(execFile)(process.execPath, [BUILD])
  const { adminPassword = null, ...more } = options
  const house = await buildHouse({ ...more, engine: { console: { dir: DIST, adminPassword }, ...more.engine } })
  house.engine.console?.serve(house.workspace.key)
  const browser: Browser = await launchBrowser()
  return {
    house,
    visit: (how = {}) => visit(browser, house, how),
    async [Symbol.asyncDispose]() {
      await browser.close()
      await house[Symbol.asyncDispose]()
    },
  }
}

async function visit(
  browser: Browser,
  house: House,
  { width = 1280, scheme = 'light' }: { width?: number; scheme?: 'light' | 'dark' },
): Promise<Visit> {
  const context = await browser.newContext({
    viewport: { width, height: 800 },
    colorScheme: scheme,
    locale: 'en-GB',
    timezoneId: 'Europe/Berlin',
    permissions: ['clipboard-read', 'clipboard-write'],
    reducedMotion: 'reduce',
  })
  context.setDefaultTimeout(STEP_MS)
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(`${message.text()} (${message.location().url})`)
  })
  page.on('pageerror', (error) => complaints.push(error.stack ?? error.message))
  return {
    page,
    context,
    expectComplaints(pattern) {
      const others = complaints.filter((each) => !pattern.test(each))
      expect(others.length, `some complaint that matches ${pattern}`).toBeLessThan(complaints.length)
      complaints.splice(0, complaints.length, ...others)
    },
    async signIn() {
      await page.goto(house.engine.console?.oneTimeLink() ?? '')
      await page
        .getByRole('navigation', { name: 'Pages' })
        .or(page.getByRole('button', { name: 'Open the navigation' }))
        .first()
        .waitFor()
    },
    async open(path) {
      await page.goto(`${house.url}/console${path}`)
    },
    async expectAccessible({ within, onlyColors = false } = {}) {
      // Its other mode opens a second page for every look, for frames of other origins; there are none.
      const axe = new AxeBuilder({ page }).setLegacyMode()
      if (within !== undefined) axe.include(within)
      if (onlyColors) axe.withRules(['color-contrast'])
      const { violations } = await axe.analyze()
      const found = violations.map(
        (each) =>
          `${each.id}: ${each.help}: ${each.nodes
            .map((node) => node.html)
            .slice(0, 4)
            .join(' | ')}`,
      )
      expect(found, `axe on ${page.url()}`).toEqual([])
    },
    async [Symbol.asyncDispose]() {
      await context.close()
      expect(complaints, 'what the browser complained of').toEqual([])
    },
  }
}
