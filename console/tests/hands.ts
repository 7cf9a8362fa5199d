import { until } from '@permea/testkit'
import type { Frame, FrameLocator, Locator, Page } from 'playwright-core'

type Place = Page | Frame | FrameLocator | Locator
type Role = 'button' | 'link' | 'tab' | 'radio' | 'checkbox' | 'combobox'

/** How somebody uses a page: with a mouse, or by keyboard alone. Either types key by key. */
export interface Hands {
  press(role: Role, name: string | RegExp, place?: Place): Promise<void>
  pressOn(target: Locator): Promise<void>
  /** Types in the place of what is in the field. */
  write(label: string, text: string, place?: Place): Promise<void>
  choose(label: string, option: RegExp, place?: Place): Promise<void>
}

const STEPS_MAX = 400

export function handsWithMouse(page: Page): Hands {
  return {
    press: (role, name, place = page) => named(place, role, name).click(),
    pressOn: (target) => target.click(),
    async write(label, text, place = page) {
      const field = place.getByRole('textbox', { name: label, exact: true })
      await field.click()
      await page.keyboard.press('ControlOrMeta+a')
      await field.pressSequentially(text)
    },
    async choose(label, option, place = page) {
      await named(place, 'combobox', label).click()
      await page.getByRole('option', { name: option }).click()
    },
  }
}

/** Nothing is clicked and nothing is given the focus: every element is come to by Tab. */
export function handsWithKeyboard(page: Page): Hands {
  const { keyboard } = page
  const hands: Hands = {
    async press(role, name, place = page) {
      await hands.pressOn(named(place, role, name))
    },
    async pressOn(target) {
      await reach(page, target)
      const isChoice = await target.evaluate((element) => element instanceof HTMLInputElement)
      await keyboard.press(isChoice ? 'Space' : 'Enter')
    },
    async write(label, text, place = page) {
      await reach(page, place.getByRole('textbox', { name: label, exact: true }))
      await keyboard.press('ControlOrMeta+a')
      await keyboard.type(text)
    },
    async choose(label, option, place = page) {
      const wanted = page.getByRole('option', { name: option })
      // A list that was read again as it opened is closed, and is opened once more.
      await until(`${option} of ${label} to choose`, STEP_MS_MAX, async () => {
        await reach(page, named(place, 'combobox', label))
        await keyboard.press('ArrowDown')
        return isThere(wanted)
      })
      for (let step = 0; step < STEPS_MAX; step++) {
        if ((await wanted.getAttribute('data-combobox-selected')) === 'true') {
          await keyboard.press('Enter')
          // A list that was read again meanwhile has nothing selected, stays open, and is gone through once more.
          if (await isThere(wanted, 'hidden')) return
        }
        await keyboard.press('ArrowDown')
      }
      throw new Error(`no arrow leads to ${option} of ${label}`)
    },
  }
  return hands
}

const STEP_MS_MAX = 60_000

const isThere = (locator: Locator, state: 'visible' | 'hidden' = 'visible') =>
  locator.waitFor({ state, timeout: 3000 }).then(
    () => true,
    () => false,
  )

const named = (place: Place, role: Role, name: string | RegExp) =>
  place.getByRole(role, { name, exact: typeof name === 'string' }).first()

/** Comes to an element by Tab, or by Shift and Tab where it stands before what has the focus. */
async function reach(page: Page, target: Locator): Promise<void> {
  await target.waitFor()
  const distance = await target.evaluate(stepsTo)
  const key = distance < 0 ? 'Shift+Tab' : 'Tab'
  for (let step = 0; step < STEPS_MAX; step++) {
    // Far from it there is no need to look after each.
    if (step >= Math.abs(distance) - 2 && (await target.evaluate(hasFocus))) return
    // Choices of one question are one stop, and so are tabs: arrows go between them.
    if (await target.evaluate(isInFocusedGroup)) return arrowTo(page, target)
    if (await page.evaluate(() => document.activeElement?.closest('.cm-editor') != null))
      await page.keyboard.press('Escape')
    await page.keyboard.press(key)
  }
  throw new Error(`the keyboard does not come to ${String(target)}`)
}

async function arrowTo(page: Page, target: Locator): Promise<void> {
  for (let step = 0; step < STEPS_MAX; step++) {
    if (await target.evaluate(hasFocus)) return
    await page.keyboard.press('ArrowRight')
  }
  throw new Error(`no arrow leads to ${String(target)}`)
}

const hasFocus = (element: Element) => element === document.activeElement && document.hasFocus()

const isInFocusedGroup = (element: Element) => {
  const group = (of: Element | null) => {
    if (of instanceof HTMLInputElement && of.type === 'radio') return `radio ${of.name}`
    return of?.getAttribute('role') === 'tab' ? of.parentElement : null
  }
  const own = group(element)
  return own !== null && own === group(document.activeElement)
}

/** How many stops lie between what has the focus and the element, about. */
function stepsTo(element: Element): number {
  const stops = [...document.querySelectorAll('a[href],button,input,select,textarea,[tabindex],[contenteditable=true]')]
    .filter((each) => each instanceof HTMLElement && each.tabIndex >= 0 && !each.matches(':disabled'))
    .filter((each) => each.getClientRects().length > 0)
  const from = document.activeElement ?? document.body
  const [first, last] = [from, element].map((each) => {
    const at = stops.indexOf(each)
    return at !== -1
      ? at
      : stops.findIndex((stop) => (each.compareDocumentPosition(stop) & Node.DOCUMENT_POSITION_FOLLOWING) !== 0)
  })
  return (last ?? 0) - (first ?? 0)
}
