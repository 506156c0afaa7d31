// Addresses of the web and what they show. A screen is loaded when somebody goes there; what an address carries after the question
// mark is the screen's state (filters, what is open), so that a link shows the same to somebody else. Only what may be a card stands
// elsewhere: see screens/users/searching.ts.
import type { QueryClient } from '@tanstack/react-query'
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router'
import { z } from 'zod'
import { PLAN_ACTIONS } from '../contract/plan-items.ts'
import { ISSUE_CODES, OUTCOMES } from '../contract/runs.ts'
import { Loading } from './components/states.tsx'
import { reached } from './reached.ts'
import { sessionQuery, setupQuery, signInOptionsQuery } from './session.ts'
import { Crashed, NotFound } from './shell/fallbacks.tsx'
import { Frame } from './shell/frame.tsx'

interface RouteContext {
  readonly queries: QueryClient
}

/** Text that somebody may have mistyped in an address: what does not fit counts as left out. */
const text = z.string().max(300).optional().catch(undefined)

const root = createRootRouteWithContext<RouteContext>()({ component: Outlet })

/** A page that comes when somebody goes there, and whose coming may fail. */
const page: typeof lazyRouteComponent = (load, name) => lazyRouteComponent(reached(load), name)

const setUp = createRoute({
  getParentRoute: () => root,
  path: '/setup',
  // As with signing in, shown at once.
  loader: ({ context }) => context.queries.prefetchQuery({ ...setupQuery, retry: false }),
  component: page(() => import('./screens/sign-in/set-up.tsx'), 'SetUp'),
})

const signInByLink = createRoute({
  getParentRoute: () => root,
  path: '/link',
  component: page(() => import('./screens/sign-in/sign-in-by-link.tsx'), 'SignInByLink'),
})

/** For whoever administers a tenant, and need not be anybody here. */
const consent = createRoute({
  getParentRoute: () => root,
  path: '/consent',
  component: page(() => import('./screens/sign-in/consent.tsx'), 'Consent'),
})

/** For devices: nobody signs in there, and nothing of the pages for people is shown. */
const terminal = createRoute({
  getParentRoute: () => root,
  path: '/terminal',
  component: page(() => import('./screens/terminal/terminal.tsx'), 'TerminalPage'),
})

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  validateSearch: z.object({
    to: text,
    /** The session of the page that one comes from has ended. */
    ended: z.literal(true).optional().catch(undefined),
    /** Signing out at Microsoft too was asked for, and nobody knew where. */
    signedOut: z.literal('here').optional().catch(undefined),
  }),
  beforeLoad: async ({ context }) => {
    const session = await context.queries.ensureQueryData(sessionQuery)
    if (session !== null) throw redirect({ to: '/' })
    if (await context.queries.fetchQuery(setupQuery)) throw redirect({ to: '/setup' })
  },
  // Shown at once or not at all: what comes while somebody types would take the place, and the focus, of what he is about to press. Where
  // it cannot be told, local accounts sign in all the same.
  loader: ({ context }) => context.queries.prefetchQuery({ ...signInOptionsQuery, retry: false }),
  component: page(() => import('./screens/sign-in/sign-in.tsx'), 'SignIn'),
})

/** Everything but those above: for who is signed in. */
const inside = createRoute({
  getParentRoute: () => root,
  id: 'inside',
  beforeLoad: async ({ context, location }) => {
    const session = await context.queries.ensureQueryData(sessionQuery)
    if (session === null) throw redirect({ to: '/sign-in', search: { to: location.href } })
    // Whoever has no role has one page.
    if (session.account.role === null && location.pathname !== '/me') throw redirect({ to: '/me' })
  },
  component: Frame,
})

const me = createRoute({
  getParentRoute: () => inside,
  path: '/me',
  beforeLoad: async ({ context }) => {
    const session = await context.queries.ensureQueryData(sessionQuery)
    if (session?.account.kind !== 'person') throw redirect({ to: '/account' })
  },
  component: page(() => import('./screens/me/me.tsx'), 'Me'),
})

const overview = createRoute({
  getParentRoute: () => inside,
  path: '/',
  component: page(() => import('./screens/overview/overview.tsx'), 'Overview'),
})

const issues = createRoute({
  getParentRoute: () => inside,
  path: '/issues',
  validateSearch: z.object({ source: text, code: z.enum(ISSUE_CODES).optional().catch(undefined) }),
  component: page(() => import('./screens/issues/issues.tsx'), 'Issues'),
})

const runs = createRoute({
  getParentRoute: () => inside,
  path: '/runs',
  validateSearch: z.object({
    source: text,
    outcome: z
      .enum([...OUTCOMES, 'running'])
      .optional()
      .catch(undefined),
  }),
  component: page(() => import('./screens/runs/runs.tsx'), 'Runs'),
})

const run = createRoute({
  getParentRoute: () => inside,
  path: '/runs/$run',
  // Another of the same kind is another page: it begins at its heading, with nothing left over. So with users and groups.
  remountDeps: ({ params }) => params,
  validateSearch: z.object({
    search: text,
    object: z.enum(['user', 'group', 'membership', 'credential']).optional().catch(undefined),
    action: z.enum(PLAN_ACTIONS).optional().catch(undefined),
  }),
  component: page(() => import('./screens/runs/run.tsx'), 'Run'),
})

const users = createRoute({
  getParentRoute: () => inside,
  path: '/users',
  validateSearch: z.object({
    /** Of a link; the page takes it out of the address. */
    search: text,
    status: z.enum(['active', 'deactivated', 'all']).optional().catch(undefined),
    source: text,
    local: z.literal(true).optional().catch(undefined),
  }),
  component: page(() => import('./screens/users/users.tsx'), 'Users'),
})

const user = createRoute({
  getParentRoute: () => inside,
  path: '/users/$user',
  remountDeps: ({ params }) => params,
  component: page(() => import('./screens/users/user.tsx'), 'User'),
})

const why = createRoute({
  getParentRoute: () => inside,
  path: '/why',
  validateSearch: z.object({ user: text }),
  component: page(() => import('./screens/why/why.tsx'), 'Why'),
})

const groups = createRoute({
  getParentRoute: () => inside,
  path: '/groups',
  validateSearch: z.object({ under: z.string().max(2000).optional().catch(undefined), search: text }),
  component: page(() => import('./screens/groups/groups.tsx'), 'Groups'),
})

const group = createRoute({
  getParentRoute: () => inside,
  path: '/groups/$group',
  remountDeps: ({ params }) => params,
  validateSearch: z.object({ search: text }),
  component: page(() => import('./screens/groups/group.tsx'), 'Group'),
})

const administrators = createRoute({
  getParentRoute: () => inside,
  path: '/settings/administrators',
  component: page(() => import('./screens/access/administrators.tsx'), 'Administrators'),
})

const tokens = createRoute({
  getParentRoute: () => inside,
  path: '/settings/tokens',
  component: page(() => import('./screens/access/tokens.tsx'), 'Tokens'),
})

const terminals = createRoute({
  getParentRoute: () => inside,
  path: '/settings/terminals',
  component: page(() => import('./screens/access/terminals.tsx'), 'Terminals'),
})

const audit = createRoute({
  getParentRoute: () => inside,
  path: '/settings/audit',
  validateSearch: z.object({ action: text, actor: text }),
  component: page(() => import('./screens/access/audit.tsx'), 'Audit'),
})

const signInSettings = createRoute({
  getParentRoute: () => inside,
  path: '/settings/sign-in',
  component: page(() => import('./screens/access/sign-in-settings.tsx'), 'SignInSettings'),
})

const installation = createRoute({
  getParentRoute: () => inside,
  path: '/settings/installation',
  component: page(() => import('./screens/installation/installation.tsx'), 'Installation'),
})

/** Within the frame, so that one can go elsewhere. */
const nowhere = createRoute({ getParentRoute: () => inside, path: '$', component: NotFound })

const account = createRoute({
  getParentRoute: () => inside,
  path: '/account',
  component: page(() => import('./screens/access/account.tsx'), 'OwnAccount'),
})

const sources = createRoute({
  getParentRoute: () => inside,
  path: '/settings/user-synchronization',
  // Names of sources stand in the search: they may have dots and slashes.
  validateSearch: z.object({
    /** The panel of a new source. */
    add: z.literal('entra').optional().catch(undefined),
    /** The panel of this source. */
    source: text,
    /** A source that was made just now: what comes next is said. */
    saved: text,
  }),
  component: page(() => import('./screens/sources/sources.tsx'), 'Sources'),
})

const results = createRoute({
  getParentRoute: () => inside,
  path: '/settings/user-synchronization/results',
  validateSearch: z.object({
    /** Ids, 37 characters each; the server takes addresses of 16 kB. */
    jobs: z.string().max(12_000).optional().catch(undefined),
  }),
  component: page(() => import('./screens/results/results.tsx'), 'Results'),
})

const connections = createRoute({
  getParentRoute: () => inside,
  path: '/settings/connections',
  validateSearch: z.object({ add: z.literal('connection').optional().catch(undefined), connection: text }),
  component: page(() => import('./screens/connections/connections.tsx'), 'Connections'),
})

export function createWeb(queries: QueryClient) {
  return createRouter({
    routeTree: root.addChildren([
      setUp,
      terminal,
      signIn,
      signInByLink,
      consent,
      inside.addChildren([
        me,
        overview,
        issues,
        runs,
        run,
        users,
        user,
        why,
        groups,
        group,
        sources,
        results,
        connections,
        administrators,
        tokens,
        terminals,
        audit,
        signInSettings,
        installation,
        account,
        nowhere,
      ]),
    ]),
    context: { queries },
    defaultPreload: 'intent',
    // Data is kept by TanStack Query; the router keeps none.
    defaultPreloadStaleTime: 0,
    defaultPendingComponent: () => <Loading />,
    defaultErrorComponent: Crashed,
    defaultNotFoundComponent: NotFound,
    scrollRestoration: true,
    scrollToTopSelectors: ['#content'],
  })
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createWeb>
  }
}
