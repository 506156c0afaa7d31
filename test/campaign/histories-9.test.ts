// More random histories, in a file of their own so that they are played at the same time; see histories.test.ts.
import { playShare } from './share.ts'

playShare(8)
