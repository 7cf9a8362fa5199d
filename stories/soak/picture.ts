import type { Sample } from './samples.ts'
import { WHO, whoIsIn } from './troubles.ts'

export interface Happened {
  atS: number
  name: string
  /** How long until it was over. */
  tookS: number
}

interface Panel {
  title: string
  unit: string
  isLogarithmic: boolean
  lines: { label: string; colour: string; of: (sample: Sample) => number }[]
}

const PANELS: readonly Panel[] = [
  {
    title: 'Answers to senders',
    unit: 'ms',
    isLogarithmic: true,
    lines: [
      { label: 'p50', colour: '#0f766e', of: (sample) => sample.answerP50Ms },
      { label: 'p95', colour: '#b45309', of: (sample) => sample.answerP95Ms },
      { label: 'p99', colour: '#be123c', of: (sample) => sample.answerP99Ms },
    ],
  },
  {
    title: 'From the first try to the application',
    unit: 'ms',
    isLogarithmic: true,
    lines: [
      { label: 'p50', colour: '#0f766e', of: (sample) => sample.arrivalP50Ms },
      { label: 'p95', colour: '#b45309', of: (sample) => sample.arrivalP95Ms },
      { label: 'p99', colour: '#be123c', of: (sample) => sample.arrivalP99Ms },
    ],
  },
  {
    title: 'Events',
    unit: 'per second',
    isLogarithmic: false,
    lines: [
      { label: 'acknowledged', colour: '#0f766e', of: (sample) => sample.acknowledgedPerS },
      { label: 'arrived', colour: '#b45309', of: (sample) => sample.arrivedPerS },
    ],
  },
  {
    title: 'Memory',
    unit: 'MB',
    isLogarithmic: false,
    lines: [
      { label: 'engine 1', colour: '#0f766e', of: (sample) => sample.engine1Mb },
      { label: 'engine 2', colour: '#b45309', of: (sample) => sample.engine2Mb },
      { label: 'PostgreSQL', colour: '#1d4ed8', of: (sample) => sample.postgresMb },
    ],
  },
  {
    title: 'Disk',
    unit: 'MB',
    isLogarithmic: false,
    lines: [
      { label: 'database', colour: '#0f766e', of: (sample) => sample.databaseMb },
      { label: 'write-ahead log', colour: '#b45309', of: (sample) => sample.walMb },
    ],
  },
]

const WIDTH = 1000
const LEFT = 70
const RIGHT = 20
const PANEL_HEIGHT = 150
const PANEL_STEP = 200
const TOP = 60

/** The samples of a soak as one picture, with a line wherever something was killed, stopped or away. */
export function drawSoak(title: string, samples: readonly Sample[], happened: readonly Happened[]): string {
  const endS = samples.at(-1)?.atS ?? 1
  const x = (atS: number) => LEFT + (atS / endS) * (WIDTH - LEFT - RIGHT)
  const height = TOP + PANELS.length * PANEL_STEP + 20
  const legend = Object.entries(WHO).map(([who, colour], index) => {
    const at = LEFT + 10 + index * 170
    return `<line x1="${at}" x2="${at}" y1="32" y2="44" stroke="${colour}" stroke-width="2"/><text x="${at + 6}" y="42">trouble of ${who}</text>`
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="11" fill="#334155">`,
    `<title>${title}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    `<text x="${LEFT}" y="20" font-size="15" fill="#0f172a">${title}</text>`,
    ...legend,
    ...PANELS.flatMap((panel, index) =>
      drawPanel(panel, TOP + 20 + index * PANEL_STEP, { samples, happened, x, endS }),
    ),
    '</svg>',
    '',
  ].join('\n')
}

interface Drawing {
  samples: readonly Sample[]
  happened: readonly Happened[]
  x: (atS: number) => number
  endS: number
}

function drawPanel({ title, unit, isLogarithmic, lines }: Panel, top: number, drawing: Drawing): string[] {
  const { samples, happened, x, endS } = drawing
  const bottom = top + PANEL_HEIGHT
  const values = lines.flatMap(({ of }) => samples.map(of)).filter((value) => Number.isFinite(value) && value > 0)
  const most = Math.max(...values, 1)
  const least = isLogarithmic ? Math.max(0.1, Math.min(...values, most)) : 0
  const ticks = isLogarithmic ? powersBetween(least, most) : roundSteps(most)
  const [from, to] = [isLogarithmic ? (ticks[0] ?? 1) : 0, ticks.at(-1) ?? most]
  const y = (value: number) => {
    const share = isLogarithmic ? Math.log(value / from) / Math.log(to / from) : value / to
    return bottom - Math.max(0, share) * PANEL_HEIGHT
  }
  return [
    `<text x="${LEFT}" y="${top - 8}" font-size="12" fill="#0f172a">${title} (${unit})</text>`,
    ...ticks.map(
      (tick) =>
        `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(tick).toFixed(1)}" y2="${y(tick).toFixed(1)}" stroke="#e2e8f0"/><text x="${LEFT - 6}" y="${(y(tick) + 4).toFixed(1)}" text-anchor="end">${tick.toLocaleString('en')}</text>`,
    ),
    ...happened.map(
      ({ atS, name, tookS }) =>
        `<line x1="${x(atS).toFixed(1)}" x2="${x(atS).toFixed(1)}" y1="${top}" y2="${bottom}" stroke="${WHO[whoIsIn(name)]}" stroke-opacity="0.35"><title>${name}, ${tookS.toFixed(1)} s</title></line>`,
    ),
    ...minutesUpTo(endS).map(
      (minute) => `<text x="${x(minute * 60).toFixed(1)}" y="${bottom + 14}" text-anchor="middle">${minute} min</text>`,
    ),
    ...lines.map(({ of, colour }) => {
      const points = samples.map((sample) => ({ x: x(sample.atS), value: of(sample) }))
      return `<path d="${pathThrough(points, y)}" fill="none" stroke="${colour}"/>`
    }),
    ...lines.map(
      ({ label, colour }, index) =>
        `<text x="${WIDTH - RIGHT - (lines.length - index) * 110}" y="${top - 8}" fill="${colour}">— ${label}</text>`,
    ),
  ]
}

/** A line that is broken where nothing was measured. */
function pathThrough(points: readonly { x: number; value: number }[], y: (value: number) => number): string {
  let isDrawing = false
  return points
    .map((point) => {
      if (!Number.isFinite(point.value) || point.value <= 0) {
        isDrawing = false
        return ''
      }
      const step = `${isDrawing ? 'L' : 'M'}${point.x.toFixed(1)} ${y(point.value).toFixed(1)}`
      isDrawing = true
      return step
    })
    .join('')
}

function powersBetween(least: number, most: number): number[] {
  const [from, to] = [Math.floor(Math.log10(least)), Math.ceil(Math.log10(most))]
  return Array.from({ length: Math.max(1, to - from) + 1 }, (_, index) => 10 ** (from + index))
}

/** Up to six round numbers from 0 to above `most`. */
function roundSteps(most: number): number[] {
  const power = 10 ** Math.floor(Math.log10(most))
  const step = [0.2, 0.5, 1, 2].map((each) => each * power).find((each) => most / each <= 5) ?? 2 * power
  return Array.from({ length: Math.ceil(most / step) + 1 }, (_, index) => index * step)
}

function minutesUpTo(endS: number): number[] {
  const step = [1, 2, 5, 10, 20].find((each) => endS / 60 / each <= 12) ?? 30
  return Array.from({ length: Math.floor(endS / 60 / step) + 1 }, (_, index) => index * step)
}
