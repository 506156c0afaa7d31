// Writes what a plan does to memberships as items: one each where they are few, one per group where they are many.
import type { Transaction } from '../database/transaction.ts'
import { pathOf } from '../directory/group.ts'
import {
  eachMembershipSum,
  eachSingleMembership,
  type MembershipCause,
  type PlannedMembership,
} from '../registry/membership-plan.ts'
import { insertPlanItems } from '../registry/plans.ts'
import type { ItemDraft } from './item.ts'

/** Up to so many changes of a group are listed one by one; more are one item that refers to its rows. */
const LISTED_SINGLY = 20

export interface MembershipItemOptions {
  readonly runId: number
  readonly firstSeq: number
  readonly digest: (item: ItemDraft) => Buffer
  /** Whether members of nested groups count: then nobody is left out for being no direct member. */
  readonly transitive: boolean
  /** What to name as the cause of all of them; by default why the source gives each, or gives it no more. */
  readonly cause?: Why
}

type Why = Pick<ItemDraft, 'rule' | 'reason'>

/** Returns the next free number. */
export async function writeMembershipItems(tx: Transaction, options: MembershipItemOptions): Promise<number> {
  const { transitive } = options
  let seq = options.firstSeq
  const write = async (items: readonly ItemDraft[]) => {
    await insertPlanItems(
      tx,
      items.map((item) => {
        const caused = { ...item, ...options.cause }
        return { ...caused, digest: options.digest({ ...caused, ...(options.cause ?? hashedAs(item)) }) }
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
          why: whyOf(row, {
            transitive,
            unwanted: row.unwanted === 0 ? 'none' : row.unwanted === row.rows ? 'all' : 'some',
          }),
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
          why: whyOf(row, { transitive, unwanted: row.isUnwanted ? 'all' : 'none' }),
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
  readonly why: Why
}

interface Circumstances {
  readonly transitive: boolean
  /** Which of those concerned the source does not want any more. */
  readonly unwanted: 'none' | 'some' | 'all'
}

/** Says no more than is known: a membership may end while Entra still has it, because settings drop the group or the person. */
function whyOf(
  row: MembershipCause & Pick<PlannedMembership, 'op' | 'groupObjectId'>,
  { transitive, unwanted }: Circumstances,
): Why {
  if (row.groupObjectId === null)
    return { rule: 'groups.fromAttributes', reason: row.op === 'a' ? 'from-attributes' : 'not-from-attributes' }
  if (row.op === 'a') return { rule: MEMBERSHIP, reason: 'member-in-entra' }
  if (!row.groupWanted) {
    const rule = row.groupRule ?? 'groups'
    if (row.groupReason === 'gone') return { rule, reason: 'group-gone' }
    return { rule, reason: 'group-not-imported' }
  }
  switch (unwanted) {
    case 'all':
      return { rule: MEMBERSHIP, reason: 'user-not-wanted' }
    case 'some':
      return { rule: MEMBERSHIP, reason: 'not-given' }
    case 'none':
      return { rule: MEMBERSHIP, reason: transitive ? 'not-member-in-entra' : 'not-direct-member-in-entra' }
  }
}

const MEMBERSHIP = 'groups.membership'

/**
 * Why a membership ends is told, and is no part of what ends: the plan is the same where only that changes, because one of many leaves
 * scope or a later version knows it better. What waits for its approval goes on waiting then, and nobody is alerted anew.
 */
function hashedAs({ action, rule, reason }: ItemDraft): Why {
  if (action !== 'remove' || reason === 'not-from-attributes') return { rule, reason }
  return { rule: MEMBERSHIP, reason: 'not-member-in-entra' }
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
    ...parts.why,
    sawVersion: null,
  }
}
