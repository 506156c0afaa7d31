// Why somebody is as he is: the whole explanation, for whoever is asked about.
import {
  Badge,
  Button,
  Field,
  Input,
  makeStyles,
  MessageBar,
  MessageBarBody,
  Text,
  tokens,
} from '@fluentui/react-components'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import { API } from '../../../contract/api/api.ts'
import type { ExplainedPerson, ExplainedRegistry, ExplainedSource, Explanation } from '../../../contract/explanation.ts'
import { call } from '../../api.ts'
import { Breakable } from '../../components/breakable.tsx'
import { type Column, ListTable } from '../../components/list-table.tsx'
import { Page, Section } from '../../components/page.tsx'
import { RouterLink } from '../../components/router-link.tsx'
import { RunLink } from '../../components/run-link.tsx'
import { Empty, Failed, Loading } from '../../components/states.tsx'
import { RelativeTime } from '../../components/time.tsx'
import { changeTexts } from '../../texts/changes.ts'
import { reasonInWords } from '../../texts/reasons.ts'
import { runsTexts } from '../../texts/runs.ts'
import { whyTexts as texts } from '../../texts/users.ts'
import { WhySource } from './why-source.tsx'
import { changeInWords, OldAndNew } from '../../components/values.tsx'

const route = getRouteApi('/inside/why')

const useStyles = makeStyles({
  ask: { display: 'flex', flexWrap: 'wrap', gap: '12px', alignItems: 'start' },
  // Beside the input, below the line of its label.
  submit: { '@media (min-width: 641px)': { marginTop: '24px' } },
  field: { minWidth: '280px', flexGrow: 1, maxWidth: '480px' },
  list: { listStyleType: 'none', margin: 0, padding: 0, display: 'flex', flexDirection: 'column', gap: '8px' },
  sub: { color: tokens.colorNeutralForeground2 },
})

export function Why() {
  const { user } = route.useSearch()
  const asked = user?.trim() ?? ''
  const { data, error, refetch } = useQuery({
    queryKey: ['why', asked],
    queryFn: ({ signal }) => call(API.explainUser, { query: { user: asked } }, { signal }),
    enabled: asked !== '',
  })
  return (
    <Page title={asked === '' ? texts.title : texts.titleOf(data?.registry?.userName ?? asked)} intro={texts.intro}>
      <Ask asked={asked} />
      {error === null ? null : <Failed error={error} retry={() => void refetch()} />}
      {asked !== '' && data === undefined && error === null ? <Loading /> : null}
      {data === undefined ? null : <Answer explanation={data} />}
    </Page>
  )
}

function Ask({ asked }: { readonly asked: string }) {
  const styles = useStyles()
  const navigate = route.useNavigate()
  const [text, setText] = useState(asked)
  return (
    <form
      role="search"
      className={styles.ask}
      onSubmit={(event) => {
        event.preventDefault()
        if (text.trim() !== '') void navigate({ search: { user: text.trim() } })
      }}
    >
      <Field label={texts.ask} hint={texts.askHint} className={styles.field}>
        <Input value={text} maxLength={300} onChange={(_event, { value }) => setText(value)} />
      </Field>
      <Button type="submit" appearance="primary" className={styles.submit}>
        {texts.title}
      </Button>
    </form>
  )
}

function Answer({ explanation }: { readonly explanation: Explanation }) {
  const { others, othersTotal } = explanation
  return (
    <>
      {othersTotal === 0 ? null : (
        <MessageBar intent="info">
          <MessageBarBody>{texts.others(othersTotal, others.length)}</MessageBarBody>
        </MessageBar>
      )}
      <Person person={explanation} />
      {others.map((person) => (
        <Section
          key={person.objectId ?? person.registry?.id ?? ''}
          title={texts.alsoCalled(explanation.asked, person.registry?.userName)}
        >
          <Person person={person} />
        </Section>
      ))}
    </>
  )
}

function Person({ person }: { readonly person: ExplainedPerson }) {
  const { registry, sources } = person
  return (
    <>
      {registry === null ? (
        <MessageBar intent="info">
          <MessageBarBody>{texts.notKnown}</MessageBarBody>
        </MessageBar>
      ) : (
        <Text>
          <RouterLink to="/users/$user" params={{ user: registry.id }}>
            {registry.userName}
          </RouterLink>
          {': '}
          {registry.sentence} {registry.signIn.sentence}
        </Text>
      )}
      {sources.map((source: ExplainedSource) => (
        <WhySource key={source.source} source={source} />
      ))}
      {registry === null ? null : <Registry registry={registry} />}
      <History person={person} />
    </>
  )
}

function Registry({ registry }: { readonly registry: ExplainedRegistry }) {
  const styles = useStyles()
  return (
    <>
      <Section title={texts.fields}>
        <ListTable
          label={texts.fields}
          columns={FIELD_COLUMNS}
          rows={registry.fields}
          keyOf={({ field }) => field}
          isCompact
          empty={<Empty title={changeTexts.empty} />}
        />
      </Section>
      <Section title={texts.values}>
        <ul className={styles.list}>
          {registry.values.map(({ kind, value, sentence }) => (
            <li key={`${kind} ${value} ${sentence}`}>
              <Badge appearance="outline">{changeTexts.fieldName(kind)}</Badge> <b>{value}</b> {sentence}
            </li>
          ))}
        </ul>
      </Section>
      <Section title={texts.groups}>
        <ul className={styles.list}>
          {registry.groups.map(({ path, sentence, givenBy }) => (
            <li key={path}>
              <b>{path}</b>
              <Text block>{sentence}</Text>
              {givenBy
                .filter(({ chain }) => chain.length > 1)
                .map(({ source, chain }) => (
                  <Text block key={`${source ?? ''} ${chain.join()}`} className={styles.sub}>
                    {chain.join(' → ')}
                  </Text>
                ))}
            </li>
          ))}
        </ul>
      </Section>
    </>
  )
}

const FIELD_COLUMNS: readonly Column<ExplainedRegistry['fields'][number]>[] = [
  { id: 'field', header: texts.field, cell: ({ field }) => changeTexts.fieldName(field) },
  {
    id: 'value',
    header: texts.value,
    grow: 1.5,
    always: true,
    cell: ({ value }) => <Breakable text={value ?? changeTexts.empty} />,
  },
  { id: 'sentence', header: texts.explanation, grow: 3, below: 'value', cell: ({ sentence }) => sentence },
]

function History({ person: { history } }: { readonly person: ExplainedPerson }) {
  const styles = useStyles()
  if (history.length === 0) return null
  return (
    <Section title={texts.history}>
      <ul className={styles.list}>
        {history.map((change, place) => (
          // Changes of one run have no name of their own, and the list never changes while it is shown.
          <li key={place}>
            <RunLink run={change.run}>{runsTexts.title(change.run)}</RunLink> · <RelativeTime at={change.at} /> ·{' '}
            {changeInWords(change)} · {reasonInWords(change)}
            {change.decidedBy === null ? null : ` · ${change.decidedBy}: ${change.decidedReason ?? ''}`}
            <OldAndNew old={change.old} new={change.new} />
          </li>
        ))}
      </ul>
    </Section>
  )
}
