// Synchronization Results: what was asked for, live, and what became of it. The jobs are in the address, so that it can be looked
// at again and by others.
import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import { LinkButton } from '../../components/link-button.tsx'
import { Page } from '../../components/page.tsx'
import { Empty } from '../../components/states.tsx'
import { resultsTexts as texts } from '../../texts/results.ts'
import { JobResult } from './job-result.tsx'
import { createRunWatcher, RunWatcherContext } from './run-watcher.ts'

const route = getRouteApi('/inside/settings/user-synchronization/results')

export function Results() {
  const { jobs = '' } = route.useSearch()
  const [watcher] = useState(createRunWatcher)
  const ids = jobs.split(',').filter((id) => id !== '')
  return (
    <Page title={texts.title}>
      {ids.length === 0 ? (
        <Empty title={texts.none} text={texts.noneText}>
          <LinkButton to="/settings/user-synchronization" appearance="primary">
            {texts.toSources}
          </LinkButton>
        </Empty>
      ) : (
        <RunWatcherContext value={watcher}>
          {ids.map((id) => (
            <JobResult key={id} id={id} />
          ))}
        </RunWatcherContext>
      )}
    </Page>
  )
}
