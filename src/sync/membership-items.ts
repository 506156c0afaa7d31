// Writes what a plan does to memberships as items: one each where they are few, one per group where they are many.
import type { Transaction } from '../database/transaction.ts'
import { pathOf } from '../directory/group.ts'
import { eachMembershipSum, eachSingleMembership, type PlannedMembership } from '../registry/membership-plan.ts'
import { insertPlanItems } from '../registry/plans.ts'
import type { ItemDraft } from './item.ts'

/** Up to so many changes of a group are listed one by one; more are one item that refers to its rows. */
const LISTED_SINGLY = 20

export interface MembershipItemOptions {
  readonly runId: number
  readonly firstSeq: number
  readonly digest: (item: ItemDraft) => Buffer
  /** What to name as the cause of all of them; by default the rule that memberships follow Entra. */
  readonly cause?: Pick<ItemDraft, 'rule' | 'reason'>
}

/** Returns the next free number. */
export async function writeMembershipItems(tx: Transaction, options: MembershipItemOptions): Promise<number> {
  let seq = options.firstSeq
  const write = async (items: readonly ItemDraft[]) => {
    await insertPlanItems(
      tx,
      items.map((item) => {
        const caused = { ...item, ...options.cause }
        return { ...caused, digest: options.digest(caused) }
      }),
      { runId: options.runId, firstSeq: seq },
    )
    seq += items.length
  }
  for await (const rows of eachMembershipSum(tx, { runId: options.runId, moreThan: LISTED_SINGLY })) {
    await write(
      rows.map((row) => {
        const content = { ...localPath(row), rows: row.rows, digest: row.digest }
        return membershipItem(row.op, {
          groupId: row.groupId,
          userId: null,
          objectId: row.groupObjectId,
          name: row.groupName,
          content,
          isLocal: row.groupObjectId === null,
        })
      }),
    )
  }
  for await (const rows of eachSingleMembership(tx, { runId: options.runId, atMost: LISTED_SINGLY })) {
    await write(
      rows.map((row) => {
        const content = {
          group: row.groupName,
          groupObjectId: row.groupObjectId,
          ...localPath(row),
          user: row.userName,
        }
        return membershipItem(row.op, {
          groupId: row.groupId,
          userId: row.userId,
          objectId: row.userObjectId,
          name: row.userName,
          content,
          isLocal: row.groupObjectId === null,
        })
      }),
    )
  }
  return seq
}

/** Local groups are known by their paths. */
function localPath(row: Pick<PlannedMembership, 'groupName' | 'groupUnder'>): { readonly path?: string } {
  return row.groupUnder === null ? {} : { path: pathOf(row.groupUnder, row.groupName ?? '') }
}

interface MembershipItemParts {
  readonly groupId: number
  readonly userId: number | null
  readonly objectId: string | null
  readonly name: string | null
  readonly content: Readonly<Record<string, unknown>>
  /** Of a group from attributes. */
  readonly isLocal: boolean
}

function membershipItem(op: 'a' | 'r', parts: MembershipItemParts): ItemDraft {
  return {
    object: 'membership',
    action: op === 'a' ? 'add' : 'remove',
    userId: parts.userId,
    groupId: parts.groupId,
    objectId: parts.objectId,
    name: parts.name,
    old: op === 'r' ? parts.content : null,
    new: op === 'a' ? parts.content : null,
    names: null,
    rule: parts.isLocal ? 'groups.fromAttributes' : 'groups.membership',
    reason: parts.isLocal
      ? op === 'a'
        ? 'from-attributes'
        : 'not-from-attributes'
      : op === 'a'
        ? 'member-in-entra'
        : 'not-member-in-entra',
    sawVersion: null,
  }
}
