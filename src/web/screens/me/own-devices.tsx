// The terminals at which one was identified lately.
import { queryOptions, useQuery } from '@tanstack/react-query'
import { API } from '../../../contract/api/api.ts'
import type { OwnDevice } from '../../../contract/api/sign-in.ts'
import { call } from '../../api.ts'
import { type Column, ListTable } from '../../components/list-table.tsx'
import { Empty, Failed } from '../../components/states.tsx'
import { RelativeTime } from '../../components/time.tsx'
import { meTexts as texts } from '../../texts/me.ts'

export const devicesQuery = queryOptions({
  queryKey: ['me', 'devices'],
  queryFn: ({ signal }) => call(API.listOwnDevices, {}, { signal }),
})

export function OwnDevices() {
  const { data, error, refetch } = useQuery(devicesQuery)
  if (error !== null) return <Failed error={error} retry={() => void refetch()} />
  return (
    <ListTable
      label={texts.devices}
      columns={COLUMNS}
      rows={data?.items}
      // A terminal may have the name of one that was revoked.
      keyOf={({ terminal, way, lastAt }) => `${terminal} ${way} ${lastAt}`}
      empty={<Empty title={texts.noDevices} text={texts.noDevicesText} />}
    />
  )
}

const COLUMNS: readonly Column<OwnDevice>[] = [
  { id: 'terminal', header: texts.device, grow: 2, always: true, cell: ({ terminal }) => terminal },
  { id: 'way', header: texts.how, grow: 1.5, always: true, cell: ({ way }) => texts.ways[way] },
  { id: 'times', header: texts.times, cell: ({ times }) => times },
  { id: 'last', header: texts.last, always: true, cell: ({ lastAt }) => <RelativeTime at={lastAt} /> },
]
