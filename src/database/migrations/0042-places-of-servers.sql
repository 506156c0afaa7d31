-- Where a server is reached, so that links which the command line makes lead to one that runs. Null: not yet, or by an older version.
alter table servers add column url text;
