// Pages that are shown instead of one: that crashed, that there is not, that is on its way.
import { Button } from '@fluentui/react-components'
import { useRouter } from '@tanstack/react-router'
import type { Role } from '../../contract/api/endpoint.ts'
import { ApiError, isReachable } from '../api.ts'
import { LinkButton } from '../components/link-button.tsx'
import { Page } from '../components/page.tsx'
import { Empty, Failed, Missing } from '../components/states.tsx'
import { shell } from '../texts/shell.ts'

export function Crashed({ error }: { readonly error: unknown }) {
  const router = useRouter()
  if (error instanceof ApiError) {
    return (
      <Page title={shell.failed}>
        <Failed error={error} retry={() => void (error.status === 0 ? reloadWhenReachable() : router.invalidate())} />
      </Page>
    )
  }
  return (
    <Page title={shell.failed}>
      <Empty title={shell.crashed} text={shell.crashedRemedy}>
        <Button appearance="primary" onClick={() => location.reload()}>
          {shell.reload}
        </Button>
      </Empty>
    </Page>
  )
}

/** A browser may keep a part that it could not load as failed. Loaded anew without a server, there would be no page at all. */
async function reloadWhenReachable(): Promise<void> {
  if (await isReachable()) location.reload()
}

export function NotForYou({ role }: { readonly role: Role }) {
  return (
    <Page title={shell.notForYou}>
      <Empty title={shell.yourRole(shell.roles[role])} text={shell.notForYouRemedy}>
        <LinkButton to="/" appearance="primary">
          {shell.toOverview}
        </LinkButton>
      </Empty>
    </Page>
  )
}

export function NotFound() {
  return (
    <Page title={shell.notFoundTitle}>
      <Missing />
    </Page>
  )
}
