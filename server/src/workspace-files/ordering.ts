import { referencesIn } from '../api/references.ts'
import type { Step } from './plan.ts'
import type { FileProblem } from './workspace-element.ts'

export interface Ordered {
  /** Steps of one rank need nothing of each other; ranks are done one after the other. */
  ranks: Step[][]
  /** What cannot work: elements that are made of each other. */
  problems: FileProblem[]
  /** What may be meant: references to what is nowhere, and those that go in a circle. */
  warnings: FileProblem[]
}

/** Orders steps by what they are made of and what they name; `known` says what is there or will be. */
export function orderSteps(steps: readonly Step[], known: (selector: string) => boolean): Ordered {
  const bySelector = new Map(steps.map((step) => [step.selector, step]))
  const problems: FileProblem[] = []
  const warnings: FileProblem[] = []
  const rank = new Map<Step, number>()
  const open: Step[] = []

  function visit(step: Step): number {
    const done = rank.get(step)
    if (done !== undefined) return done
    open.push(step)
    let depth = 0
    for (const { selector, isNeeded, field } of needsOf(step, known)) {
      const other = bySelector.get(selector)
      if (other === undefined) {
        if (!known(selector)) warnings.push(said(step, field, `there is no ${selector.replace(':', ' ')}`))
        continue
      }
      if (other === step) continue
      const at = open.indexOf(other)
      if (at < 0) depth = Math.max(depth, visit(other) + 1)
      else
        (isNeeded ? problems : warnings).push(said(step, field, `goes in a circle: ${circle(open.slice(at), other)}`))
    }
    open.pop()
    rank.set(step, depth)
    return depth
  }

  const ranks: Step[][] = []
  for (const step of steps) {
    const depth = visit(step)
    ranks[depth] ??= []
    ranks[depth].push(step)
  }
  return { ranks: [...ranks].map((each) => each ?? []), problems, warnings }
}

function circle(steps: readonly Step[], first: Step): string {
  return [...steps, first].map((each) => each.selector).join(' → ')
}

function said({ element }: Step, field: string, message: string): FileProblem {
  return { file: element.path, line: element.lineOf(field), message: `${field}: ${message}` }
}

interface Need {
  selector: string
  /** Without it the element cannot be made; others are looked up when they are used. */
  isNeeded: boolean
  field: string
}

function* needsOf(step: Step, known: (selector: string) => boolean): Generator<Need> {
  const { element, integration, parent, body } = step
  if (integration !== null) yield { selector: integration, isNeeded: true, field: 'integrationUuid' }
  if (parent !== null) yield { selector: parent, isNeeded: true, field: 'parentUuid' }
  if (typeof body.connectorKey === 'string')
    yield { selector: `connector:${body.connectorKey}`, isNeeded: true, field: 'connectorUuid' }
  for (const { type, key, field } of referencesIn(element.data)) {
    const own = element.integrationKey === null ? null : `${type}:${key}:${element.integrationKey}`
    yield { selector: own !== null && known(own) ? own : `${type}:${key}`, isNeeded: false, field }
  }
}
