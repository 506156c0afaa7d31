// I11: nothing of people whom no source of this tenant owns is touched by its runs, not even the time of the last change. Only an
// old user name that was kept for somebody of another source goes to who wants it now (decision 0025).

interface Row {
  readonly table: string
  readonly line: string
  readonly user: number | undefined
  readonly tenantId: unknown
  readonly columns: Columns
}

interface Columns {
  readonly id?: number
  readonly user_id?: number
  readonly tenant_id?: unknown
  readonly source_id?: number | null
  readonly protected?: boolean
  readonly administrator?: boolean
  readonly kind?: string
  readonly origin?: string
  readonly held?: boolean
  readonly key?: string
}

/**
 * @param dumps the registry before and after a run that was applied
 * @returns lines of local people, and of those of other tenants, that are not as they were; whoever was adopted is not among them
 */
export function touchedBystanders(
  dumps: { readonly before: string; readonly after: string },
  tenantId: string,
): readonly string[] {
  const [before, after] = [rowsOf(dumps.before), rowsOf(dumps.after)]
  const ours = new Set(
    [...before, ...after].flatMap((row) => (row.table === 'users' && row.tenantId === tenantId ? [row.user] : [])),
  )
  const taken = new Set(
    after.flatMap(({ table, user, columns: { key, held } }) =>
      table === 'user_names' && user !== undefined && ours.has(user) && held === true ? [key] : [],
    ),
  )
  const belongs = new Set(
    before.flatMap(({ table, user, columns }) =>
      table === 'users' &&
      typeof columns.source_id === 'number' &&
      columns.protected !== true &&
      columns.administrator !== true
        ? [user]
        : [],
    ),
  )
  const yields = ({ table, user, columns }: Row) =>
    table === 'user_names' &&
    columns.kind === 'a' &&
    columns.origin === 'k' &&
    columns.held === true &&
    taken.has(columns.key) &&
    belongs.has(user)
  const yielders = new Set(before.flatMap((row) => (yields(row) ? [row.user] : [])))
  const others = (rows: readonly Row[]) =>
    new Set(
      rows.flatMap((row) => {
        if (row.user === undefined || ours.has(row.user) || yields(row)) return []
        const isYielder = row.table === 'users' && yielders.has(row.user)
        return [isYielder ? JSON.stringify({ ...row.columns, version: 0, updated_at: '' }) : row.line]
      }),
    )
  const [old, now] = [others(before), others(after)]
  const lost = [...old].filter((line) => !now.has(line)).map((line) => `- ${line}`)
  return [...lost, ...[...now].filter((line) => !old.has(line)).map((line) => `+ ${line}`)]
}

function rowsOf(dump: string): readonly Row[] {
  return dump.split('\n').flatMap((line): Row[] => {
    const space = line.indexOf(' ')
    if (space < 0) return []
    const table = line.slice(0, space)
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- rows of our own tables
    const row = JSON.parse(line.slice(space + 1)) as Columns
    const user = table === 'users' ? row.id : row.user_id
    return [{ table, line, user, tenantId: row.tenant_id, columns: row }]
  })
}
