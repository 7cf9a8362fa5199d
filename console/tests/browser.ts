import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import path from 'node:path'
import { type Browser, chromium, type LaunchOptions } from 'playwright-core'

const PLACES = [
  process.env.CHROMIUM_PATH,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
]

/** A real Chromium: the one that is named, one that is installed, else the one of the npm package. */
export async function launchBrowser(): Promise<Browser> {
  const installed = PLACES.find((place) => place !== undefined && place !== '' && existsSync(place))
  const options: LaunchOptions =
    installed === undefined ? await packaged() : { executablePath: installed, args: ['--no-sandbox'] }
  return chromium.launch({ headless: true, ...options })
}

/** The browser of `@sparticuz/chromium` with the libraries it needs, for machines that have neither. */
async function packaged(): Promise<LaunchOptions> {
  const home = await unpacked()
  return {
    executablePath: path.join(home, 'chromium'),
    // Not its own arguments: with `--single-process` the browser ends with the first page.
    args: ['--no-sandbox', '--disable-gpu'],
    env: {
      ...(process.env as Record<string, string>),
      LANG: 'en_US.UTF-8',
      LD_LIBRARY_PATH: path.join(home, 'al2023/lib'),
      FONTCONFIG_FILE: path.join(home, 'fonts.conf'),
    },
  }
}

/**
 * Where it is unpacked, once per user and release. The package unpacks into the temporary directory and takes what is
 * there for whole: test files that do so at the same time would run half a browser, and another user's cannot be run.
 */
async function unpacked(): Promise<string> {
  const manifest = new URL('../package.json', import.meta.resolve('@sparticuz/chromium'))
  const { version } = JSON.parse(await readFile(manifest, 'utf8')) as { version: string }
  const home = path.join(tmpdir(), `permea-chromium-${version}-${userInfo().uid}`)
  if (existsSync(home)) return home
  const own = await mkdtemp(`${home}-`)
  const { TMPDIR } = process.env
  process.env.TMPDIR = own
  process.env.AWS_EXECUTION_ENV = 'AWS_Lambda_nodejs22.x'
  try {
    const { default: sparticuz } = await import('@sparticuz/chromium')
    await sparticuz.executablePath()
  } finally {
    if (TMPDIR === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = TMPDIR
  }
  await writeFile(path.join(own, 'fonts.conf'), fontsOf(home))
  await rename(own, home).catch(async (error: NodeJS.ErrnoException) => {
    if (!['ENOTEMPTY', 'EEXIST'].includes(error.code ?? '')) throw error
    await rm(own, { recursive: true })
  })
  return home
}

/** The package's own file looks for fonts in places of its own; without any, text has no height. */
function fontsOf(home: string): string {
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${home}/fonts</dir>
  <cachedir>${home}/fonts-cache</cachedir>
</fontconfig>
`
}
