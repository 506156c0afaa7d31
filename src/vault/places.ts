// Where sealed values are kept. Whoever seals something new adds its place here; a test compares the list with the schema.

/** A column, or a part of one, that holds sealed values. SQL throughout; `t` is the table. */
export interface SealedPlace {
  /** What is sealed there, for people. */
  readonly name: string
  readonly table: string
  /** What `t` and one sealed value of it are read from. */
  readonly from: string
  /** Condition that leaves out what is not sealed. */
  readonly where: string
  /** Columns of `t` that name a row, in the order of its index; integers, but for a table of one row. */
  readonly key: readonly [string] | readonly [string, string]
  /** The sealed value, as bytea. */
  readonly sealed: string
  /** What it is sealed for. */
  readonly context: string
  /** Which of the values of a row it is, as an integer. */
  readonly at: string
  /** What `update` sets, with `n.new` and `n.at`. Of several values of a row one is set; the next pass sets the next one. */
  readonly set: string
  /** Copies that must stay byte for byte the same. */
  readonly copies?: {
    /** Makes them so again. `n` has the key as `k1`, `k2`, and `old`, `new`. */
    readonly update: string
    /** Of the keys `$1` those that have one, as `k1`; `c` is the copy. */
    readonly find: string
  }
}

/** What the key of look-ups is sealed for. */
export const LOOK_UP_KEY_CONTEXT = 'look-up key'

const column = (place: Pick<SealedPlace, 'name' | 'table' | 'key' | 'context'>): SealedPlace => ({
  ...place,
  from: `${place.table} t`,
  where: 't.sealed is not null',
  sealed: 't.sealed',
  at: '0',
  set: 'sealed = n.new',
})

/** In the order in which they are sealed anew. Copies stand before what is made of them: a plan that is applied meanwhile is met again as a card. */
export const SEALED_PLACES: readonly SealedPlace[] = [
  {
    name: 'cards in plans and history',
    table: 'plan_items',
    from: 'plan_items t',
    where: `t.object = 'credential' and t.new ? 'sealed'`,
    key: ['run_id', 'seq'],
    sealed: `decode(t.new ->> 'sealed', 'base64')`,
    context: `'card'`,
    at: '0',
    set: `new = jsonb_set(t.new, '{sealed}', to_jsonb(translate(encode(n.new, 'base64'), E'\\n', '')))`,
  },
  {
    name: 'cards that runs overwrote',
    table: 'undo_users',
    from: `undo_users t, jsonb_array_elements(t.before -> 'credentials') with ordinality e (value, at)`,
    where: `t.before ? 'credentials' and e.value ->> 'sealed' is not null`,
    key: ['run_id', 'user_id'],
    sealed: `(e.value ->> 'sealed')::bytea`,
    context: `'card'`,
    at: 'e.at - 1',
    set: `before = jsonb_set(t.before, array['credentials', n.at::text, 'sealed'], to_jsonb(n.new::text))`,
  },
  {
    ...column({
      name: 'attributes that feed cards and PINs',
      table: 'mirror_objects',
      key: ['key'],
      context: `'mirror:' || t.source_id || ':' || t.object_id`,
    }),
    // A full compare tells by the bytes whether something changed.
    copies: {
      update: `update mirror_staged_objects s set sealed = n.new from n join mirror_objects m on m.key = n.k1
               where s.source_id = m.source_id and s.key = m.key and s.sealed = n.old`,
      find: `select m.key as k1 from mirror_objects m join mirror_staged_objects c on c.source_id = m.source_id and c.key = m.key
             where m.key = any ($1::bigint[])`,
    },
  },
  column({
    name: 'attributes of a compare that goes on',
    table: 'mirror_staged_objects',
    key: ['source_id', 'key'],
    context: `'mirror:' || t.source_id || ':' || t.object_id`,
  }),
  column({ name: 'cards', table: 'credentials', key: ['id'], context: `'card'` }),
  column({
    name: 'secrets and certificates of connections',
    table: 'connection_credentials',
    key: ['id'],
    context: `'connection:' || t.connection_id || ':' || t.kind`,
  }),
  column({
    name: 'second factors of accounts',
    table: 'second_factors',
    key: ['administrator_id'],
    context: `'second factor:' || t.administrator_id`,
  }),
  column({ name: 'the key of look-ups', table: 'look_up_key', key: ['single'], context: `'${LOOK_UP_KEY_CONTEXT}'` }),
]

/** A column of values that are sealed for some minutes only. */
export interface FleetingPlace {
  /** What is sealed there, for people. */
  readonly name: string
  readonly table: string
  readonly column: string
}

/**
 * Not sealed anew: they end by themselves (`expires_at`), sooner than it would be worth the trouble. A version of the key is kept for
 * as long as one of them stands under it.
 */
export const FLEETING_PLACES: readonly FleetingPlace[] = [
  { name: 'sign-ins with Microsoft under way', table: 'signin_flows', column: 'verifier' },
  { name: 'device codes of terminals', table: 'terminal_device_codes', column: 'device_code' },
]
