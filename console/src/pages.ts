import { IconBolt, type TablerIcon } from '@tabler/icons-react'
import type { ComponentType } from 'react'

/** What a page's file gives: the list (or the whole page) and, where there are records, what opens one. */
export interface PageModule {
  Page: ComponentType
  Record?: ComponentType
}

export interface PageEntry {
  path: string
  title: string
  icon: TablerIcon
  /** Further words that people look for it by. */
  also?: string
  load(): Promise<PageModule>
  hasRecords?: boolean
}

export interface PageGroup {
  title: string | null
  pages: readonly PageEntry[]
}

/** Every page, in the order of the navigation. A page is this line and its file. */
export const PAGE_GROUPS: readonly PageGroup[] = [
  {
    title: 'Internal events',
    pages: [
      {
        path: 'app-events',
        title: 'App Events',
        icon: IconBolt,
        also: 'internal events received webhook payload',
        load: () => import('./pages/events/app-events.tsx'),
        hasRecords: true,
      },
    ],
  },
]

export const PAGES: readonly PageEntry[] = PAGE_GROUPS.flatMap((group) => group.pages)
