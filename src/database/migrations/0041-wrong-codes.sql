-- Attempts in vain are forgiven little by little, as those at terminals.
alter table signin_attempts alter column failures type float8;
-- Wrong codes after a right password, less one for each day that has passed; over some of them administrators are told.
alter table second_factors add column wrong_codes float8 not null default 0;
alter table second_factors add column wrong_at timestamptz;
