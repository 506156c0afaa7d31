// Imported before everything else: schemas ask when they are made whether code may be made of text. In these pages it may not, and a
// browser reports the question itself as an attempt.
import { config } from 'zod'

config({ jitless: true })
