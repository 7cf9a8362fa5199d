import { styleText } from 'node:util'
import type { Surroundings } from './surroundings.ts'

type Style = Parameters<typeof styleText>[0]

/** How a command speaks: to people in lines, to programs (`--json`) in JSON, one value a line. */
export interface Printer {
  readonly isJson: boolean
  /** Text for people; programs do not get it. */
  line(text?: string): void
  /** What the command came to: JSON for programs, and for people what `text` makes of it. */
  value(value: unknown, text?: () => string): void
  /** Something beside the result: what is going on, what to do next. To standard error. */
  note(text: string): void
  /** Colour where a terminal shows it. */
  paint(style: Style, text: string): string
}

export function createPrinter(around: Surroundings, isJson: boolean): Printer {
  const hasColour =
    around.stdout.isTTY === true && (around.env.NO_COLOR ?? '') === '' && around.env.TERM !== 'dumb' && !isJson
  return {
    isJson,
    line(text = '') {
      if (!isJson) around.stdout.write(`${text}\n`)
    },
    value(value, text) {
      if (isJson) around.stdout.write(`${JSON.stringify(value)}\n`)
      else if (text !== undefined) around.stdout.write(`${text()}\n`)
    },
    note: (text) => void around.stderr.write(`${text}\n`),
    paint: (style, text) => (hasColour ? styleText(style, text, { validateStream: false }) : text),
  }
}
