import 'uplot/dist/uPlot.min.css'
import { useComputedColorScheme } from '@mantine/core'
import { useElementSize } from '@mantine/hooks'
import { useEffect, useRef } from 'react'
import uPlot from 'uplot'
import { timeFormat, useIsUtc } from '../../parts/zone.ts'

export interface Line {
  label: string
  tone: 'main' | 'good' | 'bad' | 'calm'
  values: readonly (number | null)[]
}

interface ChartProps {
  label: string
  /** Moments in milliseconds since 1970. */
  moments: readonly number[]
  lines: readonly Line[]
  asBars: boolean
  wordsOf(value: number): string
}

const HEIGHT = 150

const COLORS = {
  light: { main: '#4659cc', good: '#1d7a46', bad: '#c02637', calm: '#9aa1ad' },
  dark: { main: '#8492ee', good: '#5cc98b', bad: '#ff8a94', calm: '#6f7786' },
} as const

const clock = timeFormat({ hour: '2-digit', minute: '2-digit' })
const day = timeFormat({ month: 'short', day: 'numeric' })
const TWO_DAYS_MS = 172_800_000

function momentWords(seconds: number, moments: readonly number[], isUtc: boolean): string {
  const spanMs = (moments.at(-1) ?? 0) - (moments[0] ?? 0)
  return (spanMs > TWO_DAYS_MS ? day : clock)(seconds * 1000, isUtc)
}

/** Values over time. Who cannot see it is given the same as a table. */
export default function Chart({ label, moments, lines, asBars, wordsOf }: ChartProps) {
  const scheme = useComputedColorScheme('light')
  const isUtc = useIsUtc()
  const { ref, width } = useElementSize()
  const place = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (place.current === null || width === 0) return
    const ink = getComputedStyle(place.current)
    const axis = {
      stroke: ink.getPropertyValue('--mantine-color-dimmed'),
      grid: { stroke: ink.getPropertyValue('--line'), width: 1 },
      ticks: { show: false },
      font: "11px 'Inter Variable', sans-serif",
    }
    const plot = new uPlot(
      {
        width,
        height: HEIGHT,
        legend: { show: false },
        cursor: { y: false, points: { size: 6 } },
        scales: { y: { range: (_, min, max) => [Math.min(0, min), max === 0 ? 1 : max * 1.08] } },
        axes: [
          {
            ...axis,
            grid: { show: false },
            values: (_, ticks) => ticks.map((tick) => momentWords(tick, moments, isUtc)),
          },
          { ...axis, size: 52, values: (_, ticks) => ticks.map(wordsOf) },
        ],
        series: [
          {},
          ...lines.map((line) => ({
            label: line.label,
            stroke: COLORS[scheme][line.tone],
            width: asBars ? 0 : 1.6,
            // A moment with nothing before and after it has no line, only a point.
            points: { show: !asBars, size: 4, fill: COLORS[scheme][line.tone] },
            ...(asBars && uPlot.paths.bars !== undefined
              ? { fill: COLORS[scheme][line.tone], paths: uPlot.paths.bars({ size: [0.7, 40] }) }
              : {}),
          })),
        ],
      },
      [moments.map((each) => each / 1000), ...lines.map((line) => [...line.values])],
      place.current,
    )
    return () => plot.destroy()
  }, [moments, lines, width, scheme, asBars, wordsOf, isUtc])
  return (
    <div ref={ref}>
      <div ref={place} role="img" aria-label={label} style={{ height: HEIGHT }} />
    </div>
  )
}
