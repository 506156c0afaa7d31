// The installation: version, settings, exports.
import { Badge, MessageBar, MessageBarBody, MessageBarTitle } from '@fluentui/react-components'
import { queryOptions, useQuery } from '@tanstack/react-query'
import { API } from '../../../contract/api/api.ts'
import type { Answered } from '../../../contract/api/endpoint.ts'
import { call } from '../../api.ts'
import { Facts } from '../../components/facts.tsx'
import { type Column, ListTable } from '../../components/list-table.tsx'
import { Page, Section } from '../../components/page.tsx'
import { Empty, Failed, Loading } from '../../components/states.tsx'
import { Time } from '../../components/time.tsx'
import { formatNumber } from '../../format.ts'
import { accessTexts as texts } from '../../texts/access.ts'
import { Backup } from './backup.tsx'
import { Copied } from './copied.tsx'

type Settings = Answered<typeof API.getSettings>

export function Installation() {
  const { data, error, refetch } = useQuery({
    queryKey: ['settings'],
    queryFn: ({ signal }) => call(API.getSettings, {}, { signal }),
  })
  const keys = useQuery(keysQuery)
  // All at once: what comes later would push the rest down under one's hands.
  const isThere = data !== undefined && !keys.isPending
  return (
    <Page title={texts.installation} intro={texts.installationIntro}>
      {error === null ? null : <Failed error={error} retry={() => void refetch()} />}
      {isThere || error !== null ? null : <Loading />}
      <Copied />
      {isThere ? <About settings={data} /> : null}
      {isThere ? <Backup keyFile={keyFileOf(data)} /> : null}
      {isThere ? (
        <Section title={texts.settings}>
          <ListTable
            label={texts.settings}
            columns={COLUMNS}
            rows={data.settings}
            keyOf={(setting) => setting.env}
            empty={<Empty title={texts.settings} />}
          />
        </Section>
      ) : null}
    </Page>
  )
}

const keysQuery = queryOptions({
  queryKey: ['keys'],
  queryFn: ({ signal }) => call(API.getKeys, {}, { signal }),
})

function keyFileOf({ settings }: Settings): string {
  return settings.find(({ env }) => env === 'MUSTER_KEY_FILE')?.value ?? ''
}

function About({ settings }: { readonly settings: Settings }) {
  const { data } = useQuery(keysQuery)
  const older = data?.keys.filter((key) => key.state === 'opening').reduce((sum, key) => sum + key.count, 0)
  return (
    <>
      {settings.undelivered.map((line) => (
        <MessageBar key={`${line.sink} ${line.problem}`} intent="warning" layout="multiline">
          <MessageBarBody>
            <MessageBarTitle>{texts.undelivered}</MessageBarTitle>
            {texts.undeliveredLine(formatNumber(line.count), line.sink)}: {line.problem}
          </MessageBarBody>
        </MessageBar>
      ))}
      <Facts
        label={texts.installation}
        facts={[
          { name: texts.version, value: settings.version },
          { name: texts.database, value: settings.database },
          { name: texts.keyVersion, value: formatNumber(settings.keyVersion) },
          ...(older === undefined ? [] : [{ name: texts.olderVersions, value: formatNumber(older) }]),
          { name: texts.startedAt, value: <Time at={settings.startedAt} /> },
        ]}
      />
    </>
  )
}

const COLUMNS: readonly Column<Settings['settings'][number]>[] = [
  { id: 'env', header: texts.setting, grow: 2, cell: (setting) => <code>{setting.env}</code> },
  {
    id: 'value',
    header: texts.value,
    grow: 2,
    always: true,
    cell: (setting) => (
      <>
        {setting.value === '' ? texts.notSet : setting.value}{' '}
        {setting.isDefault ? <Badge appearance="outline">{texts.isDefault}</Badge> : null}
      </>
    ),
  },
  { id: 'description', header: texts.details, grow: 3, cell: (setting) => <Described text={setting.description} /> },
]

/** What stands between backticks is code. */
function Described({ text }: { readonly text: string }) {
  return text.split('`').map((part, place) => (place % 2 === 1 ? <code key={place}>{part}</code> : part))
}
