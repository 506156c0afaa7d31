-- What a plan was made with beside the settings: tenant, application and addresses of the connection, the version of planning, and what held it
-- that is no figure of its own. Not known of earlier plans: those that wait are made again.
alter table runs add column made_with jsonb;
