import { Popover, Select, Skeleton } from '@mantine/core'
import { lazy, Suspense, useState } from 'react'
import { useIsUtc } from '../parts/zone.ts'
import { fieldOf } from './time-field.ts'
import { SINCE, useUrlState } from './url-state.ts'

/** Loaded when somebody wants a stretch of their own. */
const TimeRangeForm = lazy(() => import('./time-range-form.tsx'))

const CUSTOM = 'custom'
const isMoment = (value: string | undefined) => value !== undefined && /^\d{4}-/.test(value)

/** A stretch of time that a list is of: one that ends now, or from one moment to another. It stands in the URL. */
export function TimeRange({ name, label }: { name: string; label: string }) {
  const { search, change } = useUrlState()
  const isUtc = useIsUtc()
  const from = search[name]
  const to = search.to
  const isCustom = isMoment(from) || isMoment(to)
  const [isOpen, setIsOpen] = useState(false)
  const words = isCustom ? `${spoken(from, isUtc) || '…'} – ${spoken(to, isUtc) || 'now'}` : 'From … to …'
  return (
    <Popover opened={isOpen} onChange={setIsOpen} position="bottom-start" trapFocus returnFocus withinPortal>
      <Popover.Target>
        <Select
          aria-label={label}
          placeholder={label}
          size="xs"
          w={isCustom ? 290 : 160}
          clearable
          data={[...SINCE, { value: CUSTOM, label: words }]}
          value={isCustom ? CUSTOM : (from ?? null)}
          onChange={(value) => {
            if (value !== CUSTOM) change({ [name]: value ?? undefined, to: undefined })
          }}
          onOptionSubmit={(value) => {
            if (value === CUSTOM) setIsOpen(true)
          }}
        />
      </Popover.Target>
      <Popover.Dropdown>
        <Suspense fallback={<Skeleton height={190} width={220} />}>
          <TimeRangeForm
            from={isMoment(from) ? from : undefined}
            to={isMoment(to) ? to : undefined}
            onShow={(begin, end) => {
              change({ [name]: begin, to: end })
              setIsOpen(false)
            }}
          />
        </Suspense>
      </Popover.Dropdown>
    </Popover>
  )
}

function spoken(moment: string | undefined, isUtc: boolean): string {
  return moment === undefined || !isMoment(moment)
    ? ''
    : `${fieldOf(moment, isUtc).replace('T', ' ')}${isUtc ? 'Z' : ''}`
}
