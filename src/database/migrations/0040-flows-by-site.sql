-- Keyed digest of the larger network that a sign-in was begun from: whoever has one of IPv6 has many of the smaller ones.
alter table signin_flows add column site bytea;
create index signin_flows_site on signin_flows (site, expires_at);
