import type { Locator } from 'playwright-core'
import decodeQR from 'qr/decode.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openScene, type Scene, type Visit } from './scene.ts'

const PASSWORD = 'correct horse battery'

let scene: Scene

beforeAll(async () => {
  scene = await openScene()
})
afterAll(() => scene[Symbol.asyncDispose]())

/** As the pages are to be at 400 px, too. */
async function expectGood(visit: Visit): Promise<void> {
  await visit.expectAccessible()
  await visit.page.emulateMedia({ colorScheme: 'dark' })
  await visit.expectAccessible({ onlyColors: true })
  await visit.page.setViewportSize({ width: 400, height: 800 })
  const tooWide = () =>
    visit.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
  await expect.poll(tooWide, { timeout: 20_000 }).toBe(0)
  await visit.page.setViewportSize({ width: 1280, height: 800 })
  await visit.page.emulateMedia({ colorScheme: 'light' })
}

test('somebody is invited, joins, sets up a second factor and signs in with it', async () => {
  await using owner = await scene.visit()
  await owner.signIn()
  await owner.open('/people')
  await owner.page.getByLabel('E-mail address').pressSequentially('anna@example.com')
  await owner.page.getByRole('button', { name: 'Invite', exact: true }).click()
  const link = (await owner.page.getByRole('status').getByText('#invitation=').textContent()) ?? ''
  await expectGood(owner)

  await using anna = await scene.visit()
  const { page } = anna
  await page.goto(link)
  await page.getByLabel('Your name').pressSequentially('Anna')
  await page.getByLabel('New password').pressSequentially(PASSWORD)
  expect(page.url()).not.toContain('#')
  await expectGood(anna)
  await page.getByRole('button', { name: 'Join' }).click()
  await page.getByRole('navigation', { name: 'Pages' }).waitFor()
  expect(await page.getByRole('link', { name: 'People' }).count()).toBe(0)

  await anna.open('/account')
  await page.getByLabel('Password, for the second factor').pressSequentially('not it')
  await page.getByRole('button', { name: 'Set it up' }).click()
  await page.getByText('This is not right').waitFor()
  await page.getByLabel('Password, for the second factor').press('ControlOrMeta+a')
  await page.getByLabel('Password, for the second factor').pressSequentially(PASSWORD)
  await page.getByRole('button', { name: 'Set it up' }).click()
  const uri = (await page.getByText('otpauth://').textContent()) ?? ''
  expect(await scanned(page.getByRole('img', { name: 'QR code of the secret' }))).toBe(uri)
  await page.getByLabel('Code of the app').pressSequentially(await codeOf(uri))
  await page.getByRole('button', { name: 'Turn it on' }).click()
  const codes = (await page.getByRole('status').locator('code').first().textContent()) ?? ''
  await expectGood(anna)
  anna.expectComplaints(/403/)

  await page.getByRole('button', { name: 'Appearance and sign out' }).click()
  await page.getByText('Anna, developer').waitFor()
  await page.getByRole('menuitem', { name: 'Sign out', exact: true }).click()
  await page.getByLabel('E-mail address').pressSequentially('Anna@example.com')
  await page.getByLabel('Password', { exact: true }).pressSequentially(PASSWORD)
  await expectGood(anna)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByLabel('Code').pressSequentially('123456')
  await page.getByRole('button', { name: 'Go on' }).click()
  await page.getByRole('alert').getByText('The code is not right').waitFor()
  await page.getByLabel('Code').press('ControlOrMeta+a')
  await page.getByLabel('Code').pressSequentially(codes.slice(0, 19))
  await expectGood(anna)
  await page.getByRole('button', { name: 'Go on' }).click()
  await page.getByRole('navigation', { name: 'Pages' }).waitFor()
  anna.expectComplaints(/401/)

  await owner.open('/people')
  await owner.page.getByRole('button', { name: 'Make anna@example.com support' }).click()
  await owner.page.getByText('Anna is support now').waitFor()
  await anna.open('/flows')
  await page.getByRole('button', { name: 'Appearance and sign out' }).click()
  await page.getByText('payloads and secrets are masked').waitFor()
  await owner.page.getByRole('button', { name: 'Remove anna@example.com' }).click()
  await owner.page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
  await owner.page.getByText('Anna is out').waitFor()
  await anna.open('/flows')
  await page.getByRole('heading', { name: 'Sign in to Permea' }).waitFor()
  anna.expectComplaints(/401/)
})

test('a key is made, shown once, and ended', async () => {
  await using visit = await scene.visit()
  const { page } = visit
  await visit.signIn()
  await visit.open('/api-keys')
  await page.getByLabel('Name').pressSequentially('the dashboard')
  await page.getByRole('button', { name: 'Make it' }).click()
  const key = (await page.getByRole('status').getByText('permea_').textContent()) ?? ''
  const ask = () =>
    fetch(`${scene.house.url}/flows`, { headers: { authorization: `Bearer ${key}` } }).then(({ status }) => status)
  expect(await ask()).toBe(200)
  await expectGood(visit)
  await page.getByRole('button', { name: 'End the dashboard' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'End' }).click()
  await page.getByText('The key is good no more').waitFor()
  expect(await ask()).toBe(401)
})

/** What a camera reads in a picture as it stands on the page. */
async function scanned(picture: Locator): Promise<string> {
  const shot = (await picture.screenshot()).toString('base64')
  const blank = await picture.page().context().newPage()
  const { width, height, data } = await blank.evaluate(async (png) => {
    const image = new Image()
    image.src = `data:image/png;base64,${png}`
    await image.decode()
    const canvas = Object.assign(document.createElement('canvas'), { width: image.width, height: image.height })
    const context = canvas.getContext('2d') as CanvasRenderingContext2D
    context.drawImage(image, 0, 0)
    const pixels = context.getImageData(0, 0, image.width, image.height)
    return {
      width: pixels.width,
      height: pixels.height,
      data: Array.from(pixels.data, (byte) => String.fromCharCode(byte)).join(''),
    }
  }, shot)
  await blank.close()
  return decodeQR({ width, height, data: Buffer.from(data, 'latin1') })
}

/** The code of now. @source RFC 6238 */
async function codeOf(uri: string): Promise<string> {
  const base32 = new URL(uri).searchParams.get('secret') ?? ''
  const bits = [...base32].map((char) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(char).toString(2).padStart(5, '0'))
  const bytes =
    bits
      .join('')
      .match(/.{8}/g)
      ?.map((each) => Number.parseInt(each, 2)) ?? []
  const key = await crypto.subtle.importKey('raw', Uint8Array.from(bytes), { name: 'HMAC', hash: 'SHA-1' }, false, [
    'sign',
  ])
  const counter = new DataView(new ArrayBuffer(8))
  counter.setBigUint64(0, BigInt(Math.floor(Date.now() / 30_000)))
  const mac = new DataView(await crypto.subtle.sign('HMAC', key, counter))
  const number = mac.getUint32(mac.getUint8(19) & 15) & 0x7fffffff
  return String(number % 1_000_000).padStart(6, '0')
}
