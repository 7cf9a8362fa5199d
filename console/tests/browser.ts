import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
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

/** Unpacks the browser of `@sparticuz/chromium` with the libraries it needs, for machines that have neither. */
async function packaged(): Promise<LaunchOptions> {
  process.env.AWS_EXECUTION_ENV = 'AWS_Lambda_nodejs22.x'
  const { default: sparticuz } = await import('@sparticuz/chromium')
  const executablePath = await sparticuz.executablePath()
  const unpacked = tmpdir()
  return {
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--single-process', '--no-zygote'],
    env: {
      ...(process.env as Record<string, string>),
      LANG: 'en_US.UTF-8',
      LD_LIBRARY_PATH: path.join(unpacked, 'al2023/lib'),
      FONTCONFIG_PATH: path.join(unpacked, 'fonts'),
    },
  }
}
