import { lazy } from 'react'

/** The tree is loaded when it is first looked at. */
export const Trail = lazy(async () => ({ default: (await import('./trail.tsx')).Trail }))
