-- Credentials of connections: two more kinds, where their end is known from, and what became of them when they were last tried.
alter table connection_credentials drop constraint connection_credentials_kind_check;
alter table connection_credentials
  add constraint connection_credentials_kind_check
    check (kind in ('secret', 'certificate', 'workloadIdentity', 'managedIdentity')),
  -- What may be shown of it: the file of a workload identity, the client id of a managed identity.
  add column detail text,
  -- 'made': key and certificate were made here.
  add column origin text not null default 'given' check (origin in ('given', 'made')),
  -- Who says when it ends: the certificate itself, Entra, or whoever entered it.
  add column expiry_from text check (expiry_from in ('certificate', 'entra', 'entered')),
  add column worked_at timestamptz,
  -- Set while the latest try was refused, with the reason and what helps.
  add column refused_at timestamptz,
  add column refusal text,
  add column remedy text,
  add constraint connection_credentials_refusal_check check ((refused_at is null) = (refusal is null));
update connection_credentials set expiry_from = 'certificate' where expires_at is not null;
