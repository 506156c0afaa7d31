// The tables as Kysely knows them. Generated from the migrations by `npm run generate`.
import type { ColumnType, Generated, GeneratedAlways } from 'kysely'

/** `Generated`: may be left out when inserting. `ColumnType`: what reading gives, what inserting and updating take. */
export interface Tables {
  absences: {
    source_id: number
    user_id: number
    since: Date
  }
  administrators: {
    id: GeneratedAlways<number>
    name: string
    name_key: string
    role: string
    enabled: Generated<boolean>
    password: string
    created_at: Date
    last_sign_in_at: Date | null
  }
  alert_deliveries: {
    alert_id: number
    sink: string
    state: Generated<string>
    tries: Generated<number>
    next_try_at: Date
    problem: string | null
    delivered_at: Date | null
  }
  alerts: {
    id: GeneratedAlways<number>
    key: string
    facts: ColumnType<unknown, string, string>
    raised_at: Date
  }
  api_tokens: {
    id: GeneratedAlways<number>
    name: string
    digest: Buffer
    prefix: string
    scopes: string[]
    created_by: string
    created_at: Date
    expires_at: Date | null
    last_used_at: Date | null
    revoked_at: Date | null
    maker_kind: string | null
    maker_id: number | null
  }
  audit: {
    id: number
    at: Date
    actor_kind: string
    actor_name: string
    actor_address: string | null
    action: string
    subject: string | null
    details: string
    digest: Buffer
  }
  audit_head: {
    single: Generated<boolean>
    last_id: number
    digest: Buffer
  }
  claims: {
    user_id: number
    source_id: number
  }
  connection_credentials: {
    id: GeneratedAlways<number>
    connection_id: number
    kind: string
    sealed: Buffer
    fingerprint: Buffer
    thumbprint: string | null
    expires_at: Date | null
    created_at: Generated<Date>
    detail: string | null
    origin: Generated<string>
    expiry_from: string | null
    worked_at: Date | null
    refused_at: Date | null
    refusal: string | null
    remedy: string | null
  }
  connections: {
    id: GeneratedAlways<number>
    name: string
    tenant_id: string
    client_id: string
    cloud: string
    authority_url: string | null
    graph_url: string | null
    sign_in_with_microsoft: Generated<boolean>
    created_at: Generated<Date>
    updated_at: Generated<Date>
    expiry_next_at: Date | null
    expiry_read_at: Date | null
    expiry_problem: string | null
    passwords_at_terminals: Generated<boolean>
  }
  credentials: {
    id: GeneratedAlways<number>
    user_id: number
    kind: string
    sealed: Buffer | null
    lookup: Buffer
    origin: string
    held: boolean
    created_at: Generated<Date>
  }
  group_claims: {
    group_id: number
    source_id: number
  }
  groups: {
    id: Generated<number>
    tenant_id: string | null
    object_id: string | null
    source_id: number | null
    name: string
    under: Generated<string>
    hidden: Generated<boolean>
    version: Generated<number>
    created_at: Generated<Date>
    updated_at: Generated<Date>
    path_key: Buffer | null
  }
  idempotency_keys: {
    actor: string
    key: string
    request: Buffer
    began_at: Date
    status: number | null
    answer: string | null
  }
  installation: {
    single: Generated<boolean>
    id: Generated<string>
    place: string | null
  }
  issues: {
    id: GeneratedAlways<number>
    source_id: number
    run_id: number | null
    code: string
    object_id: string | null
    message: string
    opened_at: Generated<Date>
    tries: Generated<number>
    seen_at: Generated<Date>
  }
  jobs: {
    id: string
    source_id: number | null
    source_name: string
    kind: string
    is_full: Generated<boolean>
    subject: Generated<string>
    approves: number | null
    approval: ColumnType<unknown, string | null, string | null>
    trigger: string
    actor_kind: string
    actor_name: string
    actor_id: number | null
    asked_at: Generated<Date>
    slot: Date | null
    state: Generated<string>
    tries: Generated<number>
    run_id: number | null
    problem_code: string | null
    problem_detail: string | null
    ended_at: Date | null
    reversal: ColumnType<unknown, string | null, string | null>
    askers: ColumnType<unknown, string, string>
    revision: Generated<number>
  }
  look_up_key: {
    single: Generated<boolean>
    sealed: Buffer
  }
  memberships: {
    group_id: number
    user_id: number
    source_id: number
    run_id: number
  }
  mirror_doubtful_members: {
    source_id: number
    group_key: number
    member_key: number
    kind: string
    touched: Generated<boolean>
  }
  mirror_groups_to_list: {
    source_id: number
    group_key: number
    object_id: string
    link: string | null
    outcome: string | null
  }
  mirror_listings: {
    source_id: number
    listing: string
    link: string | null
    done: Generated<boolean>
  }
  mirror_marks: {
    source_id: number
    key: number
    at: number
  }
  mirror_member_marks: {
    source_id: number
    group_key: number
    member_key: number
    kind: string
    at: number
  }
  mirror_members: {
    group_key: number
    member_key: number
  }
  mirror_nesting: {
    group_key: number
    member_key: number
  }
  mirror_objects: {
    key: Generated<number>
    source_id: number
    object_id: string
    kind: string
    state: string
    attributes: ColumnType<unknown, string | null, string | null>
    sealed: Buffer | null
    manager: string | null
    members_unknown: Generated<boolean>
  }
  mirror_rereads: {
    source_id: number
    object_id: string
    kind: string
  }
  mirror_retries: {
    source_id: number
    object_id: string
    tries: Generated<number>
    first_at: Date
    next_try_at: Date
  }
  mirror_rounds: {
    source_id: number
    users_delta_link: string | null
    users_page_link: string | null
    users_link_at: Date | null
    groups_delta_link: string | null
    groups_page_link: string | null
    groups_link_at: Date | null
    lineage: string | null
    user_attributes: Generated<string[]>
    secret_attributes: Generated<string[]>
    round_kind: string | null
    round_phase: string | null
    round_lineage: string | null
    round_started_at: Date | null
    round_users_link: string | null
    round_groups_link: string | null
    round_state: ColumnType<unknown, string | undefined, string>
  }
  mirror_staged_members: {
    source_id: number
    group_key: number
    member_key: number
    kind: string
  }
  mirror_staged_objects: {
    source_id: number
    key: number
    object_id: string
    kind: string
    state: string
    attributes: ColumnType<unknown, string | null, string | null>
    sealed: Buffer | null
    manager: string | null
    manager_said: Generated<boolean>
  }
  one_time_codes: {
    digest: Buffer
    administrator_id: number | null
    expires_at: Date
  }
  people_days: {
    day: string
    active: number
  }
  person_roles: {
    user_id: number
    connection_id: number
    role: string | null
    seen_at: Date
  }
  plan_claims: {
    run_id: number
    user_id: number
    claims: boolean
  }
  plan_group_claims: {
    run_id: number
    group_id: number
    claims: boolean
  }
  plan_items: {
    run_id: number
    seq: number
    object: string
    action: string
    user_id: number | null
    group_id: number | null
    object_id: string | null
    name: string | null
    old: ColumnType<unknown, string | null, string | null>
    new: ColumnType<unknown, string | null, string | null>
    names: ColumnType<unknown, string | null, string | null>
    number_key: string | null
    rule: string
    reason: string
    saw_version: number | null
    digest: Buffer | null
    left_out: Generated<boolean>
    given_emails: string[] | null
  }
  plan_memberships: {
    run_id: number
    op: string
    group_id: number
    user_id: number
  }
  plan_shared_memberships: {
    run_id: number
    op: string
    group_id: number
    user_id: number
  }
  recovery_codes: {
    administrator_id: number
    digest: Buffer
  }
  registered_cards: {
    user_id: number
    lookup: Buffer
    terminal: string
    registered_at: Date
  }
  reverted_changes: {
    source_id: number
    object: string
    change: string
    run_id: number
    at: number
  }
  role_mappings: {
    id: GeneratedAlways<number>
    connection_id: number
    kind: string
    value: string
    role: string
    created_at: Date
  }
  run_log: {
    run_id: number
    seq: number
    at: Date
    level: string
    message: string
    fields: ColumnType<unknown, string, string>
  }
  runs: {
    id: GeneratedAlways<number>
    source_id: number | null
    source_name: string
    kind: string
    mode: string
    trigger: string
    state: Generated<string>
    outcome: string | null
    fence: number
    host: string
    pid: number
    process_started: string
    heartbeat_at: Generated<Date>
    cancel_requested: Generated<boolean>
    started_at: Generated<Date>
    ended_at: Date | null
    phase: string | null
    progress: ColumnType<unknown, string | null, string | null>
    settings_version: number
    plan_hash: string | null
    plan_all: boolean | null
    removals_allowed: boolean | null
    summary: ColumnType<unknown, string | null, string | null>
    approve_by: Date | null
    decision: string | null
    decided_by: string | null
    decided_reason: string | null
    decided_at: Date | null
    approves: number | null
    reverts: number | null
    items_removed_at: Date | null
    only_keys: number[] | null
    figures: ColumnType<unknown, string | null, string | null>
    reverts_user: number | null
    left_waiting: number | null
    made_with: ColumnType<unknown, string | null, string | null>
  }
  schedules: {
    source_id: number
    terms: string
    delta_through: Date
    full_through: Date
  }
  second_factors: {
    administrator_id: number
    sealed: Buffer
    confirmed_at: Date | null
    last_step: Generated<number>
    wrong_codes: Generated<number>
    wrong_at: Date | null
  }
  servers: {
    id: string
    host: string
    pid: number
    started_at: Generated<Date>
    seen_at: Generated<Date>
    url: string | null
  }
  sessions: {
    id: GeneratedAlways<number>
    digest: Buffer
    administrator_id: number | null
    created_at: Date
    last_seen_at: Date
    expires_at: Date
    address: string
    user_agent: string
    user_id: number | null
    connection_id: number | null
    role: string | null
    role_problem: string | null
    subject: string | null
    authenticated_at: Date | null
    sets_password_until: Date | null
  }
  setup: {
    single: Generated<boolean>
    done_at: Date | null
  }
  signin_attempts: {
    bucket: Buffer
    failures: number
    last_at: Date
  }
  signin_flows: {
    digest: Buffer
    connection_id: number
    browser: Buffer
    nonce: string
    verifier: Buffer
    redirect_uri: string
    return_to: string
    network: Buffer
    expires_at: Date
    site: Buffer | null
    session_id: number | null
    replaces: number | null
  }
  signin_flows_used: {
    digest: Buffer
    expires_at: Date
  }
  source_health: {
    source_id: number
    state: string
    since: Date
    failures: Generated<number>
    failing_since: Date | null
    refusals: Generated<number>
    code: string | null
    reason: string | null
    remedy: string | null
    next_try_at: Date | null
    last_success_at: Date | null
    run_id: number | null
  }
  source_settings: {
    source_id: number
    number: number
    settings: ColumnType<unknown, string, string>
    saved_at: Date
    actor_kind: string | null
    actor_name: string | null
  }
  sources: {
    id: GeneratedAlways<number>
    name: string
    connection_id: number
    enabled: boolean
    priority: number
    settings: ColumnType<unknown, string, string>
    settings_version: Generated<number>
    fence: Generated<number>
    seen_tenant_id: string | null
    seen_client_id: string | null
    mirror_tenant_id: string | null
    marked_all: Generated<boolean>
    marked_all_at: Generated<number>
    planner_version: number | null
    created_at: Generated<Date>
    updated_at: Generated<Date>
    cleared_everywhere: Generated<string[]>
    begun_at: Date | null
    planned_settings: ColumnType<unknown, string | null, string | null>
    peopled_scope_groups: string[] | null
  }
  terminal_device_codes: {
    digest: Buffer
    terminal_id: number
    connection_id: number
    device_code: Buffer
    interval_seconds: number
    created_at: Date
    next_poll_at: Date
    expires_at: Date
    user_id: number | null
    reason: string | null
  }
  terminal_misses: {
    bucket: Buffer
    misses: number
    missed_at: Date
  }
  terminal_registrations: {
    digest: Buffer
    terminal_id: number
    user_id: number
    expires_at: Date
  }
  terminal_sightings: {
    user_id: number
    terminal_id: number
    way: string
    times: number
    last_at: Date
  }
  terminals: {
    id: GeneratedAlways<number>
    name: string
    name_key: string
    digest: Buffer
    prefix: string
    may: string[]
    tells: string[]
    unknown_card: string
    card_transform: string | null
    created_by: string
    created_at: Date
    expires_at: Date | null
    revoked_at: Date | null
    last_used_at: Date | null
    last_address: string | null
    card_misses: Generated<number>
    card_missed_at: Date | null
    secret_misses: Generated<number>
    secret_missed_at: Date | null
    maker_kind: string | null
    maker_id: number | null
  }
  undo_groups: {
    run_id: number
    group_id: number
    seq: GeneratedAlways<number>
    before: ColumnType<unknown, string | null, string | null>
    before_version: number | null
    before_digest: Buffer | null
    after_digest: Buffer | null
  }
  undo_memberships: {
    run_id: number
    group_id: number
    user_id: number
    source_id: number
    seq: GeneratedAlways<number>
  }
  undo_users: {
    run_id: number
    user_id: number
    seq: GeneratedAlways<number>
    before: ColumnType<unknown, string | null, string | null>
    before_version: number | null
    before_digest: Buffer | null
    after_digest: Buffer | null
  }
  upkeep: {
    name: string
    begun_at: Date
  }
  user_names: {
    user_id: number
    kind: string
    value: string
    key: string
    origin: string
    held: boolean
  }
  users: {
    id: Generated<number>
    tenant_id: string | null
    object_id: string | null
    source_id: number | null
    active: Generated<boolean>
    deactivated_by: string | null
    deactivated_reason: string | null
    deactivated_at: Date | null
    restored_by_administrator: Generated<boolean>
    protected: Generated<boolean>
    administrator: Generated<boolean>
    user_name: string
    full_name: string | null
    email: string | null
    alternate_emails: Generated<string[]>
    phone: string | null
    language: string | null
    department: string | null
    cost_center: string | null
    office: string | null
    job_title: string | null
    company: string | null
    manager: string | null
    storage: string | null
    notes: string | null
    personal_number: string | null
    personal_number_key: string | null
    own: ColumnType<unknown, string | undefined, string>
    default_group_id: number | null
    version: Generated<number>
    created_at: Generated<Date>
    updated_at: Generated<Date>
    given_default_group_id: number | null
    given_emails: Generated<string[]>
    canonical_number: string | null
  }
  vault_state: {
    key_version: number
    fingerprint: Buffer
    created_at: Generated<Date>
    retired_at: Date | null
  }
}
