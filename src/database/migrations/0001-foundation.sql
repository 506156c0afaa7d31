-- Connections, sources, the mirror of what Entra said, the registry, and the runs that carry one into the other.

create table vault_state (
  key_version int primary key,
  fingerprint bytea not null,
  created_at timestamptz not null default now()
);

create table connections (
  id int generated always as identity primary key,
  name text not null unique,
  tenant_id uuid not null,
  client_id uuid not null,
  cloud text not null check (cloud in ('global', 'usGov', 'usGovDod', 'china', 'custom')),
  authority_url text,
  graph_url text,
  sign_in_with_microsoft boolean not null default false,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  check ((cloud = 'custom') = (authority_url is not null and graph_url is not null))
);

create table connection_credentials (
  id int generated always as identity primary key,
  connection_id int not null references connections on delete cascade,
  kind text not null check (kind in ('secret', 'certificate')),
  sealed bytea not null,
  -- keyed digest of the value: tells whether apply brings another one, without opening it
  fingerprint bytea not null,
  thumbprint text,
  expires_at timestamptz,
  created_at timestamptz not null default now()
);
create index connection_credentials_connection on connection_credentials (connection_id);

create table sources (
  id int generated always as identity primary key,
  name text not null unique,
  connection_id int not null references connections,
  enabled boolean not null,
  priority int not null,
  -- every key present, see contract/sources.ts
  settings jsonb not null,
  settings_version int not null default 1,
  -- grows with every run; a run whose fence is not the highest any more cannot write
  fence bigint not null default 0,
  -- tenant and app that the mirror was read through
  seen_tenant_id uuid,
  seen_client_id uuid,
  -- tenant that the mirror's objects belong to
  mirror_tenant_id uuid,
  -- true: the registry reflects none of the mirror with certainty, so the next plan is for everybody
  marked_all boolean not null default true,
  -- the fence at which that was set
  marked_all_at bigint not null default 0,
  -- how plans were made when one was last applied (safeguard: first run after an upgrade)
  planner_version int,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

-- ── mirror: Entra as this source has read it ────────────────────────────────────────────────────────────────

create sequence mirror_keys as int;

create table mirror_objects (
  key int primary key default nextval('mirror_keys'),
  source_id int not null references sources on delete cascade,
  object_id uuid not null,
  -- u user, g group, ? met as a member, not yet as an object
  kind "char" not null check (kind in ('u', 'g', '?')),
  -- l live, a reported absent or removed and not proven yet, s soft-deleted (proven), x gone (proven), ? unknown
  state "char" not null check (state in ('l', 'a', 's', 'x', '?')),
  -- flat: Graph's names, nested ones with a dot. Missing key: Graph never said anything
  attributes jsonb,
  -- the attributes that feed cards and PINs, sealed (context: mirror:<source id>:<object id>)
  sealed bytea,
  -- object id of the manager, where a mapping uses it
  manager uuid,
  -- groups: members cannot be read (hidden membership); what is known of them is frozen
  members_unknown boolean not null default false,
  unique (source_id, object_id)
);
create index mirror_objects_manager on mirror_objects (source_id, manager) where manager is not null;
create index mirror_objects_unproven on mirror_objects (source_id) where state = 'a';

-- direct user members of groups; keys of mirror_objects
create table mirror_members (
  group_key int not null,
  member_key int not null,
  primary key (group_key, member_key)
);
create index mirror_members_member on mirror_members (member_key);

-- groups inside groups; keys of mirror_objects
create table mirror_nesting (
  group_key int not null,
  member_key int not null,
  primary key (group_key, member_key)
);
create index mirror_nesting_member on mirror_nesting (member_key);

-- objects that the registry does not reflect yet; at = fence of the run that found out
create table mirror_marks (
  source_id int not null references sources on delete cascade,
  key int not null,
  at bigint not null,
  primary key (source_id, key)
);
-- direct memberships that changed; kind u: a user's, g: a group inside a group
create table mirror_member_marks (
  source_id int not null references sources on delete cascade,
  group_key int not null,
  member_key int not null,
  kind "char" not null check (kind in ('u', 'g')),
  at bigint not null,
  primary key (source_id, group_key, member_key)
);

-- Where reading stands. Each feed (users, groups) has the link of its last complete round, and, when a round was
-- interrupted, the link of the page at which it goes on.
create table mirror_rounds (
  source_id int primary key references sources on delete cascade,
  users_delta_link text,
  users_page_link text,
  -- when users_delta_link was given: Graph forgets it after 7 days
  users_link_at timestamptz,
  groups_delta_link text,
  groups_page_link text,
  groups_link_at timestamptz,
  -- hash of connection, attribute lists and scope that mirror and links belong to; null: never read completely
  lineage text,
  -- what the mirror holds of users, and which of that is sealed
  user_attributes text[] not null default '{}',
  secret_attributes text[] not null default '{}',
  -- the unfinished first load or full compare, if there is one
  round_kind text check (round_kind in ('first', 'full')),
  round_phase text check (round_phase in ('walk', 'replay')),
  round_lineage text,
  round_started_at timestamptz,
  -- links taken at its start, where the stored ones cannot be used
  round_users_link text,
  round_groups_link text,
  round_state jsonb not null default '{}',
  check ((round_kind is null) = (round_phase is null))
);
-- listings of the unfinished walk; link = where it goes on
create table mirror_listings (
  source_id int not null references sources on delete cascade,
  listing text not null,
  link text,
  done boolean not null default false,
  primary key (source_id, listing)
);
-- groups whose members the unfinished walk has not read completely
create table mirror_groups_to_list (
  source_id int not null references sources on delete cascade,
  group_key int not null,
  object_id uuid not null,
  link text,
  -- why its members are not known: f forbidden, m the group is missing by now; null: still to be read
  outcome "char" check (outcome in ('f', 'm')),
  primary key (source_id, group_key)
);
-- What the walk of a full compare has read so far; keys are those of mirror_objects, or will be. Staged rows refer to
-- nothing, because a check for each would cost more than writing them; a starting walk removes those of gone sources.
create table mirror_staged_objects (
  source_id int not null,
  key int not null,
  object_id uuid not null,
  kind "char" not null check (kind in ('u', 'g', '?')),
  -- l listed; s and x: not listed, and proven soft-deleted or gone; ? met as a member only
  state "char" not null check (state in ('l', 's', 'x', '?')),
  attributes jsonb,
  -- complete, what the mirror knew before included
  sealed bytea,
  manager uuid,
  -- false: Graph did not tell, what the mirror knows stays
  manager_said boolean not null default false,
  primary key (source_id, key)
);
-- No keys and no index: written once by COPY, read once by a join.
create table mirror_staged_members (
  source_id int not null,
  group_key int not null,
  member_key int not null,
  kind "char" not null
);
-- Memberships that a full compare did not list. They go when the changes since have been replayed, unless the member
-- was touched by those: then the group is read again first, for he may have been in the recycle bin meanwhile.
create table mirror_doubtful_members (
  source_id int not null references sources on delete cascade,
  group_key int not null,
  member_key int not null,
  kind "char" not null check (kind in ('u', 'g')),
  touched boolean not null default false,
  primary key (source_id, group_key, member_key)
);
create index mirror_doubtful_members_member on mirror_doubtful_members (member_key);
-- Users and groups that came back: Graph brings their memberships back without a word, so they are read anew.
create table mirror_rereads (
  source_id int not null references sources on delete cascade,
  object_id uuid not null,
  kind "char" not null check (kind in ('u', 'g')),
  primary key (source_id, object_id)
);

-- ── registry ────────────────────────────────────────────────────────────────────────────────────────────────

create sequence registry_ids as int;

create table groups (
  id int primary key default nextval('registry_ids'),
  tenant_id uuid,
  object_id uuid,
  source_id int references sources on delete set null,
  name text not null,
  -- path of the group that it lies under, '' at the root; names joined by |, a | inside a name written \|
  under text not null default '',
  -- deleted or no longer imported: kept with id, place and hand-made members
  hidden boolean not null default false,
  version int not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (tenant_id, object_id),
  check ((tenant_id is null) = (object_id is null))
);
create index groups_source on groups (source_id);

create table users (
  id int primary key default nextval('registry_ids'),
  tenant_id uuid,
  object_id uuid,
  -- the source whose claim owns the user; null: local
  source_id int references sources on delete set null,
  active boolean not null default true,
  -- who deactivated: a source, or an administrator (whom no source overrules)
  deactivated_by text check (deactivated_by in ('source', 'administrator')),
  deactivated_reason text,
  deactivated_at timestamptz,
  -- an administrator restored him: no source deactivates him until he was wanted once more
  restored_by_administrator boolean not null default false,
  protected boolean not null default false,
  administrator boolean not null default false,
  user_name text not null,
  full_name text,
  email text,
  alternate_emails text[] not null default '{}',
  phone text,
  language text,
  department text,
  cost_center text,
  office text,
  job_title text,
  company text,
  manager text,
  storage text,
  notes text,
  personal_number text,
  -- canonical form; null while deactivated, so that the number is free for others
  personal_number_key text collate "C" unique,
  own jsonb not null default '{}',
  default_group_id int references groups on delete set null,
  version int not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (tenant_id, object_id),
  check ((tenant_id is null) = (object_id is null)),
  check (active = (deactivated_by is null))
);
create index users_source on users (source_id);

-- user names and aliases: one name space
create table user_names (
  user_id int not null references users on delete cascade,
  -- n user name, a alias
  kind "char" not null check (kind in ('n', 'a')),
  value text not null,
  -- canonical form, see directory/canonical.ts
  key text collate "C" not null,
  -- s given by the source, k kept old user name, o the registry's own
  origin "char" not null check (origin in ('s', 'k', 'o')),
  -- false: parked while the user is deactivated, free for others
  held boolean not null
);
create unique index user_names_key on user_names (key) where held;
create index user_names_user on user_names (user_id);
create index user_names_parked on user_names (key) where not held;

create table credentials (
  id int generated always as identity primary key,
  user_id int not null references users on delete cascade,
  kind text not null check (kind in ('card', 'pin')),
  -- cards: the number, sealed (context: card). PINs are never kept
  sealed bytea,
  -- keyed look-up of the canonical form
  lookup bytea not null,
  origin "char" not null check (origin in ('s', 'o')),
  held boolean not null,
  created_at timestamptz not null default now()
);
create unique index credentials_lookup on credentials (kind, lookup) where held;
create index credentials_user on credentials (user_id);

create table memberships (
  group_id int not null references groups on delete cascade,
  user_id int not null references users on delete cascade,
  -- the source that gives it; 0: made by hand
  source_id int not null,
  -- the run that made it; 0: made by hand
  run_id int not null,
  primary key (group_id, user_id, source_id)
);
create index memberships_user on memberships (user_id);

-- that a source wants a user; the claim with the lowest priority number owns him
create table claims (
  user_id int not null references users on delete cascade,
  source_id int not null references sources on delete cascade,
  primary key (user_id, source_id)
);
create index claims_source on claims (source_id);

-- ── runs and plans ──────────────────────────────────────────────────────────────────────────────────────────

create table runs (
  id int generated always as identity primary key,
  source_id int references sources on delete set null,
  source_name text not null,
  -- sync pulls, plans and applies; plan pulls and plans; approve applies a held plan
  kind text not null check (kind in ('sync', 'plan', 'approve')),
  mode text not null check (mode in ('full', 'delta')),
  trigger text not null check (trigger in ('manual', 'schedule', 'notification', 'api')),
  state text not null default 'running' check (state in ('running', 'ended')),
  outcome text check (outcome in ('applied', 'no-change', 'planned', 'held', 'cancelled', 'failed')),
  fence bigint not null,
  -- who runs it; a dead holder is taken over
  host text not null,
  pid int not null,
  process_started text not null,
  heartbeat_at timestamptz not null default now(),
  cancel_requested boolean not null default false,
  started_at timestamptz not null default now(),
  ended_at timestamptz,
  phase text,
  progress jsonb,
  settings_version int not null,
  plan_hash text,
  -- true: the plan was for everybody
  plan_all boolean,
  -- false: listings contradicted each other, so removals were left for a later run
  removals_allowed boolean,
  -- the JSON document of spec 11
  summary jsonb,
  approve_by timestamptz,
  -- what became of a held plan
  decision text check (decision in ('approved', 'rejected', 'superseded', 'lapsed')),
  decided_by text,
  decided_reason text,
  decided_at timestamptz,
  -- approve runs: the run whose plan they carried out
  approves int references runs,
  check ((state = 'ended') = (outcome is not null))
);
create unique index runs_one_per_source on runs (source_id) where state = 'running';
create index runs_source on runs (source_id, id desc);

-- A plan's items. Those of an applied run that were not left out are the history of the registry.
create table plan_items (
  run_id int not null references runs on delete cascade,
  seq int not null,
  object text not null check (object in ('user', 'group', 'membership', 'credential')),
  action text not null,
  user_id int,
  group_id int,
  object_id uuid,
  -- how people call it
  name text,
  old jsonb,
  new jsonb,
  -- users: the complete final list of names, when it changes: [kind, value, key, origin]
  names jsonb,
  -- users: canonical form of the personal number that this item gives
  number_key text,
  rule text not null,
  reason text not null,
  -- version of the registry row that the plan was made for
  saw_version int,
  -- over the content, without run, time and seq
  digest bytea,
  left_out boolean not null default false,
  primary key (run_id, seq)
);
create index plan_items_user on plan_items (user_id) where user_id is not null;
create index plan_items_group on plan_items (group_id) where group_id is not null;

-- every membership that a plan adds (a) or removes (r); bulk items refer to these rows
create table plan_memberships (
  run_id int not null references runs on delete cascade,
  op "char" not null check (op in ('a', 'r')),
  group_id int not null,
  user_id int not null
);
create index plan_memberships_run on plan_memberships (run_id);

-- open issues of the objects of a source; objects with one are planned in every run
create table issues (
  id int generated always as identity primary key,
  source_id int not null references sources on delete cascade,
  run_id int references runs on delete set null,
  code text not null,
  object_id uuid,
  message text not null,
  opened_at timestamptz not null default now()
);
create index issues_source on issues (source_id, object_id);
