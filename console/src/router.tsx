import type { Permission } from '@permea/contract'
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router'
import type { ComponentType } from 'react'
import { beginSession, queryClient } from './api.ts'
import { NAMED_WORKSPACE, PAGES_PATH } from './base.ts'
import { followWorkspace } from './live/live.ts'
import { PAGES, type PageEntry } from './pages.ts'
import { refusalOfPermission } from './session/may.ts'
import { askForToken, NoSuchWorkspace } from './session/session.ts'
import { Broken, Missing, NotForRole, NotYours, Shell } from './shell/shell.tsx'

const root = createRootRoute({ component: Outlet, notFoundComponent: Missing })

const signInRoute = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  component: lazyRouteComponent(() => import('./session/sign-in-page.tsx'), 'SignInPage'),
})

const notYoursRoute = createRoute({ getParentRoute: () => root, path: '/not-yours', component: NotYours })

let isFollowing = false

const shellRoute = createRoute({
  getParentRoute: () => root,
  id: 'shell',
  component: Shell,
  errorComponent: Broken,
  async beforeLoad({ location }) {
    if (isFollowing) return
    const session = await askForToken(NAMED_WORKSPACE).catch((problem: unknown) => {
      throw problem instanceof NoSuchWorkspace ? redirect({ to: '/not-yours', replace: true }) : problem
    })
    if (session === null) throw redirect({ to: '/sign-in', search: { next: location.href } })
    beginSession(session)
    isFollowing = true
    void followWorkspace()
  },
})

function routeOf(page: PageEntry) {
  const route = createRoute({
    getParentRoute: () => shellRoute,
    path: page.path === '' ? '/' : page.path,
    component: page.needs === undefined ? lazyRouteComponent(page.load, 'Page') : guarded(page, page.needs),
    errorComponent: Broken,
  })
  if (page.hasRecords !== true) return route
  const record = createRoute({
    getParentRoute: () => route,
    path: '$id',
    component: lazyRouteComponent(
      page.load as () => Promise<Required<Awaited<ReturnType<PageEntry['load']>>>>,
      'Record',
    ),
    errorComponent: Broken,
  })
  return route.addChildren([record])
}

/** A page that not every role may see: the others are told so, and nothing of it is asked for. */
function guarded(page: PageEntry, needs: Permission) {
  const Page = lazyRouteComponent(page.load, 'Page') as ComponentType
  return function Guarded() {
    const refusal = refusalOfPermission(needs)
    if (refusal !== null) return <NotForRole title={page.title} refusal={refusal} />
    return <Page />
  }
}

/** Values of the query are texts, as they stand in the URL. */
const parseSearch = (text: string) => Object.fromEntries(new URLSearchParams(text))
function stringifySearch(search: Record<string, unknown>): string {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(search))
    if (value !== undefined && value !== '') params.set(name, String(value))
  return params.size === 0 ? '' : `?${params}`
}

export const router = createRouter({
  routeTree: root.addChildren([signInRoute, notYoursRoute, shellRoute.addChildren(PAGES.map(routeOf))]),
  basepath: PAGES_PATH,
  parseSearch,
  stringifySearch,
  defaultPreload: 'intent',
  context: { queryClient },
  scrollRestoration: false,
})
