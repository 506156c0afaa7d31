// Random histories of tenants, settings, runs, faults and edits by hand, compared with the reference model after every run.
import { playShare } from './share.ts'

playShare(0)
