// Starts the web in the browser.
// oxlint-disable-next-line import/no-unassigned-import -- it does something, and exports nothing
import './strict.ts'
import { createDOMRenderer, FluentProvider, makeStaticStyles, RendererProvider } from '@fluentui/react-components'
import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { ApiError } from './api.ts'
import { watchInput } from './attended.ts'
import { leaveWhenEnded } from './ended.ts'
import { keepFocus } from './focus.ts'
import { createQueries } from './queries.ts'
import { createWeb } from './routes.tsx'
import { AppearanceProvider } from './theme.tsx'
import { ToastProvider } from './components/toasts.tsx'

const root = document.querySelector('#root')
if (root === null) throw new Error('index.html has no element #root')

// The policy of the server takes style elements with this request's nonce only. Vite writes the element (html.cspNonce).
const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? ''
const renderer = createDOMRenderer(document, { styleElementAttributes: { nonce } })
const queries = createQueries()
const router = createWeb(queries)

const useReset = makeStaticStyles({ body: { margin: 0 }, 'h1, h2, h3': { margin: 0 } })

function Reset() {
  useReset()
  return null
}

keepFocus()
leaveWhenEnded({ queries, router })
watchInput()

createRoot(root, {
  // What the server refused, or that it did not answer, the page says itself.
  onCaughtError(error) {
    if (!(error instanceof ApiError)) console.error(error)
  },
}).render(
  <StrictMode>
    <RendererProvider renderer={renderer} targetDocument={document}>
      <AppearanceProvider>
        {(theme) => (
          <FluentProvider theme={theme}>
            <Reset />
            <QueryClientProvider client={queries}>
              <ToastProvider>
                <RouterProvider router={router} />
              </ToastProvider>
            </QueryClientProvider>
          </FluentProvider>
        )}
      </AppearanceProvider>
    </RendererProvider>
  </StrictMode>,
)
