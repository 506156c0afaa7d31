// What other systems take from the registry, some rows at a time in constant memory. Cards are opened here; PINs never leave.
// Each generator needs an open transaction; in a repeatable read one it shows one moment, however long reading takes.
import { streamRows } from '../database/stream.ts'
import type { Transaction } from '../database/transaction.ts'
import type { Vault } from '../vault/keys.ts'

/** One user of `export users`. Ids are text: they are names of records, not numbers to reckon with. */
export interface ExportedUser {
  readonly id: string
  readonly userName: string
  readonly fullName: string | null
  readonly email: string | null
  readonly phone: string | null
  readonly language: string | null
  readonly department: string | null
  readonly personalNumber: string | null
  /** In the order of their code points. */
  readonly aliases: readonly string[]
  /** The oldest first. */
  readonly cards: readonly string[]
  /** Paths of the groups he is in, hidden ones left out, in the order of their code points. */
  readonly groups: readonly string[]
  readonly active: boolean
  /** Name of the source that owns him; null for a local or detached user. */
  readonly source: string | null
  readonly tenantId: string | null
  readonly objectId: string | null
}

/** What the print server's layout needs beside {@link ExportedUser}. */
export interface ExportedPrintUser extends ExportedUser {
  readonly storage: string | null
  /** The connection that he signs in through, where his source says so. */
  readonly authenticationServer: string | null
}

export interface ExportedGroup {
  readonly id: string
  readonly name: string
  readonly path: string
  readonly source: string | null
  readonly objectId: string | null
}

export interface ExportedMembership {
  readonly groupId: string
  readonly groupObjectId: string | null
  readonly userId: string
  readonly userObjectId: string | null
}

/** Enough rows that the round trip does not count, few enough that they need no memory to speak of. */
const BATCH = 1_000

/** As `pathOf` writes it; what a group lies under is stored that way already. */
export const PATH = `case g.under when '' then '' else g.under || '|' end || replace(case when strpos(g.name, '\\') > 0
  then regexp_replace(g.name, '\\\\+(?=\\||$)', '\\&\\&', 'g') else g.name end, '|', '\\|')`

/** All users by id, active or not. */
export async function* exportUsers(
  tx: Transaction,
  options: { readonly vault: Pick<Vault, 'open'>; readonly activeOnly?: boolean },
): AsyncGenerator<readonly ExportedPrintUser[], void, undefined> {
  type Row = Omit<ExportedPrintUser, 'cards'> & { readonly sealedCards: readonly Buffer[] }
  const batches = eachBatch<Row>(
    tx,
    `select u.id::text as id, u.user_name as "userName", u.full_name as "fullName", u.email, u.phone, u.language,
            u.department,
            case when u.active and u.personal_number_key is null then null else u.personal_number end as "personalNumber",
            array(select n.value from user_names n where n.user_id = u.id and n.kind = 'a' and (n.held or not u.active)
                   order by n.value collate "C") as aliases,
            array(select c.sealed from credentials c where c.user_id = u.id and c.kind = 'card' and (c.held or not u.active)
                   order by c.id) as "sealedCards",
            array(select distinct (${PATH}) collate "C" from memberships m join groups g on g.id = m.group_id
                   where m.user_id = u.id and not g.hidden order by 1) as groups,
            u.active, s.name as source, u.tenant_id as "tenantId", u.object_id as "objectId", u.storage,
            case when (s.settings #>> '{users,options,useAsAuthenticationServer}')::boolean
                 then c.name end as "authenticationServer"
       from users u
       left join sources s on s.id = u.source_id
       left join connections c on c.id = s.connection_id
      ${options.activeOnly === true ? 'where u.active' : ''}
      order by u.id`,
  )
  const { vault } = options
  for await (const rows of batches) {
    yield rows.map(({ sealedCards, ...user }) => ({
      ...user,
      cards: sealedCards.map((sealed) => vault.open(sealed, CARD_CONTEXT)),
    }))
  }
}

/** What card numbers are sealed for. */
export const CARD_CONTEXT = 'card'

/** All groups that are not hidden, by id. */
export function exportGroups(tx: Transaction): AsyncGenerator<readonly ExportedGroup[], void, undefined> {
  return eachBatch<ExportedGroup>(
    tx,
    `select g.id::text as id, g.name, ${PATH} as path, s.name as source, g.object_id as "objectId"
       from groups g left join sources s on s.id = g.source_id
      where not g.hidden order by g.id`,
  )
}

/** Memberships of active users in groups that are not hidden, each once whoever gives it, by group and user. */
export function exportMemberships(tx: Transaction): AsyncGenerator<readonly ExportedMembership[], void, undefined> {
  return eachBatch<ExportedMembership>(
    tx,
    `select m.group_id::text as "groupId", g.object_id as "groupObjectId",
            m.user_id::text as "userId", u.object_id as "userObjectId"
       from (select distinct group_id, user_id from memberships) m
       join groups g on g.id = m.group_id and not g.hidden
       join users u on u.id = m.user_id and u.active
      order by m.group_id, m.user_id`,
  )
}

function eachBatch<Row extends object>(tx: Transaction, sql: string): AsyncGenerator<readonly Row[], void, undefined> {
  return streamRows<Row>(tx.client, sql, { batch: BATCH })
}
