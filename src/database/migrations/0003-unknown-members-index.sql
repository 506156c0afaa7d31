-- Groups whose members Entra does not show are few; every delta of a source with flattened memberships asks for them.
create index mirror_objects_members_unknown on mirror_objects (source_id) where members_unknown;
